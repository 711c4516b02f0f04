// Removing a container, by request or because a command met a dead one that was to be removed at its end.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>

#include "build_spec.hpp"
#include "myct/base/error.hpp"
#include "myct/base/log.hpp"
#include "myct/cgroup/cgroup.hpp"
#include "myct/manager/inspect.hpp"
#include "myct/state/events.hpp"
#include "myct/state/names.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

/// Before the id of a container that is being removed: hidden from everybody who lists containers.
constexpr const char* kRemovedPrefix = ".removed-";
constexpr useconds_t kMomentMicroseconds = 500;

/// Out of sight in one step, which frees the name, too; then piece by piece.
void remove_directory(const Context& context, const std::string& id) {
  const std::string removed = context.paths.containers() + "/" + kRemovedPrefix + id;
  if (::rename(context.paths.container(id).c_str(), removed.c_str()) == -1 && errno != ENOENT)
    throw_errno("remove '{}'", context.paths.container(id));
  remove_tree(removed);
}

/// A record that cannot be read must not make its container immortal.
state::Record record_or_id(const Context& context, const std::string& id, const std::string& reference) {
  try {
    if (std::optional<state::Record> record = state::load_record(context.paths, id)) return std::move(*record);
  } catch (const Error& error) {
    log::debug("removing without its record: {}", error.what());
  }
  return {.id = id, .name = id.starts_with(reference) ? std::string() : reference};
}

std::optional<state::RunInfo> run_or_none(const Context& context, const std::string& id) {
  try {
    return state::load_run_info(context.paths, id);
  } catch (const Error& error) {
    log::debug("removing without its run record: {}", error.what());
    return std::nullopt;
  }
}

/// Kills the program and waits until its owner has recorded the end. No lock is held: the owner needs it.
void kill_run(const Context& context, const std::string& id, const state::RunInfo& run) {
  const std::optional<FileLock> mark = state::mark_removing(context.paths, id);
  if (const std::optional<Fd> init = open_process(run.init)) {
    state::append_event(context.paths, id, "kill", {{"signal", std::to_string(SIGKILL)}});
    cgroup::kill_processes(run.cgroup);
    send_signal(init->ref(), SIGKILL);  // where there is no group, or an older kernel
    if (!wait_for_exit(init->ref(), std::chrono::seconds(10)))
      throw_error(ErrorKind::System, "process {} did not end within 10 s of being killed", run.init.pid);
  } else if (const std::optional<Fd> owner = open_process(run.owner); owner && run.supervised) {
    send_signal(owner->ref(), SIGTERM);  // it waits to start the program again
  }
  wait_for_owner(run);
}

/// True when it has been removed; false when its run had to be ended first, which is done.
bool try_remove(const Context& context, const std::string& id, const std::string& reference, RemoveRunning running,
                RemoveVolumes volumes) {
  std::optional<FileLock> lock =
      lock_patiently(context, id, running == RemoveRunning::Kill ? StuckOwner::Kill : StuckOwner::Spare);
  const std::optional<state::RunInfo> run = run_or_none(context, id);
  const state::KernelView kernel = run ? state::look_at(*run) : state::KernelView{};
  if (!run && state::has_owner(context.paths, id)) {
    // In the moment between its directory and its lock, or between its end and its owner's.
    lock.reset();
    ::usleep(kMomentMicroseconds);
    return false;
  }
  if (running == RemoveRunning::Refuse && runs_unrecorded(context, record_or_id(context, id, reference)))
    throw Error(
        ErrorKind::Conflict,
        fmt::format("cannot remove container '{}': its processes run, and its run directory is gone", reference), 0,
        "use 'myct rm -f' to kill them");
  if (!kernel.init_runs && !kernel.owner_runs) {
    const state::Record record = record_or_id(context, id, reference);
    remove_everything(context, record, volumes);
    state::append_event(context.paths, record, "destroy");
    return true;
  }
  // With a dead init the owner is about to write down the end.
  const bool ended = !kernel.init_runs && !run->restart_at;
  if (running == RemoveRunning::Refuse && !ended)
    throw Error(ErrorKind::Conflict,
                fmt::format("cannot remove container '{}': it is {}", reference,
                            run->restart_at ? "restarting" : (kernel.frozen ? "paused" : "running")),
                0, "stop it first, or use 'myct rm -f' to kill it");
  lock.reset();
  if (running == RemoveRunning::Refuse)
    wait_for_owner(*run);
  else
    kill_run(context, id, *run);
  return false;
}

}  // namespace

std::string cgroup_of(const Context& context, const state::Record& record) {
  try {
    const std::optional<state::RunInfo> run = state::load_run_info(context.paths, record.id);
    if (run && !run->cgroup.empty()) return run->cgroup;
  } catch (const Error& error) {
    log::debug("container {}: {}", record.id, error.what());
  }
  return cgroup::locate(cgroups_path(record.settings.cgroup_parent, record.id)).value_or("");
}

bool runs_unrecorded(const Context& context, const state::Record& record) {
  return !path_exists(context.paths.run_container(record.id)) && cgroup::is_populated(cgroup_of(context, record));
}

void remove_everything(const Context& context, const state::Record& record, RemoveVolumes volumes) {
  const bool is_lost = runs_unrecorded(context, record);
  cgroup::remove_cgroup(cgroup_of(context, record));
  if (is_lost) release_strays(context, record.id);
  if (volumes == RemoveVolumes::Anonymous)
    for (const std::string& volume : record.anonymous_volumes) remove_volume(context, volume);
  remove_directory(context, record.id);
  state::release_name(context.paths, record.name, record.id);
  clear_run(context, record.id);
}

bool reconcile(const Context& context, ContainerSummary& container) {
  state::Record& record = container.record;
  if (container.status != state::Status::Exited) return false;
  const bool incomplete = !record.outcome && !is_complete(context, record.id);
  // A start that was killed before the program ran has a run directory, and no run record in it.
  const bool cut_short = record.started_at && !record.outcome && path_exists(context.paths.run_container(record.id));
  const bool unfinished = container.run.has_value() || incomplete || cut_short;
  if (!unfinished && !record.auto_remove) return false;
  // Whoever has the lock does what is to be done, and an owner does it itself.
  const std::optional<FileLock> lock = state::try_lock_container(context.paths, record.id);
  if (!lock || state::has_owner(context.paths, record.id) || runs_unrecorded(context, record)) return false;
  if (record.auto_remove || incomplete) {
    log::debug("container {}: its myct was killed; removing it", record.id);
    remove_everything(context, record, RemoveVolumes::Anonymous);
    state::append_event(context.paths, record, "destroy");
    return true;
  }
  log::debug("container {}: its myct was killed; recording its end", record.id);
  const std::optional<state::Record> now = state::load_record(context.paths, record.id);
  const std::optional<state::RunInfo> run = state::load_run_info(context.paths, record.id);
  if (!now || (run && state::look_at(*run).init_runs)) return false;
  cgroup::remove_cgroup(cgroup_of(context, *now));
  record = *now;
  record.stopped_by_user |= run && run->stopped_by_user;
  if (run && run->outcome) {
    record.outcome = run->outcome;  // its owner saw the end, and a full disk
    state::save_record(context.paths, record);
  }
  if (!record.outcome) {
    record.outcome = state::Outcome{
        .exit_code = kUnknownExit, .finished_at = std::nullopt, .error = "its myct was killed, and it with it"};
    state::save_record(context.paths, record);
    state::append_event(context.paths, record, "die", {{"exitCode", std::to_string(kUnknownExit)}});
  }
  clear_run(context, record.id);
  container.run.reset();
  return false;
}

void reconcile_unrecorded(const Context& context, const std::string& id) {
  // Made under its owner's lock, so without an owner nobody will ever complete it.
  if (state::has_owner(context.paths, id)) return;
  const std::optional<FileLock> lock = state::try_lock_container(context.paths, id);
  if (!lock || state::load_record(context.paths, id)) return;
  log::debug("container {}: it was never completed; removing it", id);
  remove_everything(context, {.id = id}, RemoveVolumes::No);
}

void sweep_removed(const Context& context) {
  for (const std::string& name : list_directory(context.paths.containers(), Hidden::Include)) {
    if (!name.starts_with(kRemovedPrefix)) continue;
    const std::string path = context.paths.containers() + "/" + name;
    std::optional<Fd> directory = try_open_path(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    // Who removes it has its lock.
    if (directory && FileLock::try_acquire(std::move(*directory), path)) remove_tree(path);
  }
}

void remove_container(const Context& context, const std::string& reference, RemoveRunning running,
                      RemoveVolumes volumes) {
  const std::string id = find_container(context, reference);
  try {
    while (!try_remove(context, id, reference, running, volumes)) {
    }
  } catch (const Error& error) {
    // With --rm its own owner may have been the quicker one.
    if (error.kind() != ErrorKind::NotFound || path_exists(context.paths.container(id))) throw;
  }
}

}  // namespace myct::manager
