// Writing limits to a group's files, and saying what it means when the kernel refuses one.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "controllers.hpp"
#include "io_weight.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/base/units.hpp"
#include "myct/cgroup/limits.hpp"
#include "reservation.hpp"

namespace myct::cgroup {
namespace {

[[noreturn]] void throw_absent(const Setting& setting) {
  std::string hint;
  if (setting.controller == "memory" && setting.file.find("swap") != std::string::npos)
    hint = "boot with swapaccount=1, or do not limit swap (--memory-swap -1)";
  if (setting.fallback_file == "io.weight")
    hint = "it takes the BFQ scheduler, or a kernel with CONFIG_BLK_CGROUP_IOCOST";
  throw Error(ErrorKind::Unsupported,
              fmt::format("cannot {}: this kernel has no '{}'", describe(setting), setting.file), 0, hint);
}

std::string hint_for(const Setting& setting, int errnum) {
  if (setting.file == "io.max" && errnum == ENODEV) return "a limit is for a whole disk, and not for a partition of it";
  if (setting.file.starts_with("cpuset.") && (errnum == ERANGE || errnum == EINVAL || errnum == ENODEV))
    return setting.file == "cpuset.mems" ? "this machine has no such memory node" : "this machine has no such CPU";
  if (setting.file == "cpu.max" && errnum == EINVAL)
    return "the period is from 1000 to 1000000 us, the quota at least 1000, and not below the burst";
  if (setting.file.ends_with(".weight") && errnum == EOPNOTSUPP) return "the device's scheduler takes no weights";
  return {};
}

/// "0-3,7": numbers in order.
std::vector<uint64_t> numbers_in(std::string_view list) {
  constexpr uint64_t kMost = 1 << 16;
  std::vector<uint64_t> numbers;
  while (!list.empty() && (list.ends_with('\n') || list.ends_with(' '))) list.remove_suffix(1);
  while (!list.empty()) {
    const size_t end = list.find(',');
    const std::string_view range = list.substr(0, end);
    const size_t dash = range.find('-');
    const uint64_t first = parse_unsigned(range.substr(0, dash)).value_or(kMost);
    const uint64_t last =
        dash == std::string_view::npos ? first : parse_unsigned(range.substr(dash + 1)).value_or(kMost);
    for (uint64_t number = first; number <= last && number < kMost; ++number) numbers.push_back(number);
    list = end == std::string_view::npos ? std::string_view() : list.substr(end + 1);
  }
  std::ranges::sort(numbers);
  return numbers;
}

/// The kernel takes CPUs that could be plugged in, and gives others meanwhile.
void check_cpuset(const std::string& path, const Setting& setting) {
  const std::string effective = try_read_file(path + "/" + setting.file + ".effective").value_or("");
  const std::vector<uint64_t> got = numbers_in(effective);
  const std::vector<uint64_t> asked = numbers_in(setting.value);
  if (std::ranges::includes(got, asked)) return;
  throw Error(ErrorKind::Invalid, fmt::format("cannot {} to '{}': there are only {}", describe(setting), setting.value,
                                              effective.substr(0, effective.find('\n'))));
}

/// The file and the value that this kernel takes.
struct Write {
  std::string file;
  std::string value;
};

/// BFQ's file for a disk that has BFQ, else io.cost's, as far as this kernel has them.
std::optional<Write> choose_weight(const std::string& path, const Setting& setting) {
  const bool has_own = path_exists(path + "/" + setting.file);
  const bool has_other = !setting.fallback_file.empty() && path_exists(path + "/" + setting.fallback_file);
  if (has_own && (!has_other || goes_by_bfq(disk_of_weight(setting.value)))) return Write{setting.file, setting.value};
  if (has_other) return Write{setting.fallback_file, setting.fallback_value};
  return std::nullopt;
}

/// nullopt where the file is absent and no limit was to be written to it.
std::optional<Write> choose_write(const std::string& path, const Setting& setting) {
  if (is_io_weight(setting)) {
    std::optional<Write> write = choose_weight(path, setting);
    if (is_weight_taken_away(setting)) return write;
    if (!write) throw_absent(setting);
    check_weight_counts(setting, write->file);
    return write;
  }
  if (path_exists(path + "/" + setting.file)) return Write{setting.file, setting.value};
  if (setting.value == "max") return std::nullopt;
  throw_absent(setting);
}

void apply(const std::string& path, const Setting& setting, const Write& write) {
  const Fd file = open_path(path + "/" + write.file, O_WRONLY);
  while (::write(file.get(), write.value.data(), write.value.size()) == -1) {
    const int errnum = errno;
    if (errnum == EINTR) continue;
    throw Error(kind_of_errno(errnum),
                fmt::format("cannot {} ({}) to '{}'", describe(setting), write.file, write.value), errnum,
                hint_for(setting, errnum));
  }
  if (write.file == "cpuset.cpus" || write.file == "cpuset.mems") check_cpuset(path, setting);
}

std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

/// What has to be written to have the file as it is now, as far as `value` is going to change it.
std::optional<std::string> present_value(const std::string& path, const Write& write) {
  std::optional<std::string> text;
  try {
    text = try_read_file(path + "/" + write.file);
  } catch (const Error&) {
    return std::nullopt;  // a file that can only be written to
  }
  if (!text) return std::nullopt;
  const bool has_lines = write.file == "io.max" || write.file.ends_with(".weight");
  if (!has_lines || write.file == "cpu.weight") return std::string(first_line(*text)) + "\n";
  // A line a device, and "default" for all others.
  const size_t colon = write.value.find(':');
  const std::string key = colon == std::string::npos ? "default" : write.value.substr(0, write.value.find(' '));
  for (std::string_view rest = *text; !rest.empty();) {
    const std::string_view line = first_line(rest);
    if (line.starts_with(key + " ")) return std::string(line);
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
  return key + (write.file == "io.max" ? " rbps=max wbps=max riops=max wiops=max" : " default");
}

/// Where only half of what goes into one file is given, the other half is what it is.
oci::Resources completed(const std::string& path, oci::Resources resources) {
  oci::CpuLimits& cpu = resources.cpu;
  const bool has_quota = cpu.quota.value_or(0) != 0;
  const bool has_period = cpu.period.value_or(0) != 0;
  if (has_quota != has_period) {
    const std::string now = try_read_file(path + "/cpu.max").value_or("");
    const size_t space = now.find(' ');
    if (space != std::string::npos && !has_quota) cpu.quota = parse_signed(now.substr(0, space)).value_or(-1);
    if (space != std::string::npos && !has_period) cpu.period = parse_unsigned(first_line(now).substr(space + 1));
  }
  oci::MemoryLimits& memory = resources.memory;
  if (memory.swap.value_or(0) != 0 && memory.limit.value_or(0) == 0)
    if (const std::optional<std::string> now = try_read_file(path + "/memory.max"))
      memory.limit = parse_signed(first_line(*now)).value_or(-1);
  return resources;
}

/// runtime-spec, "checkBeforeUpdate": rather refuse than kill.
void check_memory(const std::string& path, const oci::MemoryLimits& memory) {
  if (!memory.check_before_update.value_or(false) || memory.limit.value_or(0) <= 0) return;
  const std::string text = try_read_file(path + "/memory.current").value_or("");
  const uint64_t used = parse_unsigned(first_line(text)).value_or(0);
  if (used > static_cast<uint64_t>(*memory.limit))
    throw_error(ErrorKind::Conflict, "cannot limit memory to {}: {} are in use", *memory.limit, used);
}

/// A weight of 0 is none any more, where the group had one: then the kernel's own holds again.
void add_default_weights(const oci::BlockIoLimits& io, std::vector<Setting>& settings) {
  const auto add = [&](const std::string& value) {
    settings.push_back({.controller = "io",
                        .file = "io.bfq.weight",
                        .value = value,
                        .purpose = "set the block I/O weight",
                        .fallback_file = "io.weight",
                        .fallback_value = value,
                        .disk = {}});
  };
  if (io.weight == 0) add("default 100");
  for (const oci::WeightDevice& device : io.weight_devices)
    if (device.weight == 0) add(fmt::format("{}:{} default", device.major, device.minor));
}

void undo(const std::string& path, const std::vector<Write>& before) {
  for (auto write = before.rbegin(); write != before.rend(); ++write) {
    const std::optional<Fd> file = try_open_path(path + "/" + write->file, O_WRONLY);
    if (file && ::write(file->get(), write->value.data(), write->value.size()) == -1)
      log::warning("cgroup '{}' keeps a changed {}: {}", path, write->file, errno_text(errno));
  }
}

}  // namespace

std::string describe(const Setting& setting) {
  return setting.disk.empty() ? setting.purpose : setting.purpose + " " + name_of_disk(setting.disk);
}

std::string name_of_disk(const std::string& numbers) {
  constexpr std::string_view kField = "DEVNAME=";
  const std::string text = try_read_file("/sys/dev/block/" + numbers + "/uevent").value_or("");
  const size_t field = text.find(kField);
  if (field == std::string::npos) return numbers;
  const size_t start = field + kField.size();
  return fmt::format("/dev/{}", text.substr(start, text.find('\n', start) - start));
}

void apply_settings(const std::string& path, const std::vector<Setting>& settings) {
  for (const Setting& setting : settings)
    if (const std::optional<Write> write = choose_write(path, setting)) apply(path, setting, *write);
}

void update_limits(const std::string& path, const oci::Resources& resources) {
  const oci::Resources wanted = completed(path, resources);
  std::vector<Setting> settings = settings_of(wanted);
  add_default_weights(wanted.block_io, settings);
  check_memory(path, wanted.memory);
  enable_controllers(path.substr(0, path.rfind('/')), settings);
  std::vector<Write> before;
  try {
    for (const Setting& setting : settings) {
      const std::optional<Write> write = choose_write(path, setting);
      if (!write) continue;
      if (std::optional<std::string> present = present_value(path, *write))
        before.push_back({write->file, std::move(*present)});
      apply(path, setting, *write);
    }
    hand_down_reservation(path, settings);
  } catch (const Error&) {
    undo(path, before);
    throw;
  }
}

}  // namespace myct::cgroup
