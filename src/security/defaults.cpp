#include "myct/security/defaults.hpp"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "myct/base/file.hpp"
#include "myct/base/units.hpp"

namespace myct::security {
namespace {

constexpr std::string_view kProcessors = "/sys/devices/system/cpu";

std::string throttle_path(uint64_t processor) {
  return std::string(kProcessors) + "/cpu" + std::to_string(processor) + "/thermal_throttle";
}

/// The highest number in a list like "0-3,8-11"; 0 when there is none.
uint64_t last_processor(std::string_view list) {
  while (!list.empty() && list.back() == '\n') list.remove_suffix(1);
  const size_t separator = list.find_last_of("-,");
  return parse_unsigned(separator == std::string_view::npos ? list : list.substr(separator + 1)).value_or(0);
}

struct OpenDevice {
  int major;
  int minor;  ///< -1: any
};
constexpr std::array kOpenDevices = {
    OpenDevice{1, 3},     // null
    OpenDevice{1, 5},     // zero
    OpenDevice{1, 7},     // full
    OpenDevice{1, 8},     // random
    OpenDevice{1, 9},     // urandom
    OpenDevice{5, 0},     // tty
    OpenDevice{5, 1},     // console
    OpenDevice{5, 2},     // ptmx
    OpenDevice{136, -1},  // pts/*
};

}  // namespace

std::vector<std::string> thermal_throttle_paths() {
  // All processors have the counters or none has; the first one cannot be taken offline.
  if (!path_exists(throttle_path(0))) return {};
  const std::string possible = try_read_file(std::string(kProcessors) + "/possible").value_or("0");
  std::vector<std::string> paths;
  for (uint64_t processor = 0, last = last_processor(possible); processor <= last; ++processor)
    if (std::string path = throttle_path(processor); path_exists(path)) paths.push_back(std::move(path));
  return paths;
}

std::vector<std::string> default_masked_paths() {
  std::vector<std::string> paths(kMaskedPaths.begin(), kMaskedPaths.end());
  std::ranges::move(thermal_throttle_paths(), std::back_inserter(paths));
  return paths;
}

std::vector<std::string> default_readonly_paths() { return {kReadonlyPaths.begin(), kReadonlyPaths.end()}; }

std::vector<oci::DeviceRule> default_device_rules() {
  std::vector<oci::DeviceRule> rules = {{.allow = false, .type = "a"},
                                        {.allow = true, .type = "c", .access = "m"},
                                        {.allow = true, .type = "b", .access = "m"}};
  for (const OpenDevice& device : kOpenDevices) {
    rules.push_back({.allow = true, .type = "c", .major = device.major});
    if (device.minor >= 0) rules.back().minor = device.minor;
  }
  return rules;
}

}  // namespace myct::security
