// What a supervisor does from the program's start to its end, and between two runs of it. It is this program executed
// anew by start_and_serve, so that little memory stays in use: no JSON document is read before the program has ended.
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "myct/base/error.hpp"
#include "myct/manager/supervise.hpp"
#include "myct/state/events.hpp"
#include "myct/supervisor/log_writer.hpp"
#include "myct/supervisor/server.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kFirstDelay{100};
constexpr milliseconds kLongestDelay{60'000};
/// A program that ran this long was all right: the delay starts anew.
constexpr milliseconds kLongRun{10'000};

bool should_restart(const state::Record& record, const End& end) {
  if (record.auto_remove || record.stopped_by_user) return false;
  switch (record.restart.policy) {
    case state::RestartPolicy::No:
      return false;
    case state::RestartPolicy::OnFailure:
      return end.exit_code != 0 &&
             (record.restart.max_attempts == 0 || record.restart_count < record.restart.max_attempts);
    case state::RestartPolicy::Always:
    case state::RestartPolicy::UnlessStopped:
      break;
  }
  return true;
}

milliseconds next_delay(const supervisor::Handover& handover) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const milliseconds ran(now.tv_sec * 1000 + now.tv_nsec / 1'000'000 - handover.started_milliseconds);
  const milliseconds last(handover.delay_milliseconds);
  if (last.count() == 0 || ran >= kLongRun) return kFirstDelay;
  return std::min(last * 2, kLongestDelay);
}

/// Between two runs: the container is shown as restarting. False when it is to be no more.
bool wait_to_restart(const Context& context, const std::string& id, supervisor::Server& server,
                     std::optional<FileLock> lock, milliseconds delay) {
  std::optional<state::RunInfo> run = state::load_run_info(context.paths, id);
  if (!run) return false;
  run->restart_at = std::chrono::system_clock::now() + delay;
  state::save_run_info(context.paths, id, *run);
  lock.reset();
  server.close_clients();
  return server.pause(delay);
}

/// The wait was cut short: the container stays as it is.
void give_up(const Context& context, const std::string& id) {
  const FileLock lock = state::lock_container(context.paths, id);
  clear_run(context, id);
}

supervisor::Handover to_start_again(const supervisor::Handover& last, milliseconds delay) {
  supervisor::Handover next{.root = last.root,
                            .runtime_dir = last.runtime_dir,
                            .id = last.id,
                            .name = last.name,
                            .listener = last.listener,
                            .owner = last.owner};
  next.delay_milliseconds = delay.count();
  return next;
}

/// The program is to run again. All that starting needs is read anew, under the container's lock.
void start_again(const Context& context, const supervisor::Handover& handover) {
  Container container;
  container.lock = state::lock_container(context.paths, handover.id);
  std::optional<state::Record> record = state::load_record(context.paths, handover.id);
  const bool unwanted = !record || record->stopped_by_user || record->restart.policy == state::RestartPolicy::No ||
                        state::is_being_removed(context.paths, handover.id);
  if (unwanted) {
    clear_run(context, handover.id);
    return;
  }
  container.record = std::move(*record);
  container.record.outcome.reset();
  container.record.started_at = std::chrono::system_clock::now();
  ++container.record.restart_count;
  container.directory = context.paths.container(handover.id);
  try {
    container.spec = load_spec(context, handover.id);
    state::save_record(context.paths, container.record);
    start_and_serve(context, container, {}, handover);
  } catch (const Error& error) {
    container.record.outcome = state::Outcome{
        .exit_code = error.exit_status(), .finished_at = std::chrono::system_clock::now(), .error = error.what()};
    state::save_record(context.paths, container.record);
    clear_run(context, handover.id);
  }
}

void serve(const Context& context, const supervisor::Handover& handover) {
  ChildProcess init(handover.init_pid, supervisor::adopt(handover.init));
  const std::unique_ptr<supervisor::LogWriter> log =
      supervisor::open_log({.config = handover.log,
                            .directory = context.paths.container(handover.id),
                            .id = handover.id,
                            .name = handover.name,
                            .image = handover.image});
  End end;
  const auto note_oom = [&] {
    end.oom_killed = true;
    state::append_event(context.paths, handover.id, "oom");
  };
  supervisor::Server server(
      {.console = supervisor::adopt(handover.console),
       .input = supervisor::adopt(handover.input),
       .output = supervisor::adopt(handover.output),
       .error = supervisor::adopt(handover.error)},
      FdRef(handover.listener), supervisor::Channel(supervisor::adopt(handover.starter)),
      handover.cgroup.empty() ? std::nullopt : cgroup::OomWatch::open(handover.cgroup),
      {.output = [&](supervisor::Stream stream, std::string_view bytes) { log->write(stream, bytes); },
       .out_of_memory = note_oom},
      supervisor::HealthTimer(handover.health,
                              supervisor::HealthTimer::Clock::time_point(milliseconds(handover.started_milliseconds)),
                              health_check_arguments(context, handover.id, handover.name)));
  end.exit_code = server.run(init, {.signal = handover.stop_signal, .seconds = handover.stop_seconds}).exit_status();
  log->finish();
  server.tell_end(end.exit_code);
  Finished finished = record_end(context, handover.id, handover.cgroup, end);
  const bool again = finished.record && finished.is_saved && !server.asked_to_end() &&
                     should_restart(*finished.record, end) && !state::is_being_removed(context.paths, handover.id);
  if (!again) {
    conclude(context, std::move(finished));
    return;
  }
  const milliseconds delay = next_delay(handover);
  if (wait_to_restart(context, handover.id, server, std::move(finished.lock), delay))
    supervisor::execute(to_start_again(handover, delay));
  give_up(context, handover.id);
}

}  // namespace

int supervise(int argc, char** argv) noexcept {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  ::prctl(PR_SET_NAME, supervisor::kSupervisorName);  // the exec by /proc/self/exe has made it "exe"
  try {
    const supervisor::Handover handover = supervisor::handover_from_arguments(argc, argv);
    const Fd listener = supervisor::adopt(handover.listener);
    const Fd owner = supervisor::adopt(handover.owner);
    std::vector<Fd> ports;  // nobody else gets them as long as we live
    for (const int port : handover.ports) ports.push_back(supervisor::adopt(port));
    const Context context{.paths = {handover.root, handover.runtime_dir}};
    if (handover.init_pid == 0)
      start_again(context, handover);
    else
      serve(context, handover);
    return 0;
  } catch (const std::exception&) {
    // Nobody is there to be told. The program dies with this process, and the next command that meets the container
    // finds that its end was not seen.
    return kExitOwnFailure;
  }
}

}  // namespace myct::manager
