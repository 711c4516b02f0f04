#include "raw_terminal.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "myct/base/error.hpp"

namespace myct::supervisor {

RawTerminal::RawTerminal() {
  if (::tcgetattr(STDIN_FILENO, &before_) == -1) throw_errno("read the terminal's mode");
  start_guard();
  termios raw = before_;
  ::cfmakeraw(&raw);
  if (::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == -1) throw_errno("put the terminal into raw mode");
}

RawTerminal::~RawTerminal() {
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
  const char all_is_well = 1;
  if (::write(to_guard_.get(), &all_is_well, 1) == 1) to_guard_.reset();
  ::waitpid(guard_, nullptr, 0);
}

void RawTerminal::start_guard() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) == -1) throw_errno("make a pipe");
  const Fd from_owner(ends[0]);
  to_guard_ = Fd(ends[1]);
  guard_ = ::fork();
  if (guard_ == -1) throw_errno("make the terminal's guard process");
  if (guard_ == 0) guard(from_owner.get());
}

void RawTerminal::guard(int from_owner) {
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

}  // namespace myct::supervisor
