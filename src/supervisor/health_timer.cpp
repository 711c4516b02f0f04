#include "myct/supervisor/health_timer.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "myct/base/error.hpp"
#include "myct/base/syscall.hpp"

namespace myct::supervisor {
namespace {

using std::chrono::milliseconds;

/// Never returns into the parent's frames.
[[noreturn]] void execute_check(char* const* argv, pid_t parent) noexcept {
  // Of no use to anybody without its parent; what it has started in the container ends with it.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || ::getppid() != parent) ::_exit(kExitOwnFailure);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  char* const no_environment[] = {nullptr};
  ::execve("/proc/self/exe", argv, no_environment);
  ::_exit(kExitOwnFailure);
}

}  // namespace

std::optional<ProbeExit> probe_exit_of(const WaitStatus& status) noexcept {
  if (status.signaled) return std::nullopt;
  for (const ProbeExit known : {ProbeExit::Passed, ProbeExit::FailedInStart, ProbeExit::Failed})
    if (status.value == static_cast<int>(known)) return known;
  return std::nullopt;
}

std::optional<ChildProcess> start_health_check(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == -1) return std::nullopt;
  if (pid == 0) execute_check(argv.data(), parent);
  ChildProcess probe(pid, Fd(sys::pidfd_open(pid)));
  if (probe.pidfd().get() < 0) return std::nullopt;  // no descriptor is left: killed and reaped
  return probe;
}

milliseconds time_to_next_check(const HealthTimes& times, milliseconds since_start, bool is_starting) {
  const bool is_early = is_starting && since_start.count() < times.start_period;
  return milliseconds(is_early ? times.start_interval : times.interval);
}

HealthTimer::HealthTimer(const HealthTimes& times, Clock::time_point started, std::vector<std::string> arguments)
    : times_(times), started_(started), arguments_(std::move(arguments)) {
  if (times_.interval > 0) schedule();
}

void HealthTimer::step(bool is_probe_done) {
  if (probe_ && is_probe_done) finish();
  if (due_ && Clock::now() >= *due_) begin();
}

void HealthTimer::stop() noexcept {
  probe_.reset();
  due_.reset();
}

void HealthTimer::begin() {
  probe_ = start_health_check(arguments_);
  due_.reset();
  if (!probe_) schedule();  // the next one may find a process
}

void HealthTimer::finish() {
  if (const std::optional<ProbeExit> found = probe_exit_of(probe_->wait()))
    is_starting_ = *found == ProbeExit::FailedInStart;
  probe_.reset();
  schedule();
}

void HealthTimer::schedule() {
  const Clock::time_point now = Clock::now();
  due_ = now + time_to_next_check(times_, std::chrono::duration_cast<milliseconds>(now - started_), is_starting_);
}

}  // namespace myct::supervisor
