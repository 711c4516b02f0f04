#include "child/paths.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <climits>
#include <functional>
#include <optional>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"

namespace myct::engine {
namespace {

constexpr int kMaximumDepth = 256;  // components and links together; the kernel follows at most 40 links

/// Makes the last component in its parent's directory; an existing one is fine.
using MakeLast = std::function<void(FdRef parent, const std::string& base)>;

void make_directory(FdRef parent, const std::string& base) {
  if (::mkdirat(parent.get(), base.c_str(), 0755) == -1 && errno != EEXIST) throw_errno("make directory '{}'", base);
}

void make_empty_file(FdRef parent, const std::string& base) {
  const int fd = ::openat(parent.get(), base.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (fd == -1 && errno != EEXIST) throw_errno("make file '{}'", base);
  if (fd >= 0) ::close(fd);
}

std::optional<std::string> read_link(FdRef parent, const std::string& base) {
  char target[PATH_MAX];
  const ssize_t length = ::readlinkat(parent.get(), base.c_str(), target, sizeof target);
  if (length == -1) return std::nullopt;
  return std::string(target, static_cast<size_t>(length));
}

Fd open_or_make(FdRef root, const std::string& path, int flags, const MakeLast& make, int depth) {
  if (std::optional<Fd> fd = try_open_in_root(root, path, O_PATH | flags)) return std::move(*fd);
  if (depth == kMaximumDepth) {
    errno = ELOOP;
    throw_errno("make '{}' in the container's root", path);
  }
  const SplitPath split = split_path(path);
  const Fd parent = open_or_make(root, split.parent, O_DIRECTORY, make_directory, depth + 1);
  // A link to what does not exist yet: its target is what has to be made.
  if (const std::optional<std::string> target = read_link(parent.ref(), split.base)) {
    const std::string resolved = target->starts_with('/') ? *target : split.parent + "/" + *target;
    return open_or_make(root, resolved, flags, make, depth + 1);
  }
  make(parent.ref(), split.base);
  return open_in_root(root, path, O_PATH | flags);
}

}  // namespace

void write_proc_file(const std::string& path, const std::string& value) {
  const Fd fd = open_path(path, O_WRONLY | O_NOFOLLOW);
  struct statfs status {};
  if (::fstatfs(fd.get(), &status) == -1) throw_errno("inspect '{}'", path);
  if (status.f_type != PROC_SUPER_MAGIC) throw_error(ErrorKind::Denied, "'{}' is not the kernel's", path);
  write_all(fd.ref(), value, path);
}

SplitPath split_path(const std::string& path) {
  const size_t end = path.find_last_not_of('/');
  if (end == std::string::npos) return {"/", "."};
  const size_t slash = path.find_last_of('/', end);
  if (slash == std::string::npos) return {"/", path.substr(0, end + 1)};
  return {path.substr(0, slash + 1), path.substr(slash + 1, end - slash)};
}

Fd open_or_make_directory(FdRef root, const std::string& path) {
  return open_or_make(root, path, O_DIRECTORY, make_directory, 0);
}

Fd open_or_make_file(FdRef root, const std::string& path) { return open_or_make(root, path, 0, make_empty_file, 0); }

}  // namespace myct::engine
