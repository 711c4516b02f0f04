// The copy loop between the user's terminal and the container's pty.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

#include "forward.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/supervisor/detach_keys.hpp"
#include "myct/supervisor/foreground.hpp"
#include "raw_terminal.hpp"

namespace myct::supervisor {
namespace {

class Relay {
 public:
  Relay(FdRef process, Fd console, Input input, const std::string& detach_keys, const SignalCollector& signals)
      : process_(process),
        console_(std::move(console)),
        signals_(signals),
        matcher_(detach_keys),
        reads_stdin_(input == Input::Stdin) {
    const int flags = ::fcntl(console_.get(), F_GETFL);
    if (flags == -1 || ::fcntl(console_.get(), F_SETFL, flags | O_NONBLOCK) == -1)
      throw_errno("make the container's terminal non-blocking");
  }

  Fd run() {
    copy_window_size();
    while (!ended_ && !matcher_.detached()) step();
    if (!ended_) return std::move(console_);
    while (copy_output()) {
    }
    return {};
  }

 private:
  enum Slot : size_t { OfProcess, OfSignals, OfConsole, OfStdin };

  void step() {
    const bool can_read_stdin = reads_stdin_ && pending_.empty();
    const short console_events = static_cast<short>((output_open_ ? POLLIN : 0) | (pending_.empty() ? 0 : POLLOUT));
    // poll(2) passes over negative descriptors: those of a console that was hung up, and of what is not wanted now.
    std::array<pollfd, 4> events{};
    events[OfProcess] = {.fd = process_.get(), .events = POLLIN, .revents = 0};
    events[OfSignals] = {.fd = signals_.fd().get(), .events = POLLIN, .revents = 0};
    events[OfConsole] = {.fd = console_events != 0 ? console_.get() : -1, .events = console_events, .revents = 0};
    events[OfStdin] = {.fd = can_read_stdin ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0};
    if (::poll(events.data(), events.size(), -1) == -1) {
      if (errno == EINTR) return;
      throw_errno("wait for the container");
    }
    while (const std::optional<int> number = next_signal(signals_)) handle_signal(*number);
    if (events[OfConsole].revents != 0) {
      copy_output();
      write_pending();
    }
    if (events[OfStdin].revents != 0) copy_input();
    if (events[OfProcess].revents != 0) ended_ = true;
  }

  void handle_signal(int number) {
    if (number == SIGWINCH)
      copy_window_size();
    else
      forwarder_.forward(number);
  }

  void copy_window_size() const {
    const std::optional<oci::ConsoleSize> size = terminal_size();
    if (!size) return;
    winsize window{.ws_row = size->height, .ws_col = size->width, .ws_xpixel = 0, .ws_ypixel = 0};
    ::ioctl(console_.get(), TIOCSWINSZ, &window);  // the kernel tells the program with SIGWINCH
  }

  /// Closing the pty's master hangs up its other side, as a terminal that is closed does: the session's leader gets
  /// SIGHUP, and whoever reads gets end of file. A leader that is process 1 may ignore the signal, and would then wait
  /// for its foreground job for ever; so the job gets one, too, as it would from a leader that ends.
  void hang_up() {
    pid_t foreground = 0;
    if (::ioctl(console_.get(), TIOCGPGRP, &foreground) == 0 && foreground > 1) ::kill(-foreground, SIGHUP);
    console_.reset();
    pending_.clear();
    reads_stdin_ = false;
    output_open_ = false;
  }

  /// False when there is nothing more to copy now or ever.
  bool copy_output() {
    if (!output_open_) return false;
    std::array<char, 16384> buffer;
    const ssize_t got = ::read(console_.get(), buffer.data(), buffer.size());
    if (got <= 0) {
      // EIO: the last process of the container closed the terminal.
      if (got == 0 || (errno != EAGAIN && errno != EINTR)) output_open_ = false;
      return false;
    }
    try {
      write_all(FdRef(STDOUT_FILENO), std::string_view(buffer.data(), static_cast<size_t>(got)), "standard output");
    } catch (const Error&) {
      hang_up();  // nobody reads any more
    }
    return true;
  }

  void copy_input() {
    std::array<char, 4096> buffer;
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got > 0) {
      pending_ = matcher_.feed({buffer.data(), static_cast<size_t>(got)});
      write_pending();
    } else if (got == 0 || errno != EINTR) {
      hang_up();  // the user's terminal is gone
    }
  }

  /// The pty takes only as much as the program reads; the rest waits here, while output goes on being copied.
  void write_pending() {
    if (pending_.empty()) return;
    const ssize_t written = ::write(console_.get(), pending_.data(), pending_.size());
    if (written > 0)
      pending_.erase(0, static_cast<size_t>(written));
    else if (errno != EAGAIN && errno != EINTR)
      pending_.clear();
  }

  FdRef process_;
  SignalForwarder forwarder_{process_};
  Fd console_;
  const SignalCollector& signals_;
  DetachMatcher matcher_;
  std::string pending_;
  bool reads_stdin_;
  bool output_open_ = true;
  bool ended_ = false;
};

}  // namespace

std::optional<oci::ConsoleSize> terminal_size() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row != 0)
      return oci::ConsoleSize{.height = size.ws_row, .width = size.ws_col};
  }
  return std::nullopt;
}

Fd relay_terminal(FdRef process, Fd console, Input input, const std::string& detach_keys,
                  const SignalCollector& signals) {
  std::optional<RawTerminal> raw;
  if (input == Input::Stdin) raw.emplace();
  return Relay(process, std::move(console), input, detach_keys, signals).run();
}

}  // namespace myct::supervisor
