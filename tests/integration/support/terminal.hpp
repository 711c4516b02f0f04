// A terminal with a program in its foreground, and the person before it: a test types, reads and resizes.
#pragma once

#include <termios.h>

#include <string>
#include <string_view>

#include "process.hpp"

namespace myct::test {

class Terminal {
 public:
  Terminal(unsigned short rows, unsigned short columns);

  /// Starts the program as the leader of a session whose controlling terminal this is.
  void start(Command command);
  void type(std::string_view keys) const;
  /// Reads what is shown until it holds `marker`, counted from where the last call ended. False when the time is up.
  [[nodiscard]] bool read_until(std::string_view marker);
  /// What was shown up to and with the last marker, from the one before.
  [[nodiscard]] const std::string& shown() const noexcept { return shown_; }
  void resize(unsigned short rows, unsigned short columns) const;
  /// The terminal's modes as the program's side has them.
  [[nodiscard]] termios mode() const;
  void signal(int number) const { program_->signal(number); }
  [[nodiscard]] pid_t pid() const noexcept { return program_->pid(); }
  /// Hangs up: the person closes the window.
  void close_window();
  /// Waits for the program's end; `out` is what was shown since the last marker.
  Result wait();

 private:
  bool read_more(std::chrono::steady_clock::time_point deadline);

  Fd master_;
  Fd slave_;  ///< kept open, so that the mode outlives the program
  std::optional<Process> program_;
  std::string unread_;
  std::string shown_;
};

/// Whether two modes are the same in all that tcsetattr(3) sets.
[[nodiscard]] bool same_mode(const termios& a, const termios& b);
/// Neither line editing, nor echo, nor signals from keys.
[[nodiscard]] bool is_raw(const termios& mode);

}  // namespace myct::test
