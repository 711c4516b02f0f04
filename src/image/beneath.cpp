#include "beneath.hpp"

#include <fcntl.h>

#include "myct/base/error.hpp"
#include "myct/base/syscall.hpp"

namespace myct::image {
namespace {

constexpr int kResolveAttempts = 64;

}  // namespace

int open_beneath(FdRef root, const std::string& path, int flags) noexcept {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  for (int attempt = 0;; ++attempt) {
    const int fd = sys::openat2(root.get(), path.empty() ? "." : path.c_str(), how);
    // EAGAIN: a rename or mount elsewhere on the host raced with a ".." in a link (openat2(2)).
    if (fd >= 0 || errno != EAGAIN || attempt == kResolveAttempts) return fd;
  }
}

std::pair<std::string_view, std::string_view> split_name(std::string_view name) noexcept {
  const size_t slash = name.find_last_of('/');
  if (slash == std::string_view::npos) return {{}, name};
  return {name.substr(0, slash), name.substr(slash + 1)};
}

void throw_unreachable(const std::string& member, int errnum) {
  switch (errnum) {
    case EXDEV:
      throw_error(ErrorKind::Invalid, "member '{}': goes through a symbolic link that leads outside", member);
    case ELOOP:
      throw_error(ErrorKind::Invalid, "member '{}': goes through a loop of symbolic links", member);
    case ENOTDIR:
      throw_error(ErrorKind::Invalid, "member '{}': goes through something that is not a directory", member);
    default:
      throw Error(kind_of_errno(errnum), fmt::format("open the directory of '{}'", member), errnum);
  }
}

bool is_whiteout(const struct stat& status) noexcept { return S_ISCHR(status.st_mode) && status.st_rdev == 0; }

}  // namespace myct::image
