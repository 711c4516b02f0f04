// Signals sent to myct reach the program (docker-run(1), --sig-proxy).
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "forward.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/supervisor/foreground.hpp"

namespace myct::supervisor {
namespace {

/// All that can be caught and mean something to a program, less: SIGCHLD and SIGPIPE, which are about us; SIGURG, as in
/// Docker; the synchronous ones (SIGSEGV and the like); and those of job control, which must stop and
/// continue myct itself, or a shell's Ctrl-Z would do nothing.
constexpr std::array kForwarded = {SIGHUP,  SIGINT,    SIGQUIT,  SIGTERM, SIGUSR1, SIGUSR2, SIGALRM,
                                   SIGPROF, SIGVTALRM, SIGWINCH, SIGPOLL, SIGPWR,  SIGXCPU, SIGXFSZ};

sigset_t forwarded_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : kForwarded) ::sigaddset(&set, number);
  for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) ::sigaddset(&set, number);
  return set;
}

constexpr int kRequestsUntilKill = 3;

/// The process behind a pidfd, as this pid namespace numbers it (proc(5), /proc/PID/fdinfo); 0 when it is gone.
pid_t pid_of(FdRef pidfd) {
  constexpr std::string_view kField = "\nPid:\t";
  const std::string info = try_read_file(fmt::format("/proc/self/fdinfo/{}", pidfd.get())).value_or("");
  const size_t field = info.find(kField);
  return field == std::string::npos ? 0 : static_cast<pid_t>(std::atoi(info.c_str() + field + kField.size()));
}

/// Whether a process has a handler for a signal: proc(5), "SigCgt".
bool catches(FdRef pidfd, int number) {
  constexpr std::string_view kField = "SigCgt:\t";
  const std::string status = try_read_file(fmt::format("/proc/{}/status", pid_of(pidfd))).value_or("");
  const size_t field = status.find(kField);
  if (field == std::string::npos) return true;  // gone, or not to be seen: nothing to conclude from
  const uint64_t caught = std::strtoull(status.c_str() + field + kField.size(), nullptr, 16);
  return (caught >> (number - 1) & 1) != 0;
}

}  // namespace

SignalCollector::SignalCollector() {
  const sigset_t set = forwarded_signals();
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) == -1) throw_errno("block signals");
  fd_ = Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd_.valid()) throw_errno("make a signal descriptor");
}

SignalCollector::~SignalCollector() {
  const sigset_t set = forwarded_signals();
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

std::optional<int> next_signal(const SignalCollector& signals) {
  signalfd_siginfo info{};
  if (::read(signals.fd().get(), &info, sizeof info) != sizeof info) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

void SignalForwarder::forward(int number) {
  const bool asks_to_end = number == SIGINT || number == SIGTERM || number == SIGQUIT || number == SIGHUP;
  if (asks_to_end && !catches(init_, number) && ++ignored_requests_ == kRequestsUntilKill) {
    log::warning(
        "process 1 of the container ignores signal {}, as it has no handler for it: killed; --init avoids this",
        number);
    number = SIGKILL;
  }
  send_signal(init_, number);
}

void wait_forwarding_signals(FdRef process, const SignalCollector& signals) {
  SignalForwarder forwarder(process);
  std::array<pollfd, 2> events = {pollfd{.fd = process.get(), .events = POLLIN, .revents = 0},
                                  pollfd{.fd = signals.fd().get(), .events = POLLIN, .revents = 0}};
  for (;;) {
    if (::poll(events.data(), events.size(), -1) == -1 && errno != EINTR) throw_errno("wait for the container");
    while (const std::optional<int> number = next_signal(signals)) forwarder.forward(*number);
    if ((events[0].revents & POLLIN) != 0) return;
  }
}

}  // namespace myct::supervisor
