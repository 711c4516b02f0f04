// Programs that a test starts: with what they are given, what they said and how they ended. Nothing here knows myct.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "myct/base/fd.hpp"
#include "pace.hpp"

namespace myct::test {

/// How long a program may take before the test kills it and fails. Far above what any takes on an idle machine.
inline const std::chrono::milliseconds kTimeLimit = at_this_pace(std::chrono::seconds(30));

enum class Stdin : uint8_t { Null, Closed, Pipe };

struct Command {
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;  ///< the whole environment
  std::string directory;                   ///< empty: the test's own
  Stdin standard_input = Stdin::Null;
  std::string input;                  ///< written to the pipe, which is then closed, by Process::wait()
  std::map<int, int> streams;         ///< descriptor in the program -> descriptor here; borrowed
  std::function<void()> before_exec;  ///< in the new process; may only make system calls
};

/// What became of a program.
struct Result {
  int status = -1;  ///< exit status; -1 when a signal ended it
  int signal = 0;   ///< the signal that ended it, or 0
  bool timed_out = false;
  std::string out;
  std::string err;
};
std::ostream& operator<<(std::ostream& stream, const Result& result);

/// A running program; killed and reaped when the owner goes.
class Process {
 public:
  explicit Process(const Command& command);
  Process(Process&&) noexcept;
  Process& operator=(Process&&) = delete;
  ~Process();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// Reads standard output until it holds `marker`. False at the end of the file and when the time is up.
  [[nodiscard]] bool read_until(std::string_view marker);
  /// The same of standard error.
  [[nodiscard]] bool read_error_until(std::string_view marker);
  [[nodiscard]] const std::string& out() const noexcept { return result_.out; }
  [[nodiscard]] const std::string& err() const noexcept { return result_.err; }
  void write(std::string_view text);
  void close_stdin() { stdin_.reset(); }
  /// Closes our end of its standard output: the next write meets a closed pipe.
  void close_stdout() { stdout_.reset(); }
  void signal(int number) const;
  /// Writes Command::input, reads all output, and reaps.
  Result wait();

 private:
  bool read_more(Fd& fd, std::string& text, std::chrono::steady_clock::time_point deadline);
  bool read_stream_until(Fd& fd, std::string& text, std::string_view marker);
  void reap();

  pid_t pid_ = -1;
  Fd stdin_;
  Fd stdout_;
  Fd stderr_;
  std::string input_;
  bool write_input_ = false;
  Result result_;
};

Result run(const Command& command);

/// The lines of `text`; the last may lack its newline.
std::vector<std::string> lines_of(std::string_view text);

}  // namespace myct::test
