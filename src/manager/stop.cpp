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

ContainerSummary find_running(const Context& context, const std::string& verb, const std::string& reference) {
  ContainerSummary found = find_summary(context, reference);
  if (found.status != state::Status::Running && found.status != state::Status::Paused)
    throw_not_running(verb, reference, found.status);
  return found;
}

/// The policy must not bring back what a user has ended; not even one that comes by an update meanwhile.
void remember_that_it_was_stopped(const Context& context, const state::Record& seen) {
  const FileLock lock = state::lock_container(context.paths, seen.id);
  std::optional<state::Record> record = state::load_record(context.paths, seen.id);
  if (!record || record->stopped_by_user) return;
  record->stopped_by_user = true;
  // Without a policy it is of no account after a loss of power.
  const bool brief = record->auto_remove || record->restart.policy == state::RestartPolicy::No;
  state::save_record(context.paths, *record, brief ? Durability::SurvivesProcessDeath : Durability::SurvivesPowerLoss);
}

/// The container as it is once no decision to start it again can be made any more; nullopt when it is over. One whose
/// program has just ended is not: its owner may be about to decide.
std::optional<ContainerSummary> mark_stopped(const Context& context, const ContainerSummary& seen) {
  if (!seen.run || (!state::is_active(seen.status) && !is_running(seen.run->owner))) return std::nullopt;
  remember_that_it_was_stopped(context, seen.record);
  std::optional<ContainerSummary> now = summarize(context, seen.record.id);
  if (!now || !now->run) return std::nullopt;
  return now;
}

/// A frozen process does not see a signal until it goes on, but for SIGKILL.
void thaw(const state::RunInfo& run, state::Status status) {
  if (status == state::Status::Paused) cgroup::set_freezer(run.cgroup, cgroup::Freezer::Thawed);
}

void tell_of_signal(const Context& context, const state::Record& record, int number) {
  state::append_event(context.paths, record, "kill", {{"signal", std::to_string(number)}});
}

/// Ends what waits to start the program again.
void end_restarting(const ContainerSummary& container) {
  if (const std::optional<Fd> owner = open_process(container.run->owner)) send_signal(owner->ref(), SIGTERM);
  wait_for_owner(*container.run);
}

}  // namespace

void wait_for_owner(const state::RunInfo& run) {
  const std::optional<Fd> owner = open_process(run.owner);
  if (!owner || wait_for_exit(owner->ref(), kReaderPatience)) return;
  // A supervisor may still wait for a user who reads slowly: this tells it not to.
  if (run.supervised) send_signal(owner->ref(), SIGTERM);
  if (wait_for_exit(owner->ref(), kOwnerPatience)) return;
  log::debug("process {} did not record the end of its container in time: killed", run.owner.pid);
  send_signal(owner->ref(), SIGKILL);
  if (!wait_for_exit(owner->ref(), kOwnerPatience))
    throw_error(ErrorKind::System, "process {} did not end within {} s of being killed", run.owner.pid,
                kOwnerPatience.count());
}

void stop(const Context& context, const std::string& reference, const StopRequest& request) {
  const std::optional<ContainerSummary> marked = mark_stopped(context, find_summary(context, reference));
  if (!marked) return;
  const ContainerSummary& found = *marked;
  const state::RunInfo& run = *found.run;
  if (found.status == state::Status::Restarting) {
    end_restarting(found);
  } else if (const std::optional<Fd> init = open_process(run.init)) {
    const int seconds_left = request.seconds.value_or(found.record.stop_seconds);
    const int first = request.signal.value_or(found.record.stop_signal);
    tell_of_signal(context, found.record, first);  // before what it brings about
    send_signal(init->ref(), first);
    thaw(run, found.status);
    const milliseconds patience = seconds_left < 0 ? milliseconds(-1) : milliseconds(seconds(seconds_left));
    if (!wait_for_exit(init->ref(), patience)) {
      tell_of_signal(context, found.record, SIGKILL);
      send_signal(init->ref(), SIGKILL);
      (void)wait_for_exit(init->ref(), kOwnerPatience);
    }
  }
  wait_for_owner(run);
  state::append_event(context.paths, found.record, "stop");
}

void kill(const Context& context, const std::string& reference, int signal_number) {
  ContainerSummary found = find_summary(context, reference);
  if (!state::is_active(found.status)) throw_not_running("kill", reference, found.status);
  if (signal_number == SIGKILL || signal_number == SIGTERM || signal_number == found.record.stop_signal) {
    std::optional<ContainerSummary> marked = mark_stopped(context, found);
    if (!marked) return;  // it has just ended by itself
    found = std::move(*marked);
  }
  if (found.status == state::Status::Restarting) {
    end_restarting(found);
    return;
  }
  const std::optional<Fd> init = open_process(found.run->init);
  if (!init) throw_not_running("kill", reference, state::Status::Exited);
  tell_of_signal(context, found.record, signal_number);
  send_signal(init->ref(), signal_number);
  thaw(*found.run, found.status);
  if (signal_number != SIGKILL) return;
  if (!wait_for_exit(init->ref(), kOwnerPatience))
    throw_error(ErrorKind::System, "process {} did not end within {} s of being killed", found.run->init.pid,
                kOwnerPatience.count());
  wait_for_owner(*found.run);
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
  const ContainerSummary found = find_running(context, "pause", reference);
  if (found.status == state::Status::Paused)
    throw_error(ErrorKind::Conflict, "container '{}' is already paused", reference);
  cgroup::set_freezer(found.run->cgroup, cgroup::Freezer::Frozen);
  state::append_event(context.paths, found.record, "pause");
}

void unpause(const Context& context, const std::string& reference) {
  const ContainerSummary found = find_running(context, "unpause", reference);
  if (found.status != state::Status::Paused)
    throw_error(ErrorKind::Conflict, "container '{}' is not paused", reference);
  cgroup::set_freezer(found.run->cgroup, cgroup::Freezer::Thawed);
  state::append_event(context.paths, found.record, "unpause");
}

}  // namespace myct::manager
