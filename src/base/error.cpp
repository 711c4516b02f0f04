#include "myct/base/error.hpp"

#include <cstring>

namespace myct {

Error::Error(ErrorKind kind, std::string what, int errnum, std::string hint)
    : subject_(std::move(what)), hint_(std::move(hint)), errnum_(errnum), kind_(kind) {
  compose();
}

Error& Error::add_context(std::string_view outer) {
  subject_.insert(0, ": ").insert(0, outer);
  compose();
  return *this;
}

Error& Error::set_exit_status(int status) {
  exit_status_ = status;
  return *this;
}

Error& Error::set_hint(std::string hint) {
  hint_ = std::move(hint);
  compose();
  return *this;
}

void Error::compose() {
  line_ = subject_;
  if (errnum_ != 0) line_.append(": ").append(errno_text(errnum_));
  if (!hint_.empty()) line_.append(": ").append(hint_);
  // One line on the user's terminal, whatever a path or a foreign library put into the text.
  for (char& c : line_)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
}

std::string errno_text(int errnum) {
  char buffer[128];
  // The GNU variant: returns a pointer that may or may not be into the buffer.
  return ::strerror_r(errnum, buffer, sizeof buffer);
}

ErrorKind kind_of_errno(int errnum) noexcept {
  switch (errnum) {
    case EACCES:
    case EPERM:
      return ErrorKind::Denied;
    case ENOENT:
      return ErrorKind::NotFound;
    case EEXIST:
      return ErrorKind::Conflict;
    case ENOSYS:
    case EOPNOTSUPP:
      return ErrorKind::Unsupported;
    default:
      return ErrorKind::System;
  }
}

}  // namespace myct
