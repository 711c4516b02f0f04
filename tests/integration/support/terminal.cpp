#include "terminal.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <stdexcept>

namespace myct::test {

using Clock = std::chrono::steady_clock;

Terminal::Terminal(unsigned short rows, unsigned short columns) {
  int master = -1;
  int slave = -1;
  const winsize size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
  if (::openpty(&master, &slave, nullptr, nullptr, &size) == -1) throw std::runtime_error("openpty");
  master_ = Fd(master);
  slave_ = Fd(slave);
  ::fcntl(master, F_SETFD, FD_CLOEXEC);
  ::fcntl(slave, F_SETFD, FD_CLOEXEC);
}

void Terminal::start(Command command) {
  for (int stream = 0; stream < 3; ++stream)
    if (!command.streams.contains(stream)) command.streams[stream] = slave_.get();
  const std::function<void()> more = command.before_exec;
  command.before_exec = [this, more] {
    ::setsid();
    ::ioctl(slave_.get(), TIOCSCTTY, 0);
    if (more) more();
  };
  program_.emplace(command);
}

void Terminal::type(std::string_view keys) const {
  ASSERT_EQ(::write(master_.get(), keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
}

bool Terminal::read_more(Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  pollfd event{.fd = master_.get(), .events = POLLIN, .revents = 0};
  if (::poll(&event, 1, left > 0 ? static_cast<int>(left) : 0) <= 0) return false;
  std::array<char, 4096> buffer;
  const ssize_t got = ::read(master_.get(), buffer.data(), buffer.size());
  if (got <= 0) return false;
  unread_.append(buffer.data(), static_cast<size_t>(got));
  return true;
}

bool Terminal::read_until(std::string_view marker) {
  const Clock::time_point deadline = Clock::now() + kTimeLimit;
  for (;;) {
    if (const size_t found = unread_.find(marker); found != std::string::npos) {
      shown_ = unread_.substr(0, found + marker.size());
      unread_.erase(0, found + marker.size());
      return true;
    }
    if (!read_more(deadline)) {
      shown_ = unread_;
      return false;
    }
  }
}

void Terminal::resize(unsigned short rows, unsigned short columns) const {
  const winsize size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
  ASSERT_EQ(::ioctl(master_.get(), TIOCSWINSZ, &size), 0);
}

termios Terminal::mode() const {
  termios mode{};
  EXPECT_EQ(::tcgetattr(slave_.get(), &mode), 0);
  return mode;
}

void Terminal::close_window() {
  slave_.reset();
  master_.reset();
}

Result Terminal::wait() {
  // The program may be blocked on writing to a full terminal: read until it has ended.
  const Clock::time_point deadline = Clock::now() + kTimeLimit;
  siginfo_t info{};
  while (Clock::now() < deadline) {
    info.si_pid = 0;
    if (::waitid(P_PID, static_cast<id_t>(program_->pid()), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid != 0)
      break;
    if (master_.valid()) read_more(Clock::now() + std::chrono::milliseconds(20));
  }
  const bool ended = info.si_pid != 0;
  if (!ended) program_->signal(SIGKILL);
  while (master_.valid() && read_more(Clock::now())) {
  }
  Result result = program_->wait();
  result.timed_out = !ended;
  result.out += unread_;
  unread_.clear();
  return result;
}

bool same_mode(const termios& a, const termios& b) {
  return a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag && a.c_cflag == b.c_cflag && a.c_lflag == b.c_lflag &&
         std::memcmp(a.c_cc, b.c_cc, sizeof a.c_cc) == 0;
}

bool is_raw(const termios& mode) { return (mode.c_lflag & static_cast<tcflag_t>(ICANON | ECHO | ISIG)) == 0; }

}  // namespace myct::test
