// A kill at one system call of one process, by ptrace(2): the call is not made, and nothing after it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace myct::test {

/// What became of the traced process.
enum class Traced : uint8_t {
  Killed,  ///< at the call that was asked for
  Idle,    ///< it came to wait for ever before that, and was killed there
  Ended,   ///< it ended by itself before that
};
struct KillPoint {
  Traced end = Traced::Ended;
  long call = -1;  ///< the number of the system call that it was killed at
};

/// For Command::before_exec: the program stops at its exec until kill_at_call() or kill_child_at_call() lets it go on.
void be_traced();

/// Lets our child `pid`, which called be_traced(), run to the entry of its system call number `nth`, from 1. It is left
/// for Process::wait() to reap; its own children are not traced. Throws std::runtime_error when it takes too long.
KillPoint kill_at_call(pid_t pid, unsigned nth);

/// The same to the first process that `pid` forks, through all that it executes; `pid` itself goes on untraced.
KillPoint kill_child_at_call(pid_t pid, unsigned nth);

/// A process that runs already and waits for something: its calls are counted from here.
class SeizedProcess {
 public:
  explicit SeizedProcess(pid_t pid);
  SeizedProcess(const SeizedProcess&) = delete;
  SeizedProcess& operator=(const SeizedProcess&) = delete;
  ~SeizedProcess();

  KillPoint kill_at_call(unsigned nth);

 private:
  pid_t pid_;
};

}  // namespace myct::test
