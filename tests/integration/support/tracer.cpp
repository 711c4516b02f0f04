#include "tracer.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string>

#include "process.hpp"

namespace myct::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kCallStop = SIGTRAP | 0x80;  // PTRACE_O_TRACESYSGOOD
constexpr long kCallsOnly = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
constexpr long kForksToo = kCallsOnly | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
/// Who has been in a poll(2) without a time-out for this long has nothing to do until somebody asks for something.
const std::chrono::milliseconds kIdle = at_this_pace(std::chrono::milliseconds(150));

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

void trace(__ptrace_request request, pid_t pid, long data) {
  if (::ptrace(request, pid, nullptr, data) == -1 && errno != ESRCH) fail("ptrace");
}

/// What a tracer is told of: a stop, or the end, which is left to be reaped.
struct Event {
  bool ended = false;
  int signal = 0;  ///< that it stopped at
  int event = 0;   ///< PTRACE_EVENT_*
};

/// SIGCHLD while this lives is not lost, so that it can be waited for with a time-out.
class ChildSignal {
 public:
  ChildSignal() {
    ::sigemptyset(&set_);
    ::sigaddset(&set_, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &set_, &before_);
  }
  ChildSignal(const ChildSignal&) = delete;
  ChildSignal& operator=(const ChildSignal&) = delete;
  ~ChildSignal() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  void wait(std::chrono::milliseconds limit) const {
    const timespec time{.tv_sec = limit.count() / 1000, .tv_nsec = limit.count() % 1000 * 1'000'000};
    ::sigtimedwait(&set_, nullptr, &time);
  }

 private:
  sigset_t set_{};
  sigset_t before_{};
};

/// nullopt when nothing has happened to it within the time limit.
std::optional<Event> next_event(pid_t pid, std::chrono::milliseconds limit) {
  const ChildSignal child_signal;
  const Clock::time_point deadline = Clock::now() + limit;
  for (;;) {
    siginfo_t info{};
    constexpr int kWhat = WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL;
    if (::waitid(P_PID, static_cast<id_t>(pid), &info, kWhat) == -1) fail("wait for a traced process");
    if (info.si_pid != 0 && info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED) return Event{.ended = true};
    if (info.si_pid != 0) {
      int status = 0;
      if (::waitpid(pid, &status, __WALL) == -1) fail("wait for a traced process");
      // Killed by somebody else between the two.
      if (!WIFSTOPPED(status)) throw std::runtime_error("a traced process was killed by another than its tracer");
      return Event{.signal = WSTOPSIG(status), .event = status >> 16};
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return std::nullopt;
    child_signal.wait(left);
  }
}

Event must_stop(pid_t pid) {
  const std::optional<Event> event = next_event(pid, kTimeLimit);
  if (!event || event->ended) throw std::runtime_error("a process cannot be traced");
  return *event;
}

/// The call that it is about to make; nullopt when it comes back from one.
std::optional<__ptrace_syscall_info> entry_of(pid_t pid) {
  __ptrace_syscall_info info{};
  if (::ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) == -1) {
    if (errno == ESRCH) return std::nullopt;
    fail("ask for a system call");
  }
  if (info.op != PTRACE_SYSCALL_INFO_ENTRY) return std::nullopt;
  return info;
}

bool waits_for_ever(const __ptrace_syscall_info& info) {
  return info.entry.nr == SYS_poll && static_cast<int>(info.entry.args[2]) == -1;
}

void kill_and_wait(pid_t pid) {
  ::kill(pid, SIGKILL);
  for (;;) {
    const std::optional<Event> event = next_event(pid, kTimeLimit);
    if (!event) throw std::runtime_error("a traced process survives SIGKILL");
    if (event->ended) return;
  }
}

/// From a stop in which `pid` is.
KillPoint run_to_call(pid_t pid, unsigned nth) {
  unsigned entries = 0;
  bool may_idle = false;
  long call = -1;
  int pass_on = 0;
  for (;;) {
    trace(PTRACE_SYSCALL, pid, pass_on);
    pass_on = 0;
    const std::optional<Event> event = next_event(pid, may_idle ? kIdle : kTimeLimit);
    if (!event && !may_idle) throw std::runtime_error("a traced process hangs in system call " + std::to_string(call));
    if (!event) {
      kill_and_wait(pid);
      return {.end = Traced::Idle, .call = call};
    }
    if (event->ended) return {.end = Traced::Ended};
    may_idle = false;
    if (event->signal != kCallStop) {
      if (event->event == 0) pass_on = event->signal;
      continue;
    }
    const std::optional<__ptrace_syscall_info> entry = entry_of(pid);
    if (!entry) continue;
    call = static_cast<long>(entry->entry.nr);
    may_idle = waits_for_ever(*entry);
    if (++entries < nth) continue;
    kill_and_wait(pid);
    return {.end = Traced::Killed, .call = call};
  }
}

/// Its own parent, or whoever adopts it, learns of its end only then.
void let_go_of_the_dead(pid_t pid) {
  while (::waitpid(pid, nullptr, __WALL) == -1 && errno == EINTR) {
  }
}

}  // namespace

void be_traced() { ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); }

KillPoint kill_at_call(pid_t pid, unsigned nth) {
  (void)must_stop(pid);  // its exec
  trace(PTRACE_SETOPTIONS, pid, kCallsOnly);
  return run_to_call(pid, nth);
}

KillPoint kill_child_at_call(pid_t pid, unsigned nth) {
  (void)must_stop(pid);
  trace(PTRACE_SETOPTIONS, pid, kForksToo);
  int pass_on = 0;
  for (;;) {
    trace(PTRACE_CONT, pid, pass_on);
    const std::optional<Event> event = next_event(pid, kTimeLimit);
    if (!event || event->ended) throw std::runtime_error("a traced process has ended before it forked");
    if (event->event == PTRACE_EVENT_FORK || event->event == PTRACE_EVENT_VFORK || event->event == PTRACE_EVENT_CLONE)
      break;
    pass_on = event->event == 0 ? event->signal : 0;
  }
  unsigned long child = 0;
  if (::ptrace(PTRACE_GETEVENTMSG, pid, nullptr, &child) == -1) fail("ask for the child of a traced process");
  const auto child_pid = static_cast<pid_t>(child);
  (void)must_stop(child_pid);  // where all that is born traced begins
  trace(PTRACE_SETOPTIONS, child_pid, kCallsOnly);
  trace(PTRACE_DETACH, pid, 0);
  const KillPoint point = run_to_call(child_pid, nth);
  let_go_of_the_dead(child_pid);
  return point;
}

SeizedProcess::SeizedProcess(pid_t pid) : pid_(pid) {
  if (::ptrace(PTRACE_SEIZE, pid, nullptr, kCallsOnly) == -1) fail("seize a process");
  trace(PTRACE_INTERRUPT, pid, 0);
  (void)must_stop(pid);
}

SeizedProcess::~SeizedProcess() {
  if (pid_ != 0) ::ptrace(PTRACE_DETACH, pid_, nullptr, nullptr);
}

KillPoint SeizedProcess::kill_at_call(unsigned nth) {
  const KillPoint point = run_to_call(pid_, nth);
  let_go_of_the_dead(pid_);
  pid_ = 0;
  return point;
}

}  // namespace myct::test
