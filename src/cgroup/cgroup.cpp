// Making, killing and removing a container's control group by plain file operations (Documentation/admin-guide/
// cgroup-v2.rst).
#include "myct/cgroup/cgroup.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controllers.hpp"
#include "hierarchy.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/units.hpp"
#include "reservation.hpp"

namespace myct::cgroup {
namespace {

constexpr int kWaitMilliseconds = 10'000;

/// Waits until cgroup.events has the line `wanted`: it becomes readable-with-priority on each change (cgroup-v2.rst,
/// "cgroup.events"). False when that takes too long. No such group any more: true.
bool wait_for_event(const std::string& path, std::string_view wanted) {
  const std::optional<Fd> events = try_open_path(path + "/cgroup.events", O_RDONLY);
  if (!events) return true;
  for (;;) {
    char text[512];
    const ssize_t got = ::pread(events->get(), text, sizeof text, 0);
    if (got == -1 && errno == ENODEV) return true;
    if (got == -1) throw_errno("read '{}/cgroup.events'", path);
    if (std::string_view(text, static_cast<size_t>(got)).find(wanted) != std::string_view::npos) return true;
    pollfd poll_events{.fd = events->get(), .events = POLLPRI, .revents = 0};
    const int ready = ::poll(&poll_events, 1, kWaitMilliseconds);
    if (ready == 0) return false;
    if (ready == -1 && errno != EINTR) throw_errno("wait for cgroup '{}'", path);
  }
}

void wait_until_empty(const std::string& path) {
  if (!wait_for_event(path, "populated 0"))
    throw_error(ErrorKind::System, "processes in cgroup '{}' did not end within {} s of being killed", path,
                kWaitMilliseconds / 1000);
}

void add_processes(const std::string& path, std::vector<pid_t>& processes) {
  std::string_view rest;
  const std::string list = try_read_file(path + "/cgroup.procs").value_or("");
  for (rest = list; !rest.empty();) {
    const size_t end = rest.find('\n');
    if (const std::optional<uint64_t> pid = parse_unsigned(rest.substr(0, end)))
      processes.push_back(static_cast<pid_t>(*pid));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
}

void remove_groups_below(const std::string& path) {
  for (const std::string& group : groups_in(path)) {
    remove_groups_below(group);
    ::rmdir(group.c_str());
  }
}

/// What there was for the sake of a group that has gone.
void give_back(const std::string& path) {
  give_back_reservation(path);
  remove_made_parents(path);
}

}  // namespace

Cgroup Cgroup::create(const std::string& path, const std::vector<Setting>& settings) {
  enable_controllers(path.substr(0, path.rfind('/')), settings);
  try {
    make_group(path);
  } catch (const Error& error) {
    throw add_purpose(error, settings);
  }
  try {
    apply_settings(path, settings);
    hand_down_reservation(path, settings);
    return open(path);
  } catch (const Error&) {
    remove_cgroup(path);
    throw;
  }
}

void Cgroup::add(pid_t pid) const {
  const Fd procs = open_at(directory(), "cgroup.procs", O_WRONLY);
  write_all(procs.ref(), std::to_string(pid), path_ + "/cgroup.procs");
}

Cgroup Cgroup::open(const std::string& path) { return {open_path(path, O_RDONLY | O_DIRECTORY), path}; }

void set_freezer(const std::string& path, Freezer freezer) {
  const bool freeze = freezer == Freezer::Frozen;
  const std::string what = fmt::format("{} cgroup '{}'", freeze ? "freeze" : "thaw", path);
  const Fd file(::open((path + "/cgroup.freeze").c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid() && errno == ENOENT)
    throw Error(ErrorKind::Unsupported, what, ENOENT, "the group is gone, or the kernel is older than 5.2");
  if (!file.valid() && errno == EROFS) throw Error(ErrorKind::System, what, EROFS, how_to_write());
  if (!file.valid()) throw_errno("{}", what);
  write_all(file.ref(), freeze ? "1" : "0", path + "/cgroup.freeze");
  if (wait_for_event(path, freeze ? "frozen 1" : "frozen 0")) return;
  if (freeze) write_all(file.ref(), "0", path + "/cgroup.freeze");
  throw_error(ErrorKind::System, "cgroup '{}' was not {} within {} s", path, freeze ? "frozen" : "thawed",
              kWaitMilliseconds / 1000);
}

std::vector<pid_t> processes_in(const std::string& path) {
  std::vector<pid_t> processes;
  add_processes(path, processes);
  for (const std::string& group : groups_in(path)) {
    const std::vector<pid_t> below = processes_in(group);
    processes.insert(processes.end(), below.begin(), below.end());
  }
  return processes;
}

bool is_populated(const std::string& path) {
  return try_read_file(path + "/cgroup.events").value_or("").find("populated 1") != std::string::npos;
}

std::optional<OomWatch> OomWatch::open(const std::string& path) {
  std::optional<Fd> events = try_open_path(path + "/memory.events", O_RDONLY);
  if (!events) return std::nullopt;
  return OomWatch(std::move(*events));
}

bool OomWatch::killed() {
  constexpr std::string_view kField = "oom_kill ";
  char text[512];
  const ssize_t got = ::pread(fd_.get(), text, sizeof text, 0);
  if (got <= 0) return false;
  std::string_view rest(text, static_cast<size_t>(got));
  const size_t field = rest.find(kField);
  if (field == std::string_view::npos) return false;
  rest.remove_prefix(field + kField.size());
  const uint64_t kills = parse_unsigned(rest.substr(0, rest.find('\n'))).value_or(0);
  return kills > std::exchange(kills_, kills);
}

void kill_processes(const std::string& path) {
  // ENODEV: somebody else has removed it since the open.
  if (const std::optional<Fd> kill = try_open_path(path + "/cgroup.kill", O_WRONLY))
    if (::write(kill->get(), "1", 1) == -1 && errno != ENODEV) throw_errno("kill the processes in cgroup '{}'", path);
}

void remove_cgroup(const std::string& path) {
  if (::rmdir(path.c_str()) == 0) return give_back(path);
  // A hierarchy that is read-only is said to be so before it is looked for the group.
  if (errno == ENOENT || (errno == EROFS && !path_exists(path))) return;
  kill_processes(path);  // EBUSY: processes or groups are left in it
  wait_until_empty(path);
  remove_groups_below(path);
  if (::rmdir(path.c_str()) == -1 && errno != ENOENT) throw_errno("remove cgroup '{}'", path);
  give_back(path);
}

}  // namespace myct::cgroup
