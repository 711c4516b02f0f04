// The limits of a container as the OCI runtime specification writes them ("linux.resources" of config-linux.md).
// Members carry the specification's names and meanings; sizes are in bytes, times in microseconds.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace myct::oci {

/// A rule of the device filter. An absent number means any.
struct DeviceRule {
  bool allow = false;
  std::string type = "a";  ///< "c", "b" or "a" for both
  std::optional<int64_t> major;
  std::optional<int64_t> minor;
  std::string access = "rwm";  ///< of "r" read, "w" write, "m" mknod
};

/// -1 is unlimited.
struct MemoryLimits {
  std::optional<int64_t> limit;
  std::optional<int64_t> reservation;
  std::optional<int64_t> swap;  ///< memory and swap together
  std::optional<uint64_t> swappiness;
  std::optional<bool> disable_oom_killer;
  std::optional<bool> check_before_update;
};

struct CpuLimits {
  std::optional<uint64_t> shares;  ///< 2 to 262144
  std::optional<int64_t> quota;    ///< of each period; -1 is unlimited
  std::optional<uint64_t> burst;
  std::optional<uint64_t> period;
  std::optional<int64_t> idle;
  std::string cpus;  ///< "0-3,7"
  std::string mems;
};

struct WeightDevice {
  int64_t major = 0;
  int64_t minor = 0;
  std::optional<uint16_t> weight;
  std::optional<uint16_t> leaf_weight;
};

struct ThrottleDevice {
  int64_t major = 0;
  int64_t minor = 0;
  uint64_t rate = 0;  ///< bytes or operations a second
};

struct BlockIoLimits {
  std::optional<uint16_t> weight;  ///< 10 to 1000
  std::optional<uint16_t> leaf_weight;
  std::vector<WeightDevice> weight_devices;
  std::vector<ThrottleDevice> read_bps;
  std::vector<ThrottleDevice> write_bps;
  std::vector<ThrottleDevice> read_iops;
  std::vector<ThrottleDevice> write_iops;
};

struct HugepageLimit {
  std::string page_size;  ///< "2MB"
  uint64_t limit = 0;
};

struct Resources {
  std::vector<DeviceRule> devices;  ///< in order: of those that match, the last one counts
  MemoryLimits memory;
  CpuLimits cpu;
  std::optional<int64_t> pids_limit;  ///< "pids.limit"; 0 or less is unlimited
  BlockIoLimits block_io;
  std::vector<HugepageLimit> hugepage_limits;
  std::map<std::string, std::string> unified;  ///< a file of the v2 control group and what is written to it
};

/// The member "resources" alone, as JSON text: what `update` takes.
[[nodiscard]] std::string to_json(const Resources& resources);
/// Throws Error{Invalid} naming the member; `name` is the document's name for the message.
[[nodiscard]] Resources resources_from_json(std::string_view text, std::string_view name);

}  // namespace myct::oci
