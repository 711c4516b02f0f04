// Removing a container, by request or because a command met a dead one that was to be removed at its end.
#include <poll.h>
#include <signal.h>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/syscall.hpp"
#include "myct/base/log.hpp"
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

std::string cgroup_of(const std::optional<state::RunInfo>& run) { return run ? run->cgroup : std::string(); }

}  // namespace

void remove_everything(const Context& context, const state::Record& record, const std::string& cgroup,
                       RemoveVolumes volumes) {
  if (!cgroup.empty()) cgroup::remove_cgroup(cgroup);
  if (volumes == RemoveVolumes::Anonymous)
    for (const std::string& volume : record.anonymous_volumes) remove_volume(context, volume);
  remove_tree(context.paths.container(record.id));
  state::release_name(context.paths, record.name, record.id);
  remove_tree(context.paths.run_container(record.id));
}

bool reconcile(const Context& context, const ContainerSummary& container) {
  if (!container.record.auto_remove || container.status == state::Status::Running) return false;
  // Its own myct is alive and about to do it, or has not come to starting it yet.
  if (!container.run || is_running(container.run->monitor)) return false;
  log::debug("container {}: its myct was killed; removing it", container.record.id);
  remove_everything(context, container.record, container.run->cgroup, RemoveVolumes::Anonymous);
  return true;
}

void remove_container(const Context& context, const std::string& reference, RemoveRunning running,
                      RemoveVolumes volumes) {
  const std::string id = find_container(context, reference);
  const std::optional<state::RunInfo> run = state::load_run_info(context.paths, id);
  if (run && state::look_at(*run).init_runs) {
    if (running == RemoveRunning::Refuse)
      throw Error(ErrorKind::Conflict, fmt::format("cannot remove container '{}': it is running", reference), 0,
                  "stop it first, or use 'myct rm -f'");
    kill_init(*run);
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
  remove_everything(context, *record, cgroup_of(run), volumes);
}

}  // namespace myct::manager
