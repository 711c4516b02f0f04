// The copy loop between the user's terminal and the container's pty.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>
#include <string_view>

#include "forward.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/supervisor/foreground.hpp"

namespace myct::supervisor {
namespace {

/// Raw mode on stdin while it lives. A small guard process waits on a pipe: when this process is killed, the pipe
/// closes without the word that all is well, and the guard restores the mode in its place.
class RawTerminal {
 public:
  RawTerminal() {
    if (::tcgetattr(STDIN_FILENO, &before_) == -1) throw_errno("read the terminal's mode");
    start_guard();
    termios raw = before_;
    ::cfmakeraw(&raw);
    if (::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == -1) throw_errno("put the terminal into raw mode");
  }
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  ~RawTerminal() {
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
    const char all_is_well = 1;
    if (::write(to_guard_.get(), &all_is_well, 1) == 1) to_guard_.reset();
    ::waitpid(guard_, nullptr, 0);
  }

 private:
  void start_guard() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) == -1) throw_errno("make a pipe");
    const Fd from_owner(ends[0]);
    to_guard_ = Fd(ends[1]);
    guard_ = ::fork();
    if (guard_ == -1) throw_errno("make the terminal's guard process");
    if (guard_ == 0) guard(from_owner.get());
  }

  [[noreturn]] void guard(int from_owner) {
    // Nothing of the owner's may stay open here: its end of the pipe, the container's pty, its lock.
    constexpr int kPipe = 3;
    if (from_owner != kPipe) ::dup2(from_owner, kPipe);
    close_from(kPipe + 1);
    ::prctl(PR_SET_NAME, "myct-terminal");
    // A signal for the whole process group must not take the guard away; a background process that sets a
    // terminal's mode would be stopped by SIGTTOU.
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    char word = 0;
    if (::read(kPipe, &word, 1) != 1) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
    ::_exit(0);
  }

  termios before_{};
  Fd to_guard_;
  pid_t guard_ = -1;
};

class Relay {
 public:
  Relay(ChildProcess& init, Fd console, Input input, const SignalCollector& signals)
      : init_(init), console_(std::move(console)), signals_(signals), reads_stdin_(input == Input::Stdin) {
    const int flags = ::fcntl(console_.get(), F_GETFL);
    if (flags == -1 || ::fcntl(console_.get(), F_SETFL, flags | O_NONBLOCK) == -1)
      throw_errno("make the container's terminal non-blocking");
  }

  WaitStatus run() {
    copy_window_size();
    while (!ended_) step();
    while (copy_output()) {
    }
    return init_.wait();
  }

 private:
  enum Slot : size_t { OfInit, OfSignals, OfConsole, OfStdin };

  void step() {
    const bool can_read_stdin = reads_stdin_ && pending_.empty();
    const short console_events = static_cast<short>((output_open_ ? POLLIN : 0) | (pending_.empty() ? 0 : POLLOUT));
    // poll(2) passes over negative descriptors: those of a console that was hung up, and of what is not wanted now.
    std::array<pollfd, 4> events{};
    events[OfInit] = {.fd = init_.pidfd().get(), .events = POLLIN, .revents = 0};
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
    if (events[OfInit].revents != 0) ended_ = true;
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
      pending_.assign(buffer.data(), static_cast<size_t>(got));
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

  ChildProcess& init_;
  SignalForwarder forwarder_{init_};
  Fd console_;
  const SignalCollector& signals_;
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

WaitStatus relay_terminal(ChildProcess& init, Fd console, Input input, const SignalCollector& signals) {
  std::optional<RawTerminal> raw;
  if (input == Input::Stdin) raw.emplace();
  return Relay(init, std::move(console), input, signals).run();
}

}  // namespace myct::supervisor
