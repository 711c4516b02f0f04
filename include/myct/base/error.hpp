// The one exception type of the project, and the helpers that make it where a call fails.
#pragma once

#include <fmt/core.h>

#include <cerrno>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace myct {

/// What kind of thing went wrong; decides nothing by itself, but lets a caller treat "not found" and
/// "already there" without reading text.
enum class ErrorKind : uint8_t { Usage, NotFound, Conflict, Invalid, Unsupported, Denied, System, Internal };

/// Exit status of a command that could not do all that it was asked to, or was not given the right number of words.
inline constexpr int kExitFailure = 1;
/// Exit status of myct's own failures (docker-run(1)).
inline constexpr int kExitOwnFailure = 125;
/// Exit status when the command exists but cannot be executed.
inline constexpr int kExitCannotExecute = 126;
/// Exit status when the command does not exist.
inline constexpr int kExitNotFound = 127;

/// What failed, on which object, why, and what to do about it. Prints as one line:
/// `outer: inner: strerror(errnum): hint` with absent parts left out.
class Error : public std::exception {
 public:
  /// `what` names the call and its object ("mount overlay on '/x'"), in lower case and without a full stop;
  /// `errnum` is appended as text when not 0; `hint` says what the user can do.
  Error(ErrorKind kind, std::string what, int errnum = 0, std::string hint = {});

  /// Puts `outer` and a colon in front: what a higher part was doing ("create web").
  Error& add_context(std::string_view outer);
  /// Sets the status that `myct` ends with when this error reaches main (default: kExitOwnFailure).
  Error& set_exit_status(int status);

  /// What the user can do, where a higher part knows it.
  Error& set_hint(std::string hint);

  [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }
  /// The errno value behind the error, 0 when there is none.
  [[nodiscard]] int errnum() const noexcept { return errnum_; }
  [[nodiscard]] int exit_status() const noexcept { return exit_status_; }
  [[nodiscard]] const std::string& hint() const noexcept { return hint_; }
  /// The call and its object alone, without errno's text and hint.
  [[nodiscard]] const std::string& subject() const noexcept { return subject_; }
  [[nodiscard]] const char* what() const noexcept override { return line_.c_str(); }

 private:
  void compose();

  std::string subject_;
  std::string hint_;
  std::string line_;
  int errnum_;
  int exit_status_ = kExitOwnFailure;
  ErrorKind kind_;
};

/// The text of `errnum` (strerror(3)), thread-safe.
std::string errno_text(int errnum);

/// The kind that fits an errno: EACCES and EPERM are Denied, ENOENT NotFound, EEXIST Conflict, ENOSYS Unsupported.
ErrorKind kind_of_errno(int errnum) noexcept;

/// Throws an Error for the errno that the last call left. errno is read before anything else happens, so the
/// arguments must be plain values, not calls that could change it.
template <typename... Args>
[[noreturn]] void throw_errno(fmt::format_string<Args...> text, Args&&... args) {
  const int errnum = errno;
  throw Error(kind_of_errno(errnum), fmt::format(text, std::forward<Args>(args)...), errnum);
}

/// Throws an Error without an errno.
template <typename... Args>
[[noreturn]] void throw_error(ErrorKind kind, fmt::format_string<Args...> text, Args&&... args) {
  throw Error(kind, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace myct
