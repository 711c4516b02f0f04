// Ending, freezing and continuing containers.
#include <csignal>

#include "myct/base/error.hpp"
#include "myct/base/log.hpp"
#include "myct/base/signals.hpp"
#include "myct/cgroup/cgroup.hpp"
#include "myct/state/events.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
/// How long the rest of the output may wait for its reader once somebody wants the container's end.
constexpr seconds kReaderPatience{2};
/// How long an owner may take to write down an end: a sync of a busy disk, and output that its user has not read yet.
constexpr seconds kOwnerPatience{10};

[[noreturn]] void throw_not_running(const std::string& verb, const std::string& reference, state::Status status) {
  throw Error(ErrorKind::Conflict,
              fmt::format("cannot {} container '{}': it is {}", verb, reference, state::status_word(status)), 0,
              "see 'myct ps -a'");
}

/// A container under its lock: nobody starts it, writes down its end or removes it meanwhile, so that what is read
/// stays true until what follows from it is done. What takes time is waited for without the lock.
struct Held {
  FileLock lock;
  ContainerSummary container;
};

Held hold(const Context& context, const std::string& reference, StuckOwner stuck) {
  const std::string id = find_container(context, reference);
  FileLock lock = lock_patiently(context, id, stuck);
  if (std::optional<ContainerSummary> container = summarize(context, id)) return {std::move(lock), *container};
  throw Error(ErrorKind::NotFound, fmt::format("no such container: '{}'", reference), 0, "it is being removed");
}

Held hold_running(const Context& context, const std::string& verb, const std::string& reference) {
  Held held = hold(context, reference, StuckOwner::Spare);
  const state::Status status = held.container.status;
  if (status != state::Status::Running && status != state::Status::Paused) throw_not_running(verb, reference, status);
  return held;
}

/// A full disk must not keep anybody from ending a container. The owner, or whoever records the end, sees it here.
void remember_in_memory(const Context& context, ContainerSummary& container, const Error& reason) {
  log::warning(
      "container '{}': that a user has ended it is not written down, so after a boot its restart policy may "
      "start it again: {}",
      container.record.name, reason.what());
  container.run->stopped_by_user = true;
  try {
    state::save_run_info(context.paths, container.record.id, *container.run);
  } catch (const Error& error) {
    log::debug("nor in the run record: {}", error.what());
  }
}

/// The policy must not bring back what a user has ended; not even one that comes by an update meanwhile.
void remember_that_it_was_stopped(const Context& context, ContainerSummary& container) {
  state::Record& record = container.record;
  if (record.stopped_by_user) return;
  record.stopped_by_user = true;
  // Without a policy it is of no account after a loss of power.
  const bool brief = record.auto_remove || record.restart.policy == state::RestartPolicy::No;
  try {
    state::save_record(context.paths, record, brief ? Durability::SurvivesProcessDeath : Durability::SurvivesPowerLoss);
  } catch (const Error& error) {
    if (!brief) remember_in_memory(context, container, error);
  }
}

/// Whether there is something to end. A program that has just ended counts: its owner may be about to start it again.
bool lives(const ContainerSummary& container) {
  return container.run && (state::is_active(container.status) || is_running(container.run->owner));
}

/// A frozen process does not see a signal until it goes on, but for SIGKILL.
void thaw(const state::RunInfo& run, state::Status status) {
  if (status == state::Status::Paused) cgroup::set_freezer(run.cgroup, cgroup::Freezer::Thawed);
}

/// Ends the wait for another start of the program.
void cancel_restart(const ContainerSummary& container) {
  if (const std::optional<Fd> owner = open_process(container.run->owner)) send_signal(owner->ref(), SIGTERM);
}

/// Tells of a signal, before what it brings about, and sends it.
void signal_program(const Context& context, const ContainerSummary& container, const Fd& init, int number) {
  state::append_event(context.paths, container.record, "kill", {{"signal", std::to_string(number)}});
  send_signal(init.ref(), number);
}

/// An owner that does not come to recording the end. What it owes to the container is done by whoever meets that next.
void kill_owner(const state::RunInfo& run, const Fd& owner) {
  log::warning("process {}, {} of the container, does not come to recording its end: killed", run.owner.pid,
               run.supervised ? "the supervisor" : "the myct in the foreground");
  send_signal(owner.ref(), SIGKILL);
  if (!wait_for_exit(owner.ref(), kOwnerPatience))
    throw_error(ErrorKind::System, "process {} did not end within {} s of being killed", run.owner.pid,
                kOwnerPatience.count());
}

}  // namespace

void wait_for_owner(const state::RunInfo& run) {
  const std::optional<Fd> owner = open_process(run.owner);
  if (!owner || wait_for_exit(owner->ref(), kReaderPatience)) return;
  // A supervisor may still wait for a user who reads slowly: this tells it not to.
  if (run.supervised) send_signal(owner->ref(), SIGTERM);
  if (!wait_for_exit(owner->ref(), kOwnerPatience)) kill_owner(run, *owner);
}

FileLock lock_patiently(const Context& context, const std::string& id, StuckOwner stuck) {
  if (std::optional<FileLock> lock = state::lock_container_within(context.paths, id, kOwnerPatience))
    return std::move(*lock);
  const pid_t holder = state::lock_holder(context.paths, id);
  const std::optional<state::RunInfo> run = state::load_run_info(context.paths, id);
  // A lock that is held for somebody who is gone has been inherited, by the supervisor that he has started.
  const bool is_owners = run && (holder == run->owner.pid || !path_exists(fmt::format("/proc/{}", holder)));
  if (stuck == StuckOwner::Kill && is_owners) {
    if (const std::optional<Fd> owner = open_process(run->owner)) kill_owner(*run, *owner);
    if (std::optional<FileLock> lock = state::lock_container_within(context.paths, id, kOwnerPatience))
      return std::move(*lock);
  }
  throw Error(ErrorKind::System,
              fmt::format("the lock of container {} was not let go of by process {} within {} s", short_id(id), holder,
                          kOwnerPatience.count()),
              0, "see what that process does ('ps', 'myct top'), or end it");
}

void stop(const Context& context, const std::string& reference, const StopRequest& request) {
  std::optional<Held> held = hold(context, reference, StuckOwner::Kill);
  if (!lives(held->container)) return;
  remember_that_it_was_stopped(context, held->container);
  const ContainerSummary found = std::move(held->container);
  const state::RunInfo& run = *found.run;
  const std::optional<Fd> init = open_process(run.init);
  if (found.status == state::Status::Restarting) cancel_restart(found);
  if (init) {
    signal_program(context, found, *init, request.signal.value_or(found.record.stop_signal));
    thaw(run, found.status);
  }
  held.reset();
  const int seconds_left = request.seconds.value_or(found.record.stop_seconds);
  const milliseconds patience = seconds_left < 0 ? milliseconds(-1) : milliseconds(seconds(seconds_left));
  if (init && !wait_for_exit(init->ref(), patience)) {
    signal_program(context, found, *init, SIGKILL);
    (void)wait_for_exit(init->ref(), kOwnerPatience);
  }
  wait_for_owner(run);
  state::append_event(context.paths, found.record, "stop");
  (void)summarize(context, found.record.id);  // records the end, where its owner had to be killed
}

void kill(const Context& context, const std::string& reference, int signal_number) {
  std::optional<Held> held = hold(context, reference, StuckOwner::Kill);
  if (!state::is_active(held->container.status)) throw_not_running("kill", reference, held->container.status);
  const state::Record& record = held->container.record;
  if (signal_number == SIGKILL || signal_number == SIGTERM || signal_number == record.stop_signal)
    remember_that_it_was_stopped(context, held->container);
  const ContainerSummary found = std::move(held->container);
  const std::optional<Fd> init = open_process(found.run->init);
  if (found.status == state::Status::Restarting) {
    cancel_restart(found);
  } else if (init) {
    signal_program(context, found, *init, signal_number);
    // All that is in its control group, also what did not come from its process 1. The lock keeps the group the one of
    // this run.
    if (signal_number == SIGKILL && !found.run->cgroup.empty()) cgroup::kill_processes(found.run->cgroup);
    thaw(*found.run, found.status);
  }
  held.reset();
  if (signal_number != SIGKILL && found.status != state::Status::Restarting) return;
  if (init && !wait_for_exit(init->ref(), kOwnerPatience))
    throw_error(ErrorKind::System, "process {} did not end within {} s of being killed", found.run->init.pid,
                kOwnerPatience.count());
  wait_for_owner(*found.run);
  (void)summarize(context, found.record.id);
}

void restart(const Context& context, const std::string& reference, const StopRequest& request) {
  const ContainerSummary found = find_summary(context, reference);
  if (found.record.auto_remove && state::is_active(found.status))
    throw Error(ErrorKind::Conflict,
                fmt::format("cannot restart container '{}': it is removed when it stops", reference), 0,
                "it was made with --rm");
  stop(context, found.record.id, request);
  start(context, found.record.id);
  state::append_event(context.paths, found.record, "restart");
}

void pause(const Context& context, const std::string& reference) {
  const Held held = hold_running(context, "pause", reference);
  if (held.container.status == state::Status::Paused)
    throw_error(ErrorKind::Conflict, "container '{}' is already paused", reference);
  if (held.container.run->cgroup.empty())
    throw Error(ErrorKind::Unsupported,
                fmt::format("cannot freeze container '{}': it has no control group of its own", reference), 0,
                "this needs a cgroup v2 hierarchy at /sys/fs/cgroup that can be written to, before the container is "
                "started");
  cgroup::set_freezer(held.container.run->cgroup, cgroup::Freezer::Frozen);
  state::append_event(context.paths, held.container.record, "pause");
}

void unpause(const Context& context, const std::string& reference) {
  const Held held = hold_running(context, "unpause", reference);
  if (held.container.status != state::Status::Paused)
    throw_error(ErrorKind::Conflict, "container '{}' is not paused", reference);
  cgroup::set_freezer(held.container.run->cgroup, cgroup::Freezer::Thawed);
  state::append_event(context.paths, held.container.record, "unpause");
}

}  // namespace myct::manager
