// Removing a container, by request or because a command met a dead one that was to be removed at its end.
#include <poll.h>
#include <signal.h>

#include "build_spec.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/base/syscall.hpp"
#include "myct/cgroup/cgroup.hpp"
#include "myct/state/names.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

constexpr int kKillWaitMilliseconds = 10'000;

/// Kills the container's init, and with it every process of its pid namespace, and waits for the end.
void kill_init(const state::RunInfo& run) {
  const std::optional<Fd> pidfd = open_process(run.init);
  if (!pidfd) return;
  if (sys::pidfd_send_signal(pidfd->get(), SIGKILL) == -1 && errno != ESRCH)
    throw_errno("kill process {}", run.init.pid);
  pollfd ended{.fd = pidfd->get(), .events = POLLIN, .revents = 0};
  int ready = 0;
  do {
    ready = ::poll(&ended, 1, kKillWaitMilliseconds);
  } while (ready == -1 && errno == EINTR);
  if (ready == 0) throw_error(ErrorKind::System, "process {} did not end within 10 s of being killed", run.init.pid);
}

/// Where the container's control group is, or would be: a myct that was killed may not have come to noting it.
std::string cgroup_of(const Context& context, const std::string& id) {
  const std::optional<state::RunInfo> run = state::load_run_info(context.paths, id);
  if (run && !run->cgroup.empty()) return run->cgroup;
  return cgroup::find_hierarchy().value_or("") + cgroups_path(id);
}

}  // namespace

void remove_everything(const Context& context, const state::Record& record, RemoveVolumes volumes) {
  cgroup::remove_cgroup(cgroup_of(context, record.id));
  if (volumes == RemoveVolumes::Anonymous)
    for (const std::string& volume : record.anonymous_volumes) remove_volume(context, volume);
  remove_tree(context.paths.container(record.id));
  state::release_name(context.paths, record.name, record.id);
  remove_tree(context.paths.run_container(record.id));
}

bool reconcile(const Context& context, const ContainerSummary& container) {
  if (!container.record.auto_remove || container.status != state::Status::Exited) return false;
  if (state::has_owner(context.paths, container.record.id)) return false;
  log::debug("container {}: its myct was killed; removing it", container.record.id);
  remove_everything(context, container.record, RemoveVolumes::Anonymous);
  return true;
}

void reconcile_unrecorded(const Context& context, const std::string& id) {
  // Made under its owner's lock, so without an owner nobody will ever complete it.
  if (state::has_owner(context.paths, id)) return;
  log::debug("container {}: it was never completed; removing it", id);
  remove_everything(context, {.id = id}, RemoveVolumes::No);
}

void remove_container(const Context& context, const std::string& reference, RemoveRunning running,
                      RemoveVolumes volumes) {
  const std::string id = find_container(context, reference);
  const std::optional<state::RunInfo> run = state::load_run_info(context.paths, id);
  if (run && state::look_at(*run).init_runs) {
    if (running == RemoveRunning::Refuse)
      throw Error(ErrorKind::Conflict, fmt::format("cannot remove container '{}': it is running", reference), 0,
                  "use 'myct rm -f' to kill it first");
    kill_init(*run);
  } else if (!run && state::has_owner(context.paths, id)) {
    throw Error(ErrorKind::Conflict, fmt::format("cannot remove container '{}': it is being started", reference), 0,
                "try again in a moment");
  }
  std::optional<state::Record> record;
  try {
    record = state::load_record(context.paths, id);
  } catch (const Error& error) {
    // A record that cannot be read must not make its container immortal.
    log::debug("removing without its record: {}", error.what());
  }
  if (!record) record = state::Record{.id = id};
  if (record->name.empty() && reference != id) record->name = reference;
  remove_everything(context, *record, volumes);
}

}  // namespace myct::manager
