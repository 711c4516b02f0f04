// From the limits that a user asks for to those of an OCI configuration.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "myct/manager/limits.hpp"
#include "myct/manager/request.hpp"
#include "myct/spec/runtime_spec.hpp"

namespace myct::manager {

struct DeviceNumber {
  int64_t major = 0;
  int64_t minor = 0;
};

/// What limits are measured against.
struct HostResources {
  std::string cpus;                           ///< those that are online: "0-3"
  std::string mems;                           ///< memory nodes
  std::map<std::string, DeviceNumber> disks;  ///< of each path that a request names
};

/// Reads what `request` needs, and nothing when it asks for nothing. Throws Error{Usage} for a path that is no whole
/// disk.
[[nodiscard]] HostResources look_at_host(const LimitsRequest& request);

/// What a request makes of a container's limits.
struct LimitsPlan {
  oci::Resources all;      ///< what the container has from now on: config.json's
  oci::Resources changed;  ///< what is to be written to a group that lives; -1 and, for disks, 0 take a limit away
};

/// `now` is what the container has: nothing yet when it is made. Pure. Throws Error{Usage} when the request cannot be
/// in itself or on this host, Error{Conflict} when it does not go with what the container has.
[[nodiscard]] LimitsPlan plan_limits(const LimitsRequest& request, const oci::Resources& now,
                                     const HostResources& host);

/// The numbers in "0-3,7", in order; nullopt when it is no such list.
[[nodiscard]] std::optional<std::vector<unsigned>> parse_number_list(std::string_view text);

/// The devices behind the requests: links are followed, and a directory stands for every device in it. Throws Error.
struct MappedDevices {
  std::vector<oci::Device> nodes;
  std::vector<oci::DeviceRule> rules;
};
[[nodiscard]] MappedDevices map_devices(const std::vector<DeviceRequest>& requests);

/// A user's rule, "c 10:200 rwm"; checked on the command line.
[[nodiscard]] oci::DeviceRule device_rule_from(const std::string& text);

}  // namespace myct::manager
