#include "child/copy_up.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <climits>
#include <string>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"

namespace myct::engine {
namespace {

constexpr int kMaximumDepth = 256;

/// A name in a directory, as it is there and as it is to be made.
struct Place {
  FdRef from;
  FdRef to;
  const std::string& name;
};

/// By the descriptors' own names, as neither call takes a directory.
void copy_attributes(FdRef from, FdRef to, const std::string& name) {
  const std::string source = fmt::format("/proc/self/fd/{}", from.get());
  const std::string target = fmt::format("/proc/self/fd/{}", to.get());
  std::string names(XATTR_LIST_MAX, '\0');
  const ssize_t length = ::listxattr(source.c_str(), names.data(), names.size());
  if (length == -1) return;
  names.resize(static_cast<size_t>(length));
  std::string value(XATTR_SIZE_MAX, '\0');
  for (size_t at = 0; at < names.size(); at += std::string_view(&names[at]).size() + 1) {
    const char* key = &names[at];
    const ssize_t size = ::getxattr(source.c_str(), key, value.data(), value.size());
    // Some belong to the file system that the copy is not on (overlay's, SELinux's).
    if (size >= 0 && ::setxattr(target.c_str(), key, value.data(), static_cast<size_t>(size), 0) == -1 &&
        errno != EOPNOTSUPP && errno != EPERM)
      throw_errno("copy attribute {} of '{}'", key, name);
  }
}

void copy_owner_and_mode(FdRef to, const struct stat& status, const std::string& name) {
  if (::fchown(to.get(), status.st_uid, status.st_gid) == -1) throw_errno("set the owner of '{}'", name);
  if (::fchmod(to.get(), status.st_mode & 07777) == -1) throw_errno("set the mode of '{}'", name);
}

void copy_times(FdRef to, const struct stat& status, const std::string& name) {
  const timespec times[2] = {status.st_atim, status.st_mtim};
  if (::futimens(to.get(), times) == -1) throw_errno("set the times of '{}'", name);
}

void copy_file(const Place& place, const struct stat& status) {
  const Fd from = open_at(place.from, place.name, O_RDONLY | O_NOFOLLOW);
  const Fd to = open_at(place.to, place.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  constexpr size_t kPiece = 1U << 30;
  ssize_t copied = 0;
  while ((copied = ::sendfile(to.get(), from.get(), nullptr, kPiece)) > 0) {
  }
  if (copied == -1) throw_errno("copy '{}'", place.name);
  copy_owner_and_mode(to.ref(), status, place.name);
  copy_attributes(from.ref(), to.ref(), place.name);
  copy_times(to.ref(), status, place.name);
}

void copy_link(const Place& place, const struct stat& status) {
  char target[PATH_MAX];
  const ssize_t length = ::readlinkat(place.from.get(), place.name.c_str(), target, sizeof target);
  if (length == -1) throw_errno("read link '{}'", place.name);
  if (::symlinkat(std::string(target, static_cast<size_t>(length)).c_str(), place.to.get(), place.name.c_str()) == -1)
    throw_errno("make link '{}'", place.name);
  if (::fchownat(place.to.get(), place.name.c_str(), status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) == -1)
    throw_errno("set the owner of '{}'", place.name);
}

void copy_node(const Place& place, const struct stat& status) {
  if (::mknodat(place.to.get(), place.name.c_str(), status.st_mode, status.st_rdev) == -1)
    throw_errno("make node '{}'", place.name);
  if (::fchownat(place.to.get(), place.name.c_str(), status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) == -1)
    throw_errno("set the owner of '{}'", place.name);
}

void copy_directory(FdRef from, FdRef to, int depth);

void copy_entry(const Place& place, int depth) {
  struct stat status {};
  if (::fstatat(place.from.get(), place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == -1)
    throw_errno("inspect '{}'", place.name);
  if (S_ISREG(status.st_mode)) return copy_file(place, status);
  if (S_ISLNK(status.st_mode)) return copy_link(place, status);
  if (S_ISSOCK(status.st_mode)) return;  // means nothing without who listens
  if (!S_ISDIR(status.st_mode)) return copy_node(place, status);
  if (depth == kMaximumDepth)
    throw_error(ErrorKind::Invalid, "copy '{}': too many directories in each other", place.name);
  make_directory_at(place.to, place.name, 0700);
  const Fd from = open_at(place.from, place.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  const Fd to = open_at(place.to, place.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  copy_directory(from.ref(), to.ref(), depth + 1);
  copy_owner_and_mode(to.ref(), status, place.name);
  copy_attributes(from.ref(), to.ref(), place.name);
  copy_times(to.ref(), status, place.name);
}

void copy_directory(FdRef from, FdRef to, int depth) {
  const Directory directory(::fdopendir(open_at(from, ".", O_RDONLY | O_DIRECTORY).release()));
  if (!directory) throw_errno("read a directory to copy");
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") copy_entry({.from = from, .to = to, .name = name}, depth);
  }
}

}  // namespace

void copy_up(FdRef covered, FdRef covering) {
  struct stat status {};
  if (::fstat(covered.get(), &status) == -1) throw_errno("inspect what is to be copied up");
  // As both are O_PATH or detached: by what they lead to.
  const Fd from = open_at(covered, ".", O_RDONLY | O_DIRECTORY);
  const Fd to = open_at(covering, ".", O_RDONLY | O_DIRECTORY);
  copy_directory(from.ref(), to.ref(), 0);
  copy_owner_and_mode(to.ref(), status, ".");
}

}  // namespace myct::engine
