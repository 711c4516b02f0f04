// The user's terminal in raw mode, and back however this process ends.
#pragma once

#include <sys/types.h>
#include <termios.h>

#include "myct/base/fd.hpp"

namespace myct::supervisor {

/// Raw mode on stdin while it lives. A small guard process waits on a pipe: when this process is killed, the pipe
/// closes without the word that all is well, and the guard restores the mode in its place.
class RawTerminal {
 public:
  RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  ~RawTerminal();

 private:
  void start_guard();
  [[noreturn]] void guard(int from_owner);

  termios before_{};
  Fd to_guard_;
  pid_t guard_ = -1;
};

}  // namespace myct::supervisor
