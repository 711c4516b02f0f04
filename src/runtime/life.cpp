// What is done to containers that are there: signals, freezing, removal.
#include <fcntl.h>
#include <signal.h>

#include <algorithm>

#include "create.hpp"
#include "myct/base/error.hpp"
#include "myct/cgroup/cgroup.hpp"
#include "record.hpp"

namespace myct::runtime {
namespace {

constexpr std::chrono::seconds kEndPatience{10};

void signal_init(const Record& record, int signal) {
  if (const std::optional<Fd> init = open_process(record.init)) send_signal(init->ref(), signal);
}

void signal_all(const Record& record, int signal) {
  if (record.cgroup.empty()) return signal_init(record, signal);
  if (signal == SIGKILL) return cgroup::kill_processes(record.cgroup);
  for (const pid_t pid : cgroup::processes_in(record.cgroup))
    if (::kill(pid, signal) == -1 && errno != ESRCH) throw_errno("send signal {} to process {}", signal, pid);
}

/// A container without a pid namespace of its own goes on when its init has ended.
bool has_own_pid_namespace(const oci::Spec& spec) {
  return std::ranges::any_of(spec.linux_.namespaces,
                             [](const oci::Namespace& space) { return space.type == "pid" && space.path.empty(); });
}

void kill_and_wait(const Record& record) {
  const std::optional<Fd> init = open_process(record.init);
  if (!record.cgroup.empty()) {
    cgroup::kill_processes(record.cgroup);
  } else if (init) {
    send_signal(init->ref(), SIGKILL);
  }
  if (init && !wait_for_exit(init->ref(), kEndPatience))
    throw_error(ErrorKind::System, "container '{}' did not end when it was killed", record.id);
}

void set_frozen(const Context& context, const std::string& id, cgroup::Freezer freezer, Status from) {
  const FileLock held = lock(context, id);
  const Record record = load(context, id);
  const Status status = status_of(context, record);
  const bool fits = status == from || (from == Status::Running && status == Status::Created);
  const char* verb = freezer == cgroup::Freezer::Frozen ? "pause" : "resume";
  if (!fits) throw_error(ErrorKind::Conflict, "cannot {} container '{}': it is {}", verb, id, status_word(status));
  if (record.cgroup.empty())
    throw_error(ErrorKind::Unsupported, "cannot {} container '{}': it has no control group", verb, id);
  cgroup::set_freezer(record.cgroup, freezer);
}

}  // namespace

State state(const Context& context, const std::string& id) { return state_of(context, load(context, id)); }

std::vector<State> list(const Context& context) {
  std::vector<State> states;
  for (const std::string& name : list_directory(context.root, Hidden::LeaveOut)) {
    if (name.find('=') != std::string::npos) continue;  // no container's
    if (const std::optional<Record> record = try_load(context, name)) states.push_back(state_of(context, *record));
  }
  std::ranges::sort(states, {}, &State::id);
  return states;
}

void kill(const Context& context, const std::string& id, int signal, Whom whom) {
  const Record record = load(context, id);
  if (status_of(context, record) == Status::Stopped) {
    if (whom == Whom::All && !record.cgroup.empty()) return signal_all(record, signal);
    throw_error(ErrorKind::Conflict, "container not running");
  }
  const bool all = whom == Whom::All || (signal == SIGKILL && !has_own_pid_namespace(load_spec(context, id)));
  if (all)
    signal_all(record, signal);
  else
    signal_init(record, signal);
}

void remove_stopped(const Context& context, const Record& record, const oci::Hooks& hooks) {
  if (!record.cgroup.empty()) cgroup::remove_cgroup(record.cgroup);
  run_late_hooks("poststop", hooks.poststop, record, Status::Stopped);
  remove_tree(directory_of(context, record.id));
}

void remove(const Context& context, const std::string& id, Force force) {
  std::optional<FileLock> held;
  try {
    held.emplace(lock(context, id));
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::NotFound && force == Force::Yes) return;
    throw;
  }
  const std::optional<Record> record = try_load(context, id);
  if (!record) return remove_tree(directory_of(context, id));  // a create() that was killed
  const Status status = status_of(context, *record);
  if (status != Status::Stopped) {
    if (force == Force::No && status != Status::Created)
      throw Error(ErrorKind::Conflict, fmt::format("cannot delete container '{}': it is {}", id, status_word(status)),
                  0, "stop it first, or use --force");
    kill_and_wait(*record);
  }
  remove_stopped(context, *record, load_spec(context, id).hooks);
}

void pause(const Context& context, const std::string& id) {
  set_frozen(context, id, cgroup::Freezer::Frozen, Status::Running);
}

void resume(const Context& context, const std::string& id) {
  set_frozen(context, id, cgroup::Freezer::Thawed, Status::Paused);
}

std::vector<pid_t> processes(const Context& context, const std::string& id) {
  const Record record = load(context, id);
  if (!record.cgroup.empty()) return cgroup::processes_in(record.cgroup);
  if (status_of(context, record) == Status::Stopped) return {};
  return {record.init.pid};
}

std::string seccomp_cache(const Context& context) { return context.root + "/=seccomp"; }

}  // namespace myct::runtime
