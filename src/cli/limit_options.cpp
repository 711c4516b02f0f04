#include "limit_options.hpp"

#include "container_flags.hpp"
#include "flags.hpp"
#include "myct/base/error.hpp"

namespace myct::cli {
namespace {

/// One of a limit's options; declared, looked for and parsed by the same tables.
struct Option {
  const char* names;
  std::optional<std::string> LimitFlags::*target;
  const char* help;
  const char* type_name;
};
constexpr std::array kOptions = {
    Option{"-m,--memory,--mem", &LimitFlags::memory, "The most memory it may use, at least 6m; 0: no limit", "SIZE"},
    Option{"--memory-swap", &LimitFlags::memory_swap,
           "The most memory and swap together; twice --memory if it is not given; -1: no limit", "SIZE"},
    Option{"--memory-reservation", &LimitFlags::memory_reservation,
           "Memory that is left to it when the host runs short", "SIZE"},
    Option{"--memory-swappiness", &LimitFlags::memory_swappiness, "Only -1: cgroup v2 has no such setting", "-1"},
    Option{"--cpus,--cpu", &LimitFlags::cpus, "Time on that many processors, such as 1.5 or 50%; 0: no limit",
           "NUMBER"},
    Option{"-c,--cpu-shares", &LimitFlags::cpu_shares, "Its share where all want more, 2 to 262144 (1024)", "SHARES"},
    Option{"--cpu-weight", &LimitFlags::cpu_weight, "The same on the kernel's scale, 1 to 10000 (100)", "WEIGHT"},
    Option{"--cpu-period", &LimitFlags::cpu_period, "What --cpu-quota is a part of, 1000 to 1000000 (100000)",
           "MICROSECONDS"},
    Option{"--cpu-quota", &LimitFlags::cpu_quota, "Processor time in each period, at least 1000; -1: no limit",
           "MICROSECONDS"},
    Option{"--cpuset-cpus", &LimitFlags::cpuset_cpus, "The processors it may run on, such as 0-2,4", "LIST"},
    Option{"--cpuset-mems", &LimitFlags::cpuset_mems, "The memory nodes it may use", "LIST"},
    Option{"--pids-limit", &LimitFlags::pids_limit, "The most processes and threads; -1: no limit", "NUMBER"},
    Option{"--blkio-weight", &LimitFlags::blkio_weight, "Its share of busy disks, 10 to 1000; 0: the default",
           "WEIGHT"},
};

struct ListOption {
  const char* name;
  std::vector<std::string> LimitFlags::*target;
  std::vector<manager::DeviceLimit> manager::LimitsRequest::*result;
  DeviceQuantity quantity;
  const char* help;
  const char* type_name;
};
using manager::LimitsRequest;
constexpr std::array kListOptions = {
    ListOption{"--blkio-weight-device", &LimitFlags::blkio_weight_devices, &LimitsRequest::blkio_weight_devices,
               DeviceQuantity::Weight, "Its share of one busy disk, 10 to 1000", "DISK:SHARE"},
    ListOption{"--device-read-bps", &LimitFlags::read_bps, &LimitsRequest::read_bps, DeviceQuantity::Bytes,
               "The most bytes a second it may read from a disk; 0: no limit", "DISK:SIZE"},
    ListOption{"--device-write-bps", &LimitFlags::write_bps, &LimitsRequest::write_bps, DeviceQuantity::Bytes,
               "The most bytes a second it may write to a disk; 0: no limit", "DISK:SIZE"},
    ListOption{"--device-read-iops", &LimitFlags::read_iops, &LimitsRequest::read_iops, DeviceQuantity::Number,
               "The most reads a second from a disk; 0: no limit", "DISK:NUMBER"},
    ListOption{"--device-write-iops", &LimitFlags::write_iops, &LimitsRequest::write_iops, DeviceQuantity::Number,
               "The most writes a second to a disk; 0: no limit", "DISK:NUMBER"},
};

constexpr int64_t kMostPids = 4'194'304;  // PID_MAX_LIMIT
constexpr int64_t kUnbounded = 1'000'000'000'000;

/// The whole numbers: an option that is not given is nullopt.
std::optional<int64_t> parse_optional(const std::optional<std::string>& text, std::string_view option,
                                      NumberRange range) {
  if (!text) return std::nullopt;
  return parse_number(*text, option, range);
}

template <typename Number>
std::optional<Number> narrow(const std::optional<int64_t>& number) {
  return number ? std::optional(static_cast<Number>(*number)) : std::nullopt;
}

}  // namespace

void add_limit_options(CLI::App& command, LimitFlags& flags) {
  for (const Option& option : kOptions)
    command.add_option(option.names, flags.*option.target, option.help)->type_name(option.type_name)->take_last();
  for (const ListOption& option : kListOptions)
    add_list(command, option.name, flags.*option.target, option.help, option.type_name);
}

bool has_limits(const LimitFlags& flags) {
  return std::ranges::any_of(kOptions, [&](const Option& option) { return (flags.*option.target).has_value(); }) ||
         std::ranges::any_of(kListOptions, [&](const ListOption& option) { return !(flags.*option.target).empty(); });
}

LimitsRequest parse_limits(const LimitFlags& flags) {
  LimitsRequest request;
  if (flags.memory) request.memory = parse_memory(*flags.memory, "--memory");
  if (flags.memory_swap) request.memory_swap = parse_memory_swap(*flags.memory_swap);
  if (flags.memory_reservation)
    request.memory_reservation = parse_memory(*flags.memory_reservation, "--memory-reservation");
  if (flags.memory_swappiness) check_swappiness(*flags.memory_swappiness);
  if (flags.cpus) request.nano_cpus = parse_cpus(*flags.cpus);
  request.cpu_shares =
      narrow<uint64_t>(parse_optional(flags.cpu_shares, "--cpu-shares", {.least = 2, .most = 262'144}));
  request.cpu_weight = narrow<uint64_t>(parse_optional(flags.cpu_weight, "--cpu-weight", {.least = 1, .most = 10'000}));
  request.cpu_period = parse_optional(flags.cpu_period, "--cpu-period", {.least = 1000, .most = 1'000'000});
  request.cpu_quota =
      parse_optional(flags.cpu_quota, "--cpu-quota", {.least = 1000, .most = kUnbounded, .takes_minus_one = true});
  request.cpuset_cpus = flags.cpuset_cpus;
  request.cpuset_mems = flags.cpuset_mems;
  request.pids_limit =
      parse_optional(flags.pids_limit, "--pids-limit", {.least = 1, .most = kMostPids, .takes_minus_one = true});
  request.blkio_weight =
      narrow<uint16_t>(parse_optional(flags.blkio_weight, "--blkio-weight", {.least = 10, .most = 1000}));
  for (const ListOption& option : kListOptions)
    for (const std::string& text : flags.*option.target)
      (request.*option.result).push_back(parse_device_limit(text, option.name, option.quantity));
  return request;
}

void add_resource_options(CLI::App& command, ResourceFlags& flags) {
  add_list(command, "--device", flags.devices, "Give it a device of the host's, or those in a directory",
           "HOST[:CONTAINER][:rwm]");
  add_list(command, "--device-cgroup-rule", flags.device_rules, "Allow devices by number, as in 'c 10:* rwm'", "RULE");
  command
      .add_option("--oom-score-adj", flags.oom_score_adj,
                  "How gladly the kernel kills it when memory runs out, -1000 to 1000")
      ->type_name("SCORE")
      ->take_last();
  command.add_flag("--oom-kill-disable", flags.oom_kill_disable, "Only =false: cgroup v2 has no such setting");
  command.add_option("--cgroup-parent", flags.cgroup_parent, "The control group to make its own in (/myct)")
      ->type_name("PATH")
      ->take_last();
  command
      .add_option("--cgroupns", flags.cgroup_view,
                  "private: its control group is the root of all that it sees; host: it sees the host's")
      ->type_name("MODE")
      ->take_last();
  command.add_option("--shm-size", flags.shm_size, "The size of /dev/shm (64m)")->type_name("SIZE")->take_last();
}

void apply_resource_flags(const ResourceFlags& flags, manager::RunRequest& request) {
  for (const std::string& text : flags.devices) request.devices.push_back(parse_device(text));
  for (const std::string& text : flags.device_rules) request.device_rules.push_back(parse_device_rule(text));
  if (flags.oom_kill_disable)
    throw Error(ErrorKind::Usage, "--oom-kill-disable cannot be had: cgroup v2 has no such setting", 0,
                "--oom-score-adj keeps the kernel from choosing it");
  if (flags.oom_score_adj) request.oom_score_adj = parse_oom_score(*flags.oom_score_adj);
  if (!flags.cgroup_parent.empty()) request.cgroup_parent = parse_cgroup_parent(flags.cgroup_parent);
  if (!flags.cgroup_view.empty()) request.cgroup_view = parse_cgroup_view(flags.cgroup_view);
  if (!flags.shm_size) return;
  const int64_t size = parse_memory(*flags.shm_size, "--shm-size");
  if (size > 0) request.shm_size = static_cast<uint64_t>(size);
}

}  // namespace myct::cli
