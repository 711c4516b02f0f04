// The end of a run, by whoever owns the container: the supervisor, the myct in the foreground, or a later command that
// finds both killed.
#include "myct/base/error.hpp"
#include "myct/base/log.hpp"
#include "myct/cgroup/cgroup.hpp"
#include "myct/cgroup/usage.hpp"
#include "myct/state/events.hpp"
#include "myct/supervisor/waiters.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

/// nullopt when the container was removed meanwhile.
std::optional<FileLock> lock_unless_gone(const Context& context, const std::string& id) {
  try {
    return state::lock_container(context.paths, id);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::NotFound) throw;
    return std::nullopt;
  }
}

/// False when the disk takes no record. The end is then in the run record, which is in memory, until a later command
/// can write it down.
bool save_outcome(const Context& context, const state::Record& record) {
  // What is about to be removed need not survive a loss of power.
  const bool brief = state::is_being_removed(context.paths, record.id);
  try {
    state::save_record(context.paths, record, brief ? Durability::SurvivesProcessDeath : Durability::SurvivesPowerLoss);
    return true;
  } catch (const Error& error) {
    log::warning("container '{}': {}", record.name, error.what());
    std::optional<state::RunInfo> run = state::load_run_info(context.paths, record.id);
    if (!run) throw;
    run->outcome = record.outcome;
    state::save_run_info(context.paths, record.id, *run);
    return false;
  }
}

}  // namespace

Finished record_end(const Context& context, const std::string& id, const std::string& cgroup, const End& end) {
  // Counted with what is in groups below. The owner may have been told meanwhile.
  const bool oom_killed = end.oom_killed || (!cgroup.empty() && cgroup::oom_kills(cgroup) > 0);
  if (oom_killed && !end.oom_killed) state::append_event(context.paths, id, "oom");
  if (!cgroup.empty()) cgroup::remove_cgroup(cgroup);
  Finished finished{.lock = lock_unless_gone(context, id), .record = std::nullopt};
  if (!finished.lock) return finished;
  finished.record = state::load_record(context.paths, id);
  if (!finished.record) return finished;
  state::Record& record = *finished.record;
  if (record.restart.policy != state::RestartPolicy::No && !record.stopped_by_user)
    if (const std::optional<state::RunInfo> run = state::load_run_info(context.paths, id))
      record.stopped_by_user = run->stopped_by_user;
  record.outcome = state::Outcome{.exit_code = end.exit_code,
                                  .finished_at = std::chrono::system_clock::now(),
                                  .oom_killed = oom_killed,
                                  .error = end.error};
  // First: who has read the end in the record finds it among the events, too.
  state::append_event(context.paths, record, "die", {{"exitCode", std::to_string(end.exit_code)}});
  if (!record.auto_remove) finished.is_saved = save_outcome(context, record);
  supervisor::tell_waiters(context.paths.run_container(id), end.exit_code);
  return finished;
}

void conclude(const Context& context, Finished finished) {
  if (!finished.record || !finished.is_saved) return;
  if (!finished.record->auto_remove) {
    clear_run(context, finished.record->id);
    return;
  }
  remove_everything(context, *finished.record, RemoveVolumes::Anonymous);
  state::append_event(context.paths, *finished.record, "destroy");
}

}  // namespace myct::manager
