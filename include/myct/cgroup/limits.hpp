// The limits of an OCI configuration as what is written to a control group's files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "myct/spec/resources.hpp"

namespace myct::cgroup {

/// One write to one file of a control group.
struct Setting {
  std::string controller;  ///< that the file belongs to, "memory"; empty: the kernel's core has it
  std::string file;        ///< "memory.max"
  std::string value;
  std::string purpose;        ///< as the user would say it, "limit memory"
  std::string fallback_file;  ///< where `file` is absent; empty: nothing
  std::string fallback_value;
  std::string disk;  ///< "8:0", which the purpose is about; empty: none, or all
};

/// What has to be written, in this order. Pure. The device filter is not among it. Throws Error{Invalid} on what
/// contradicts itself and Error{Unsupported} on what version 2 of control groups cannot do.
[[nodiscard]] std::vector<Setting> settings_of(const oci::Resources& resources);

/// cpu.weight (1 to 10000) for the 2 to 262144 of version 1: 1024, the default there, is 100, the default here.
[[nodiscard]] uint64_t weight_of_shares(uint64_t shares) noexcept;
/// io.weight (1 to 10000) for the 10 to 1000 of version 1.
[[nodiscard]] uint64_t weight_of_block_io(uint64_t weight) noexcept;

/// "limit reading from /dev/sda".
[[nodiscard]] std::string describe(const Setting& setting);
/// "/dev/sda" for the numbers of a disk, "8:0"; those where the host has none such.
[[nodiscard]] std::string name_of_disk(const std::string& numbers);

/// Whether this host has the controllers that the limits need, as far as that is known without changing anything: else
/// a start would be refused. `cgroups_path` as locate() takes it. Throws Error{Unsupported} that names the limit, the
/// controller and the remedy.
void check_available(const std::string& cgroups_path, const oci::Resources& resources);

/// Writes the settings to the group at `path` (absolute). Throws Error that names the limit, the controller and what
/// can be done.
void apply_settings(const std::string& path, const std::vector<Setting>& settings);

/// Changes the limits of a group in use: what is set in `resources`, and nothing else. Throws Error; what was changed
/// before it failed is as it was.
void update_limits(const std::string& path, const oci::Resources& resources);

}  // namespace myct::cgroup
