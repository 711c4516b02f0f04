#include "myct/manager/stats.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <sstream>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/cgroup/usage.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

using Clock = std::chrono::steady_clock;

/// Where no controller counts them: the lines of cgroup.threads, of this group and those below.
uint64_t count_threads(const std::string& group) {
  const std::string threads = try_read_file(group + "/cgroup.threads").value_or("");
  auto count = static_cast<uint64_t>(std::ranges::count(threads, '\n'));
  for (const std::string& name : list_directory(group, Hidden::LeaveOut)) {
    struct stat status {};
    const std::string below = fmt::format("{}/{}", group, name);
    if (::lstat(below.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) count += count_threads(below);
  }
  return count;
}

/// Of the host's network nobody can say which part is the container's.
void add_network(const ContainerSummary& container, Stats& stats) {
  if (container.record.settings.network == "host") return;
  const std::optional<std::string> text = try_read_file(fmt::format("/proc/{}/net/dev", container.run->init.pid));
  if (!text || !is_running(container.run->init)) return;  // or the number is another process's by now
  const NetworkBytes bytes = parse_net_dev(*text);
  stats.net_received = bytes.received;
  stats.net_sent = bytes.sent;
}

PressureAverages convert(const cgroup::PressureLine& averages) {
  return {.avg10 = averages.avg10, .avg60 = averages.avg60, .avg300 = averages.avg300, .total = averages.total};
}

std::optional<Pressure> convert(const std::optional<cgroup::Pressure>& pressure) {
  if (!pressure) return std::nullopt;
  return Pressure{.some = convert(pressure->some), .full = convert(pressure->full.value_or(cgroup::PressureLine{}))};
}

void add_group(const std::string& group, Stats& stats) {
  const cgroup::Usage usage = cgroup::read_usage(group);
  if (usage.cpu) stats.cpu_microseconds = usage.cpu->usage;
  if (usage.memory) {
    stats.memory = usage.memory->current - std::min(usage.memory->inactive_file, usage.memory->current);
    stats.memory_limit = usage.memory->limit;
  }
  stats.pids = usage.pids ? usage.pids->current : count_threads(group);
  if (usage.io) {
    stats.block_read = usage.io->read_bytes;
    stats.block_written = usage.io->written_bytes;
  }
  stats.cpu_pressure = convert(usage.cpu_pressure);
  stats.memory_pressure = convert(usage.memory_pressure);
  stats.io_pressure = convert(usage.io_pressure);
}

bool has_process(const ContainerSummary& container) {
  return container.run && (container.status == state::Status::Running || container.status == state::Status::Paused);
}

Stats read_stats(const ContainerSummary& container, const std::string& reference) {
  Stats stats{.reference = reference, .id = container.record.id, .name = container.record.name};
  if (!has_process(container)) return stats;
  stats.taken = Clock::now();
  if (!container.run->cgroup.empty()) add_group(container.run->cgroup, stats);
  add_network(container, stats);
  return stats;
}

}  // namespace

NetworkBytes parse_net_dev(std::string_view text) {
  NetworkBytes bytes;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;  // titles
    std::istringstream words(line.substr(0, colon) + " " + line.substr(colon + 1));
    std::string interface;
    // bytes packets errs drop fifo frame compressed multicast, and then what was sent (proc(5))
    uint64_t fields[9] = {};
    words >> interface;
    for (uint64_t& field : fields) words >> field;
    if (!words || interface == "lo") continue;
    bytes.received += fields[0];
    bytes.sent += fields[8];
  }
  return bytes;
}

std::vector<Stats> StatsReader::read() {
  std::vector<Stats> all;
  for (const std::string& reference : request_.containers) {
    try {
      all.push_back(read_stats(find_summary(context_, reference), reference));
    } catch (const Error& error) {
      if (is_first_ || error.kind() != ErrorKind::NotFound) throw;
    }
  }
  if (request_.containers.empty())
    for (const ContainerSummary& container : list_containers(context_))
      if (request_.all || has_process(container)) all.push_back(read_stats(container, container.record.id));
  is_first_ = false;

  std::map<std::string, Reading> now;
  for (Stats& stats : all) {
    if (!stats.cpu_microseconds) continue;
    const Reading reading{.cpu_microseconds = *stats.cpu_microseconds, .time = stats.taken};
    const auto last = last_.find(stats.id);
    // Less than before: the container was started anew.
    if (last != last_.end() && reading.cpu_microseconds >= last->second.cpu_microseconds) {
      const std::chrono::duration<double, std::micro> passed = reading.time - last->second.time;
      stats.cpu_percent =
          100.0 * static_cast<double>(reading.cpu_microseconds - last->second.cpu_microseconds) / passed.count();
    }
    now[stats.id] = reading;
  }
  last_ = std::move(now);
  return all;
}

}  // namespace myct::manager
