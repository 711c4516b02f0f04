#include "myct/base/fd.hpp"

#include <fcntl.h>

#include "myct/base/error.hpp"

namespace myct {

void Fd::close_checked() {
  const int fd = std::exchange(fd_, -1);
  // After EINTR Linux has closed the descriptor already (close(2)), so it is not a failure.
  if (fd >= 0 && ::close(fd) == -1 && errno != EINTR) throw_errno("close descriptor {}", fd);
}

Fd duplicate(FdRef fd) {
  const int copy = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3);
  if (copy == -1) throw_errno("duplicate descriptor {}", fd.get());
  return Fd(copy);
}

void close_from(int first) {
  if (::close_range(static_cast<unsigned>(first), ~0U, 0) == 0) return;
  if (errno != ENOSYS) throw_errno("close descriptors from {} on", first);
  const long limit = ::sysconf(_SC_OPEN_MAX);  // before Linux 5.9
  for (int fd = first; fd < limit; ++fd) ::close(fd);
}

void ensure_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest free number is `fd` itself, because those below it are open by now.
    if (::open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) == -1) throw_errno("open '/dev/null'");
  }
}

}  // namespace myct
