// From the specification's limits, which are those of version 1 of control groups, to the files of version 2
// (Documentation/admin-guide/cgroup-v2.rst; runtime-spec's config-linux.md). Pure.
#include "myct/cgroup/limits.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "myct/base/error.hpp"

namespace myct::cgroup {
namespace {

constexpr std::array<std::string_view, 8> kControllers = {"cpu",  "cpuset",  "io",   "memory",
                                                          "pids", "hugetlb", "rdma", "misc"};
/// What the specification leaves out of a quota (cgroup-v2.rst, "cpu.max").
constexpr uint64_t kDefaultPeriod = 100'000;

using Settings = std::vector<Setting>;

/// -1 is how the specification writes "unlimited".
std::string limit_text(int64_t limit) { return limit < 0 ? "max" : std::to_string(limit); }

void add(Settings& settings, std::string controller, std::string file, std::string value, std::string purpose) {
  settings.push_back({.controller = std::move(controller),
                      .file = std::move(file),
                      .value = std::move(value),
                      .purpose = std::move(purpose),
                      .fallback_file = {},
                      .fallback_value = {},
                      .disk = {}});
}

/// memory.swap.max is of swap alone.
std::string swap_text(const oci::MemoryLimits& memory) {
  const int64_t total = *memory.swap;
  if (total < 0) return "max";
  const int64_t limit = memory.limit.value_or(0);
  if (limit == 0) throw_error(ErrorKind::Invalid, "cannot limit swap to {}: memory is not limited", total);
  if (limit < 0)
    throw_error(ErrorKind::Invalid, "cannot limit memory and swap to {}: memory alone is unlimited", total);
  if (total < limit)
    throw_error(ErrorKind::Invalid, "cannot limit memory and swap to {}: it is less than memory alone, {}", total,
                limit);
  return std::to_string(total - limit);
}

/// 0 has come to mean "not set".
bool is_set(const std::optional<int64_t>& limit) { return limit.value_or(0) != 0; }

void add_memory(const oci::MemoryLimits& memory, Settings& settings) {
  if (memory.swappiness)
    throw Error(ErrorKind::Unsupported, "cannot set the swappiness of a container", 0,
                "control groups of version 2 have none; vm.swappiness of the host is for all");
  if (memory.disable_oom_killer.value_or(false))
    throw Error(ErrorKind::Unsupported, "cannot disable the OOM killer for a container", 0,
                "control groups of version 2 have no such switch; a low --oom-score-adj makes its processes the last "
                "choice");
  // First, so that what has to leave memory for a lower limit may go where it may stay, and nowhere else.
  if (is_set(memory.swap)) add(settings, "memory", "memory.swap.max", swap_text(memory), "limit memory and swap");
  if (is_set(memory.limit)) add(settings, "memory", "memory.max", limit_text(*memory.limit), "limit memory");
  if (is_set(memory.reservation))
    add(settings, "memory", "memory.low", limit_text(*memory.reservation), "reserve memory");
}

std::string cpu_max_text(const oci::CpuLimits& cpu) {
  const std::string quota = is_set(cpu.quota) ? limit_text(*cpu.quota) : "max";
  return fmt::format("{} {}", quota, cpu.period.value_or(0) != 0 ? *cpu.period : kDefaultPeriod);
}

void add_cpu(const oci::CpuLimits& cpu, Settings& settings) {
  constexpr const char* kPurpose = "limit CPU time";
  const bool has_quota = is_set(cpu.quota) || cpu.period.value_or(0) != 0;
  // An idle group takes no weight, so that it stops being idle before and becomes so after.
  if (cpu.idle && *cpu.idle == 0) add(settings, "cpu", "cpu.idle", "0", "set the idle CPU class");
  if (cpu.shares.value_or(0) != 0)
    add(settings, "cpu", "cpu.weight", std::to_string(weight_of_shares(*cpu.shares)), "set the CPU shares");
  // A quota below the burst is refused, and a burst above the quota.
  if (cpu.burst && has_quota) add(settings, "cpu", "cpu.max.burst", "0", "limit the CPU burst");
  if (has_quota) add(settings, "cpu", "cpu.max", cpu_max_text(cpu), kPurpose);
  if (cpu.burst) add(settings, "cpu", "cpu.max.burst", std::to_string(*cpu.burst), "limit the CPU burst");
  if (cpu.idle && *cpu.idle != 0) add(settings, "cpu", "cpu.idle", std::to_string(*cpu.idle), "set the idle CPU class");
  if (!cpu.cpus.empty()) add(settings, "cpuset", "cpuset.cpus", cpu.cpus, "limit the CPUs");
  if (!cpu.mems.empty()) add(settings, "cpuset", "cpuset.mems", cpu.mems, "limit the memory nodes");
}

/// The BFQ scheduler has a weight of its own, in the old range, and passes over io.weight, which is io.cost's.
void add_io_weight(const std::string& device, uint64_t weight, Settings& settings) {
  settings.push_back({.controller = "io",
                      .file = "io.bfq.weight",
                      .value = fmt::format("{}{}", device, weight),
                      .purpose = "set the block I/O weight",
                      .fallback_file = "io.weight",
                      .fallback_value = fmt::format("{}{}", device, weight_of_block_io(weight)),
                      .disk = {}});
}

void check_leaf_weight(const std::optional<uint16_t>& weight) {
  if (weight.value_or(0) != 0)
    throw Error(ErrorKind::Unsupported, "cannot set a block I/O leaf weight", 0,
                "control groups of version 2 have none");
}

void add_throttles(const std::vector<oci::ThrottleDevice>& devices, const char* key, const char* purpose,
                   Settings& settings) {
  for (const oci::ThrottleDevice& device : devices) {
    add(settings, "io", "io.max",
        fmt::format("{}:{} {}={}", device.major, device.minor, key,
                    device.rate == 0 ? "max" : std::to_string(device.rate)),
        purpose);
    settings.back().disk = fmt::format("{}:{}", device.major, device.minor);
  }
}

void add_block_io(const oci::BlockIoLimits& io, Settings& settings) {
  check_leaf_weight(io.leaf_weight);
  if (io.weight.value_or(0) != 0) add_io_weight("", *io.weight, settings);
  for (const oci::WeightDevice& device : io.weight_devices) {
    check_leaf_weight(device.leaf_weight);
    if (device.weight.value_or(0) != 0)
      add_io_weight(fmt::format("{}:{} ", device.major, device.minor), *device.weight, settings);
  }
  add_throttles(io.read_bps, "rbps", "limit reading from", settings);
  add_throttles(io.write_bps, "wbps", "limit writing to", settings);
  add_throttles(io.read_iops, "riops", "limit reads from", settings);
  add_throttles(io.write_iops, "wiops", "limit writes to", settings);
}

void add_huge_pages(const std::vector<oci::HugepageLimit>& limits, Settings& settings) {
  for (const oci::HugepageLimit& limit : limits) {
    if (limit.page_size.empty() || limit.page_size.find_first_of("/.") != std::string::npos)
      throw_error(ErrorKind::Invalid, "cannot limit huge pages: '{}' is no page size", limit.page_size);
    add(settings, "hugetlb", fmt::format("hugetlb.{}.max", limit.page_size), std::to_string(limit.limit),
        fmt::format("limit huge pages of {}", limit.page_size));
  }
}

/// "memory" of "memory.high". Throws Error on what is no file that limits.
std::string controller_of(const std::string& file) {
  const std::string prefix = file.substr(0, file.find('.'));
  const bool is_name = file.size() > prefix.size() + 1 && file.find('/') == std::string::npos;
  if (is_name && std::ranges::find(kControllers, prefix) != kControllers.end()) return prefix;
  // The rest of "cgroup.*" is how groups are run, which is not the configuration's to say.
  if (is_name && file.starts_with("cgroup.max.")) return {};
  throw_error(ErrorKind::Invalid, "cannot write '{}' of a control group: it is no file that sets a limit", file);
}

/// A file may take a line a device.
void add_unified(const std::map<std::string, std::string>& unified, Settings& settings) {
  for (const auto& [file, text] : unified) {
    const std::string controller = controller_of(file);
    for (std::string_view rest = text; !rest.empty();) {
      const size_t end = rest.find('\n');
      if (const std::string_view line = rest.substr(0, end); !line.empty())
        add(settings, controller, file, std::string(line), "set " + file);
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
  }
}

}  // namespace

uint64_t weight_of_shares(uint64_t shares) noexcept {
  constexpr uint64_t kLeast = 2;
  constexpr uint64_t kMost = 262'144;
  const double log = std::log2(static_cast<double>(std::clamp(shares, kLeast, kMost)));
  // A parabola through the three points where both scales mean the same: least, default, most.
  return static_cast<uint64_t>(std::ceil(std::pow(10, (log * log + 125 * log) / 612 - 7.0 / 34)));
}

uint64_t weight_of_block_io(uint64_t weight) noexcept {
  return 1 + (std::clamp<uint64_t>(weight, 10, 1000) - 10) * 9999 / 990;
}

std::vector<Setting> settings_of(const oci::Resources& resources) {
  Settings settings;
  add_memory(resources.memory, settings);
  add_cpu(resources.cpu, settings);
  if (resources.pids_limit)
    add(settings, "pids", "pids.max", *resources.pids_limit <= 0 ? "max" : std::to_string(*resources.pids_limit),
        "limit processes");
  add_block_io(resources.block_io, settings);
  add_huge_pages(resources.hugepage_limits, settings);
  add_unified(resources.unified, settings);
  return settings;
}

}  // namespace myct::cgroup
