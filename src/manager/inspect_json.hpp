// Docker's inspect documents, built from what was read. Pure.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "limits.hpp"
#include "myct/cgroup/limits.hpp"
#include "myct/image/inspect.hpp"
#include "myct/manager/inspect.hpp"
#include "myct/manager/manager.hpp"
#include "myct/network/network.hpp"
#include "myct/spec/runtime_spec.hpp"

namespace myct::manager {

struct InspectInputs {
  const ContainerSummary& container;
  std::optional<oci::Spec> spec;  ///< absent: its config.json is gone
  std::string directory;          ///< the container's
  std::string log_path;           ///< empty: it has no log
  std::optional<ContainerSize> size;
  bool oom_killed = false;                         ///< a process of this run, which has not ended
  std::optional<network::Presence> presence;       ///< of one that runs
  std::map<std::string, std::string> network_ids;  ///< by name, of those that it is on
  std::string (*disk_name)(const std::string& numbers) = cgroup::name_of_disk;
};

/// The members of HostConfig that are about limits and devices.
void add_limits(const InspectInputs& inputs, nlohmann::ordered_json& config);

[[nodiscard]] nlohmann::ordered_json build_container_document(const InspectInputs& inputs);
[[nodiscard]] nlohmann::ordered_json build_image_document(const image::ImageDetails& image);

}  // namespace myct::manager
