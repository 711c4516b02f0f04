#include "myct/cgroup/usage.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "myct/base/file.hpp"
#include "myct/base/units.hpp"

namespace myct::cgroup {
namespace {

std::optional<uint64_t> read_number(const std::string& path) {
  const std::optional<std::string> text = try_read_file(path);
  if (!text) return std::nullopt;
  return parse_unsigned(std::string_view(*text).substr(0, text->find('\n')));
}

std::optional<uint64_t> read_field(const std::string& path, const std::string& name) {
  std::istringstream text(try_read_file(path).value_or(""));
  std::string field;
  uint64_t value = 0;
  while (text >> field >> value)
    if (field == name) return value;
  return std::nullopt;
}

std::optional<Pressure> read_pressure(const std::string& path) {
  const std::optional<std::string> text = try_read_file(path);
  if (!text || text->empty()) return std::nullopt;
  Pressure pressure;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    PressureAverages& averages = line.starts_with("full") ? pressure.full : pressure.some;
    unsigned long long total = 0;
    (void)std::sscanf(line.c_str(), "%*s avg10=%lf avg60=%lf avg300=%lf total=%llu", &averages.avg10, &averages.avg60,
                      &averages.avg300, &total);
    averages.total = total;
  }
  return pressure;
}

void read_io(const std::string& path, Usage& usage) {
  const std::optional<std::string> text = try_read_file(path);
  if (!text) return;
  uint64_t read = 0;
  uint64_t written = 0;
  std::istringstream words(*text);
  for (std::string word; words >> word;) {
    if (word.starts_with("rbytes=")) read += parse_unsigned(word.substr(7)).value_or(0);
    if (word.starts_with("wbytes=")) written += parse_unsigned(word.substr(7)).value_or(0);
  }
  usage.io_read_bytes = read;
  usage.io_written_bytes = written;
}

}  // namespace

Usage read_usage(const std::string& path) {
  Usage usage;
  usage.cpu_usage = read_field(path + "/cpu.stat", "usage_usec");
  usage.memory_current = read_number(path + "/memory.current");
  usage.memory_inactive_file = read_field(path + "/memory.stat", "inactive_file");
  if (usage.memory_current) {
    const auto host = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
    usage.memory_limit = std::min(read_number(path + "/memory.max").value_or(host), host);
  }
  usage.pids_current = read_number(path + "/pids.current");
  read_io(path + "/io.stat", usage);
  usage.cpu_pressure = read_pressure(path + "/cpu.pressure");
  usage.memory_pressure = read_pressure(path + "/memory.pressure");
  usage.io_pressure = read_pressure(path + "/io.pressure");
  return usage;
}

}  // namespace myct::cgroup
