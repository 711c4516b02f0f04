// Docker's rules for limits (docker-run(1), docker-update(1)), and what of the host they are measured against.
#include "limits.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/units.hpp"

namespace myct::manager {
namespace {

constexpr int64_t kUnlimited = -1;
constexpr int64_t kSmallestMemory = 6 << 20;  // as docker's; less does not hold the start of a program
constexpr int64_t kDefaultPeriod = 100'000;
constexpr int64_t kBillion = 1'000'000'000;
constexpr int64_t kSmallestNanoCpus = kBillion / 100;  // the kernel's smallest quota is a millisecond of each period
constexpr uint64_t kDefaultShares = 1024;
constexpr const char* kWeightFile = "cpu.weight";
constexpr uint64_t kDefaultWeight = 100;

// --- memory ----------------------------------------------------------------------------------------------------------

/// A limit as OCI writes it: 0 is none.
int64_t or_unlimited(int64_t value) noexcept { return value <= 0 ? kUnlimited : value; }
bool is_set(const std::optional<int64_t>& limit) noexcept { return limit && *limit > 0; }

std::string show(int64_t bytes) { return human_binary_size(static_cast<uint64_t>(bytes)); }

void check_at_least_smallest(const std::optional<int64_t>& bytes, std::string_view option) {
  if (is_set(bytes) && *bytes < kSmallestMemory)
    throw_error(ErrorKind::Usage, "{} {} is too small: the least is 6MiB", option, show(*bytes));
}

/// What `memory` and swap together come to. `before` is what the container has.
std::optional<int64_t> plan_swap(const LimitsRequest& request, const oci::MemoryLimits& before,
                                 const std::optional<int64_t>& memory) {
  if (request.memory_swap == kUnlimited) return kUnlimited;
  if (is_set(request.memory_swap)) {
    if (!is_set(memory))
      throw Error(ErrorKind::Usage, "--memory-swap without a limit for memory", 0, "give --memory, too");
    if (*request.memory_swap < *memory)
      throw Error(
          ErrorKind::Usage,
          fmt::format("--memory-swap {} is below the limit for memory, {}", show(*request.memory_swap), show(*memory)),
          0, "it is the sum of memory and swap");
    return request.memory_swap;
  }
  if (!is_set(memory)) return before.swap ? std::optional(kUnlimited) : std::nullopt;
  // A swap limit was there before and is not mentioned now: it stays.
  if (!request.memory_swap && before.swap) {
    if (*before.swap != kUnlimited && *memory > *before.swap)
      throw Error(ErrorKind::Conflict,
                  fmt::format("the limit for memory, {}, is above that for memory and swap, {}", show(*memory),
                              show(*before.swap)),
                  0, "give --memory-swap at the same time");
    return before.swap;
  }
  return *memory > INT64_MAX / 2 ? kUnlimited : 2 * *memory;
}

oci::MemoryLimits plan_memory(const LimitsRequest& request, const oci::MemoryLimits& before) {
  check_at_least_smallest(request.memory, "--memory");
  check_at_least_smallest(request.memory_reservation, "--memory-reservation");
  oci::MemoryLimits memory = before;
  if (request.memory) memory.limit = or_unlimited(*request.memory);
  if (request.memory_reservation) memory.reservation = or_unlimited(*request.memory_reservation);
  if (request.memory || request.memory_swap) memory.swap = plan_swap(request, before, memory.limit);
  if (is_set(memory.limit) && is_set(memory.reservation) && *memory.limit < *memory.reservation)
    throw_error(request.memory && request.memory_reservation ? ErrorKind::Usage : ErrorKind::Conflict,
                "the limit for memory, {}, is below its reservation, {}", show(*memory.limit),
                show(*memory.reservation));
  return memory;
}

// --- processors ------------------------------------------------------------------------------------------------------

void check_cpu_options(const LimitsRequest& request, const HostResources& host) {
  if (request.nano_cpus && (request.cpu_period || request.cpu_quota))
    throw_error(ErrorKind::Usage, "conflicting options: --cpus and {}",
                request.cpu_period ? "--cpu-period" : "--cpu-quota");
  if (request.cpu_shares && request.cpu_weight)
    throw_error(ErrorKind::Usage, "conflicting options: --cpu-shares and --cpu-weight");
  if (!request.nano_cpus || *request.nano_cpus == 0) return;
  const size_t count = parse_number_list(host.cpus).value_or(std::vector<unsigned>()).size();
  if (*request.nano_cpus < kSmallestNanoCpus || *request.nano_cpus > static_cast<int64_t>(count) * kBillion)
    throw_error(ErrorKind::Usage, "--cpus is to be from 0.01 to {}: this host has {} processor{}", count, count,
                count == 1 ? "" : "s");
}

void check_set(const std::optional<std::string>& wanted, const std::string& available, std::string_view option,
               std::string_view things) {
  if (!wanted || wanted->empty()) return;
  const std::optional<std::vector<unsigned>> numbers = parse_number_list(*wanted);
  if (!numbers) throw_error(ErrorKind::Usage, "invalid {} '{}': give numbers such as 0-2,4", option, *wanted);
  const std::vector<unsigned> there = parse_number_list(available).value_or(std::vector<unsigned>());
  for (const unsigned number : *numbers)
    if (!std::ranges::binary_search(there, number))
      throw_error(ErrorKind::Usage, "{} {}: there is no {} {} on this host, which has {}", option, *wanted, things,
                  number, available);
}

/// The share of the processors' time that is guaranteed when all want it; --cpu-weight is the kernel's file itself.
void plan_weight(const LimitsRequest& request, LimitsPlan& plan) {
  if (request.cpu_shares) {
    plan.all.unified.erase(kWeightFile);
    plan.all.cpu.shares = plan.changed.cpu.shares = *request.cpu_shares == 0 ? kDefaultShares : *request.cpu_shares;
    if (*request.cpu_shares == 0) plan.all.cpu.shares.reset();
  }
  if (request.cpu_weight) {
    plan.all.cpu.shares.reset();
    const uint64_t weight = *request.cpu_weight == 0 ? kDefaultWeight : *request.cpu_weight;
    plan.all.unified[kWeightFile] = plan.changed.unified[kWeightFile] = std::to_string(weight);
    if (*request.cpu_weight == 0) plan.all.unified.erase(kWeightFile);
  }
}

void plan_bandwidth(const LimitsRequest& request, LimitsPlan& plan) {
  if (!request.nano_cpus && !request.cpu_period && !request.cpu_quota) return;
  oci::CpuLimits& cpu = plan.all.cpu;
  if (request.nano_cpus) {
    cpu.period = kDefaultPeriod;
    cpu.quota = or_unlimited(*request.nano_cpus / (kBillion / kDefaultPeriod));
  }
  if (request.cpu_period)
    cpu.period = static_cast<uint64_t>(*request.cpu_period == 0 ? kDefaultPeriod : *request.cpu_period);
  if (request.cpu_quota) cpu.quota = or_unlimited(*request.cpu_quota);
  // The kernel's file has both in one line.
  plan.changed.cpu.period = cpu.period ? cpu.period : std::optional<uint64_t>(kDefaultPeriod);
  plan.changed.cpu.quota = cpu.quota ? cpu.quota : std::optional(kUnlimited);
  if (cpu.quota != kUnlimited) return;
  cpu.quota.reset();
  if (!request.cpu_period || *request.cpu_period == 0) cpu.period.reset();
}

void plan_cpu(const LimitsRequest& request, const HostResources& host, LimitsPlan& plan) {
  check_cpu_options(request, host);
  check_set(request.cpuset_cpus, host.cpus, "--cpuset-cpus", "processor");
  check_set(request.cpuset_mems, host.mems, "--cpuset-mems", "memory node");
  plan_weight(request, plan);
  plan_bandwidth(request, plan);
  // A list of all of them is what no list means, and an empty string in a configuration is "not set".
  if (request.cpuset_cpus) {
    plan.all.cpu.cpus = *request.cpuset_cpus;
    plan.changed.cpu.cpus = request.cpuset_cpus->empty() ? host.cpus : *request.cpuset_cpus;
  }
  if (request.cpuset_mems) {
    plan.all.cpu.mems = *request.cpuset_mems;
    plan.changed.cpu.mems = request.cpuset_mems->empty() ? host.mems : *request.cpuset_mems;
  }
}

// --- block devices ---------------------------------------------------------------------------------------------------

template <typename Device>
void put_device(std::vector<Device>& devices, const Device& device, bool is_limit) {
  std::erase_if(devices, [&](const Device& old) { return old.major == device.major && old.minor == device.minor; });
  if (is_limit) devices.push_back(device);
}

void plan_throttle(const std::vector<DeviceLimit>& requests, const HostResources& host,
                   std::vector<oci::ThrottleDevice>& all, std::vector<oci::ThrottleDevice>& changed) {
  for (const DeviceLimit& request : requests) {
    const DeviceNumber number = host.disks.at(request.path);
    const oci::ThrottleDevice device{.major = number.major, .minor = number.minor, .rate = request.value};
    put_device(all, device, request.value > 0);
    put_device(changed, device, true);
  }
}

void plan_block_io(const LimitsRequest& request, const HostResources& host, LimitsPlan& plan) {
  oci::BlockIoLimits& all = plan.all.block_io;
  oci::BlockIoLimits& changed = plan.changed.block_io;
  if (request.blkio_weight) {
    changed.weight = *request.blkio_weight;
    all.weight = *request.blkio_weight == 0 ? std::nullopt : changed.weight;
  }
  for (const DeviceLimit& limit : request.blkio_weight_devices) {
    const DeviceNumber number = host.disks.at(limit.path);
    oci::WeightDevice device{.major = number.major, .minor = number.minor};
    device.weight = static_cast<uint16_t>(limit.value);
    put_device(all.weight_devices, device, limit.value > 0);
    put_device(changed.weight_devices, device, true);
  }
  plan_throttle(request.read_bps, host, all.read_bps, changed.read_bps);
  plan_throttle(request.write_bps, host, all.write_bps, changed.write_bps);
  plan_throttle(request.read_iops, host, all.read_iops, changed.read_iops);
  plan_throttle(request.write_iops, host, all.write_iops, changed.write_iops);
}

// --- the host --------------------------------------------------------------------------------------------------------

std::string first_line(const char* path) {
  const std::string text = try_read_file(path).value_or("");
  return text.substr(0, text.find('\n'));
}

/// io.max and io.weight are about whole disks (blkcg_conf_get_disk): a partition is refused by the kernel, and by us
/// with the name of what would be taken.
DeviceNumber number_of_disk(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == -1) throw_errno("limit device '{}'", path);
  if (!S_ISBLK(status.st_mode)) throw_error(ErrorKind::Usage, "limit device '{}': it is not a block device", path);
  const DeviceNumber number{.major = major(status.st_rdev), .minor = minor(status.st_rdev)};
  const std::string directory = fmt::format("/sys/dev/block/{}:{}", number.major, number.minor);
  if (!path_exists(directory + "/partition")) return number;
  char resolved[PATH_MAX];
  std::string disk = "the whole disk";
  if (::realpath((directory + "/..").c_str(), resolved) != nullptr)
    disk = fmt::format("/dev/{}", std::strrchr(resolved, '/') + 1);
  throw Error(ErrorKind::Usage, fmt::format("limit device '{}': it is a partition", path), 0,
              "the kernel limits whole disks: give " + disk);
}

}  // namespace

std::optional<std::vector<unsigned>> parse_number_list(std::string_view text) {
  constexpr uint64_t kLargest = 1 << 16;
  std::vector<unsigned> numbers;
  while (!text.empty()) {
    const size_t end = std::min(text.find(','), text.size());
    const std::string_view range = text.substr(0, end);
    const size_t dash = range.find('-');
    const std::optional<uint64_t> first = parse_unsigned(range.substr(0, dash));
    const std::optional<uint64_t> last =
        dash == std::string_view::npos ? first : parse_unsigned(range.substr(dash + 1));
    if (!first || !last || *first > *last || *last >= kLargest) return std::nullopt;
    for (uint64_t number = *first; number <= *last; ++number) numbers.push_back(static_cast<unsigned>(number));
    if (end + 1 == text.size()) return std::nullopt;  // ends with a comma
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  std::ranges::sort(numbers);
  numbers.erase(std::ranges::unique(numbers).begin(), numbers.end());
  return numbers;
}

LimitsPlan plan_limits(const LimitsRequest& request, const oci::Resources& now, const HostResources& host) {
  LimitsPlan plan{.all = now, .changed = {}};
  if (request.memory || request.memory_swap || request.memory_reservation) {
    plan.all.memory = plan.changed.memory = plan_memory(request, now.memory);
    if (!is_set(plan.all.memory.limit)) plan.all.memory.limit.reset();
    if (!is_set(plan.all.memory.limit)) plan.all.memory.swap.reset();
    if (!is_set(plan.all.memory.reservation)) plan.all.memory.reservation.reset();
    // "No limit" would reserve all.
    if (request.memory_reservation == 0) {
      plan.changed.memory.reservation.reset();
      plan.changed.unified["memory.low"] = std::to_string(0);
    }
  }
  plan_cpu(request, host, plan);
  if (request.pids_limit) {
    plan.changed.pids_limit = or_unlimited(*request.pids_limit);
    plan.all.pids_limit = is_set(request.pids_limit) ? request.pids_limit : std::nullopt;
  }
  plan_block_io(request, host, plan);
  return plan;
}

HostResources look_at_host(const LimitsRequest& request) {
  HostResources host;
  if (request.nano_cpus || request.cpuset_cpus) host.cpus = first_line("/sys/devices/system/cpu/online");
  if (request.cpuset_mems) host.mems = first_line("/sys/devices/system/node/online");
  if (request.cpuset_mems && host.mems.empty()) host.mems.push_back('0');  // a kernel without NUMA
  for (const auto* limits :
       {&request.blkio_weight_devices, &request.read_bps, &request.write_bps, &request.read_iops, &request.write_iops})
    for (const DeviceLimit& limit : *limits) host.disks[limit.path] = number_of_disk(limit.path);
  return host;
}

}  // namespace myct::manager
