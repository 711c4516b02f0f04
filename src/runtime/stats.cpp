// What a container uses, in the form that runc has given it and others read.
#include <poll.h>

#include "myct/base/error.hpp"
#include "myct/base/json.hpp"
#include "myct/cgroup/cgroup.hpp"
#include "myct/cgroup/usage.hpp"
#include "record.hpp"

namespace myct::runtime {
namespace {

constexpr uint64_t kNanoseconds = 1000;  // in a microsecond

json::Value cpu_value(const cgroup::CpuUsage& cpu) {
  return {
      {"usage",
       {{"total", cpu.usage * kNanoseconds}, {"kernel", cpu.system * kNanoseconds}, {"user", cpu.user * kNanoseconds}}},
      {"throttling",
       {{"periods", cpu.periods},
        {"throttledPeriods", cpu.throttled_periods},
        {"throttledTime", cpu.throttled * kNanoseconds}}}};
}

json::Value memory_value(const cgroup::MemoryUsage& memory) {
  return {{"usage", {{"usage", memory.current}, {"limit", memory.limit}, {"failcnt", memory.events.max}}},
          {"swap", {{"usage", memory.current + memory.swap}, {"limit", 0}, {"failcnt", 0}}},
          {"raw", {{"inactive_file", memory.inactive_file}}}};
}

json::Value blkio_value(const cgroup::IoUsage& io) {
  const auto entry = [](const char* what, uint64_t value) { return json::Value{{"op", what}, {"value", value}}; };
  return {{"ioServiceBytesRecursive", {entry("Read", io.read_bytes), entry("Write", io.written_bytes)}},
          {"ioServicedRecursive", {entry("Read", io.read_operations), entry("Write", io.write_operations)}}};
}

json::Value line(const std::string& id, const char* type) { return {{"type", type}, {"id", id}}; }

std::string stats_of(const Record& record) {
  json::Value data = json::Value::object();
  if (!record.cgroup.empty()) {
    const cgroup::Usage usage = cgroup::read_usage(record.cgroup);
    if (usage.cpu) data["cpu"] = cpu_value(*usage.cpu);
    if (usage.memory) data["memory"] = memory_value(*usage.memory);
    if (usage.io) data["blkio"] = blkio_value(*usage.io);
    data["pids"] = {{"current", usage.pids ? usage.pids->current : cgroup::processes_in(record.cgroup).size()}};
    if (usage.pids && usage.pids->max) data["pids"]["limit"] = *usage.pids->max;
  }
  json::Value value = line(record.id, "stats");
  value["data"] = std::move(data);
  return value.dump();
}

Record load_running(const Context& context, const std::string& id) {
  Record record = load(context, id);
  if (status_of(context, record) == Status::Stopped) throw_error(ErrorKind::Conflict, "container '{}' is stopped", id);
  return record;
}

}  // namespace

std::string stats(const Context& context, const std::string& id) { return stats_of(load_running(context, id)); }

void events(const Context& context, const std::string& id, std::chrono::seconds interval,
            const std::function<void(const std::string&)>& print) {
  const Record record = load_running(context, id);
  const std::optional<Fd> init = open_process(record.init);
  if (!init) return;
  std::optional<cgroup::OomWatch> watch;
  if (!record.cgroup.empty()) watch = cgroup::OomWatch::open(record.cgroup);
  auto next = std::chrono::steady_clock::now() + interval;
  for (;;) {
    pollfd waits[2] = {{.fd = init->get(), .events = POLLIN, .revents = 0},
                       {.fd = watch ? watch->fd().get() : -1, .events = POLLPRI, .revents = 0}};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - std::chrono::steady_clock::now());
    if (::poll(waits, 2, static_cast<int>(std::max<int64_t>(left.count(), 0))) == -1 && errno != EINTR)
      throw_errno("wait for events of container '{}'", id);
    if (watch && waits[1].revents != 0 && watch->killed()) print(line(id, "oom").dump());
    if (waits[0].revents != 0) return;
    if (std::chrono::steady_clock::now() < next) continue;
    print(stats_of(record));
    next += interval;
  }
}

}  // namespace myct::runtime
