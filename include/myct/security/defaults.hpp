// What Docker hides from a container in /proc and /sys, what it makes read-only there, and which devices it opens.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "myct/spec/resources.hpp"

namespace myct::security {

/// Files and directories that tell about the host, or that would let a container act on it; covered when present.
inline constexpr std::array kMaskedPaths = {
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
};

/// What a container may read but not write; skipped when absent.
inline constexpr std::array kReadonlyPaths = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

/// The thermal_throttle directories of this machine's processors, masked too: their counters show what other
/// tenants compute. One failing access(2) on machines that have none, as virtual ones.
[[nodiscard]] std::vector<std::string> thermal_throttle_paths();

/// Both of the above: kMaskedPaths and thermal_throttle_paths(), for oci::Linux::masked_paths.
[[nodiscard]] std::vector<std::string> default_masked_paths();
/// kReadonlyPaths, for oci::Linux::readonly_paths.
[[nodiscard]] std::vector<std::string> default_readonly_paths();

/// For oci::Resources::devices: any node may be made, but only harmless ones and terminals be opened.
[[nodiscard]] std::vector<oci::DeviceRule> default_device_rules();

}  // namespace myct::security
