// Parses the statistics of cgroup-v2.rst and psi.rst. A file that is not there, or a field that this kernel does not
// write, is no error: which controllers a group has is the host's business.
#include "myct/cgroup/usage.hpp"

#include <sys/sysinfo.h>

#include <charconv>
#include <string_view>

#include "myct/base/file.hpp"
#include "myct/base/units.hpp"

namespace myct::cgroup {
namespace {

/// Cuts what comes before `separator` off the front of `text`.
std::string_view take_until(std::string_view& text, char separator) {
  const size_t end = text.find(separator);
  const std::string_view taken = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return taken;
}

/// A file of lines "key value".
class FlatFile {
 public:
  explicit FlatFile(std::string text) : text_(std::move(text)) {}

  [[nodiscard]] uint64_t number(std::string_view key) const {
    for (std::string_view rest = text_; !rest.empty();) {
      std::string_view line = take_until(rest, '\n');
      if (take_until(line, ' ') == key) return parse_unsigned(line).value_or(0);
    }
    return 0;
  }

 private:
  std::string text_;
};

std::string_view trimmed(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

std::optional<FlatFile> try_flat_file(const std::string& path) {
  std::optional<std::string> text = try_read_file(path);
  if (!text) return std::nullopt;
  return FlatFile(std::move(*text));
}

/// A file of one number; nullopt when it is absent, or holds "max".
std::optional<uint64_t> try_number(const std::string& path) {
  const std::optional<std::string> text = try_read_file(path);
  return text ? parse_unsigned(trimmed(*text)) : std::nullopt;
}

std::optional<CpuUsage> read_cpu(const std::string& path) {
  const std::optional<FlatFile> stat = try_flat_file(path + "/cpu.stat");
  if (!stat) return std::nullopt;
  return CpuUsage{.usage = stat->number("usage_usec"),
                  .user = stat->number("user_usec"),
                  .system = stat->number("system_usec"),
                  .periods = stat->number("nr_periods"),
                  .throttled_periods = stat->number("nr_throttled"),
                  .throttled = stat->number("throttled_usec")};
}

uint64_t memory_of_host() {
  struct sysinfo info {};
  ::sysinfo(&info);
  return uint64_t{info.totalram} * info.mem_unit;
}

MemoryEvents read_memory_events(const std::string& path) {
  const std::optional<FlatFile> events = try_flat_file(path + "/memory.events");
  if (!events) return {};
  return {.low = events->number("low"),
          .high = events->number("high"),
          .max = events->number("max"),
          .oom = events->number("oom"),
          .oom_kill = events->number("oom_kill")};
}

std::optional<MemoryUsage> read_memory(const std::string& path) {
  const std::optional<uint64_t> current = try_number(path + "/memory.current");
  if (!current) return std::nullopt;
  const std::optional<FlatFile> stat = try_flat_file(path + "/memory.stat");
  const std::optional<uint64_t> limit = try_number(path + "/memory.max");
  return MemoryUsage{.current = *current,
                     .inactive_file = stat ? stat->number("inactive_file") : 0,
                     .limit = limit ? *limit : memory_of_host(),
                     .swap = try_number(path + "/memory.swap.current").value_or(0),
                     .events = read_memory_events(path)};
}

std::optional<PidsUsage> read_pids(const std::string& path) {
  const std::optional<uint64_t> current = try_number(path + "/pids.current");
  if (!current) return std::nullopt;
  return PidsUsage{.current = *current, .max = try_number(path + "/pids.max")};
}

/// "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0", a line a device.
std::optional<IoUsage> read_io(const std::string& path) {
  const std::optional<std::string> text = try_read_file(path + "/io.stat");
  if (!text) return std::nullopt;
  IoUsage usage;
  for (std::string_view rest = *text; !rest.empty();) {
    for (std::string_view line = take_until(rest, '\n'); !line.empty();) {
      std::string_view field = take_until(line, ' ');
      const std::string_view key = take_until(field, '=');
      const uint64_t value = parse_unsigned(field).value_or(0);
      if (key == "rbytes") usage.read_bytes += value;
      if (key == "wbytes") usage.written_bytes += value;
      if (key == "rios") usage.read_operations += value;
      if (key == "wios") usage.write_operations += value;
    }
  }
  return usage;
}

double fraction(std::string_view text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// "some avg10=0.00 avg60=0.00 avg300=0.00 total=0", and the same of "full".
std::optional<Pressure> read_pressure(const std::string& path) {
  std::optional<std::string> text;
  try {
    text = try_read_file(path);
  } catch (const std::exception&) {
    // EOPNOTSUPP: the kernel was booted with psi=0, or the group has cgroup.pressure off.
  }
  if (!text || text->empty()) return std::nullopt;
  Pressure pressure;
  for (std::string_view rest = *text; !rest.empty();) {
    std::string_view line = take_until(rest, '\n');
    const std::string_view kind = take_until(line, ' ');
    PressureLine values;
    while (!line.empty()) {
      std::string_view field = take_until(line, ' ');
      const std::string_view key = take_until(field, '=');
      if (key == "avg10") values.avg10 = fraction(field);
      if (key == "avg60") values.avg60 = fraction(field);
      if (key == "avg300") values.avg300 = fraction(field);
      if (key == "total") values.total = parse_unsigned(field).value_or(0);
    }
    if (kind == "some") pressure.some = values;
    if (kind == "full") pressure.full = values;
  }
  return pressure;
}

}  // namespace

Usage read_usage(const std::string& path) {
  return {.cpu = read_cpu(path),
          .memory = read_memory(path),
          .pids = read_pids(path),
          .io = read_io(path),
          .cpu_pressure = read_pressure(path + "/cpu.pressure"),
          .memory_pressure = read_pressure(path + "/memory.pressure"),
          .io_pressure = read_pressure(path + "/io.pressure")};
}

uint64_t oom_kills(const std::string& path) { return read_memory_events(path).oom_kill; }

}  // namespace myct::cgroup
