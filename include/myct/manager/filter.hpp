// The conditions of `ps --filter`: conditions of one key are alternatives, different keys must all be met, and of
// labels each must be there (docker-ps(1)).
#pragma once

#include <set>
#include <string>
#include <vector>

#include "myct/image/store.hpp"
#include "myct/manager/manager.hpp"

namespace myct::manager {

/// Values by key, checked but not looked up yet.
struct ContainerFilter {
  std::vector<std::string> names;  ///< regular expressions (regex(7), extended), found anywhere in the name or "/name"
  std::vector<std::string> ids;    ///< the same, in the id
  std::vector<std::string> statuses;
  std::vector<std::string> labels;     ///< "key" or "key=value"
  std::vector<std::string> ancestors;  ///< image names or ids
  std::vector<int> exited;             ///< exit statuses
  std::vector<std::string> before;     ///< containers: made before one of them
  std::vector<std::string> since;      ///< containers: made after one of them
  std::vector<std::string> volumes;    ///< names, sources or destinations of mounts
  std::vector<std::string> networks;   ///< names; those that ids stand for come from name_networks()
  std::vector<std::string> healths;    ///< "none" where there is no health check
  std::set<std::string> exposed;       ///< ports of the container: "80/tcp"
  std::set<std::string> published;     ///< ports of the host
};

/// From "key=value" each. Throws Error{Usage} for what has no "=", and with exit status 1 for an unknown key or a value
/// that its key does not take.
[[nodiscard]] ContainerFilter parse_container_filter(const std::vector<std::string>& conditions);

/// Those of `containers`, which are all there are, that meet the conditions, in the same order. Pure; `images` are what
/// ancestors are looked up in. Throws Error{NotFound} when before or since name no container.
[[nodiscard]] std::vector<ContainerSummary> apply_filter(const ContainerFilter& filter,
                                                         std::vector<ContainerSummary> containers,
                                                         const std::vector<image::ImageSummary>& images);

}  // namespace myct::manager
