// Signals sent to myct reach the program (docker-run(1), --sig-proxy).
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>

#include "forward.hpp"
#include "myct/base/error.hpp"
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

WaitStatus wait_forwarding_signals(ChildProcess& init, const SignalCollector& signals) {
  std::array<pollfd, 2> events = {pollfd{.fd = init.pidfd().get(), .events = POLLIN, .revents = 0},
                                  pollfd{.fd = signals.fd().get(), .events = POLLIN, .revents = 0}};
  for (;;) {
    if (::poll(events.data(), events.size(), -1) == -1 && errno != EINTR) throw_errno("wait for the container");
    while (const std::optional<int> number = next_signal(signals)) init.signal(*number);
    if ((events[0].revents & POLLIN) != 0) return init.wait();
  }
}

}  // namespace myct::supervisor
