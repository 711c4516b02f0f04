#include "myct/base/file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "myct/base/error.hpp"

namespace myct {
namespace {

/// How deep a removal goes with a descriptor and a frame for each level. A program in a container may make directories
/// within directories without end: what is deeper is moved to the top of the tree, and meets the next round there.
constexpr int kDeepest = 64;

void remove_at_depth(FdRef directory, const std::string& name, FdRef top, int depth);

void remove_children(Fd directory, const std::string& name, FdRef top, int depth) {
  Directory stream(::fdopendir(directory.get()));
  if (!stream) throw_errno("read directory '{}'", name);
  (void)directory.release();
  const FdRef fd(::dirfd(stream.get()));
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) {
      if (errno != 0) throw_errno("read directory '{}'", name);
      return;
    }
    if (std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0) continue;
    if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN) {
      if (::unlinkat(fd.get(), entry->d_name, 0) == -1 && errno != ENOENT)
        throw_errno("remove '{}/{}'", name, entry->d_name);
      continue;
    }
    remove_at_depth(fd, entry->d_name, top, depth + 1);
  }
}

void remove_at_depth(FdRef directory, const std::string& name, FdRef top, int depth) {
  // rmdir first: most directories we remove are empty, and on a file it costs one system call.
  if (::unlinkat(directory.get(), name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return;
  if (errno == ENOTDIR) {
    if (::unlinkat(directory.get(), name.c_str(), 0) == -1 && errno != ENOENT) throw_errno("remove '{}'", name);
    return;
  }
  if (errno != ENOTEMPTY && errno != EEXIST) throw_errno("remove '{}'", name);
  if (depth >= kDeepest) {
    if (::renameat(directory.get(), name.c_str(), top.get(), ("deep-" + random_suffix()).c_str()) == -1 &&
        errno != ENOENT)
      throw_errno("move '{}' up to remove it", name);
    return;
  }
  std::optional<Fd> fd = try_open_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!fd) return;
  remove_children(std::move(*fd), name, top, depth);
  if (::unlinkat(directory.get(), name.c_str(), AT_REMOVEDIR) == -1 && errno != ENOENT)
    throw_errno("remove '{}'", name);
}

}  // namespace

std::optional<Fd> try_open_at(FdRef directory, const std::string& path, int flags, mode_t mode) {
  const int fd = ::openat(directory.get(), path.c_str(), flags | O_CLOEXEC, mode);
  if (fd >= 0) return Fd(fd);
  if (errno == ENOENT) return std::nullopt;
  throw_errno("open '{}'", path);
}

Fd open_at(FdRef directory, const std::string& path, int flags, mode_t mode) {
  const int fd = ::openat(directory.get(), path.c_str(), flags | O_CLOEXEC, mode);
  if (fd == -1) throw_errno("open '{}'", path);
  return Fd(fd);
}

Fd open_path(const std::string& path, int flags, mode_t mode) { return open_at(FdRef(AT_FDCWD), path, flags, mode); }

std::optional<Fd> try_open_path(const std::string& path, int flags, mode_t mode) {
  return try_open_at(FdRef(AT_FDCWD), path, flags, mode);
}

std::string read_all(FdRef fd, std::string_view name) {
  std::string content;
  char buffer[16384];
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got == 0) return content;
    if (got > 0)
      content.append(buffer, static_cast<size_t>(got));
    else if (errno != EINTR)
      throw_errno("read '{}'", name);
  }
}

std::string read_file(const std::string& path) { return read_all(open_path(path, O_RDONLY).ref(), path); }

std::optional<std::string> try_read_file_at(FdRef directory, const std::string& name) {
  const std::optional<Fd> fd = try_open_at(directory, name, O_RDONLY);
  if (!fd) return std::nullopt;
  try {
    return read_all(fd->ref(), name);
  } catch (const Error& error) {
    // Of a control group that was removed since the open, or of a process that has ended.
    if (error.errnum() == ENODEV || error.errnum() == ESRCH) return std::nullopt;
    throw;
  }
}

std::optional<std::string> try_read_file(const std::string& path) { return try_read_file_at(FdRef(AT_FDCWD), path); }

void write_all(FdRef fd, std::string_view bytes, std::string_view name) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd.get(), bytes.data(), bytes.size());
    if (written >= 0)
      bytes.remove_prefix(static_cast<size_t>(written));
    else if (errno != EINTR)
      throw_errno("write '{}'", name);
  }
}

std::optional<std::string> try_read_link(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
  if (size >= 0) return std::string(target, static_cast<size_t>(size));
  if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
  throw_errno("read '{}'", path);
}

void write_file_at(FdRef directory, const std::string& name, std::string_view bytes, mode_t mode) {
  Fd fd = open_at(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode);
  write_all(fd.ref(), bytes, name);
  fd.close_checked();
}

void save_atomically(FdRef directory, const std::string& name, std::string_view bytes, Durability durability,
                     mode_t mode) {
  const std::string temporary = "." + name + "." + random_suffix();
  Fd fd = open_at(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  try {
    write_all(fd.ref(), bytes, name);
    if (durability == Durability::SurvivesPowerLoss && ::fsync(fd.get()) == -1) throw_errno("sync '{}'", name);
    fd.close_checked();
    if (::renameat(directory.get(), temporary.c_str(), directory.get(), name.c_str()) == -1)
      throw_errno("replace '{}'", name);
  } catch (const Error&) {
    ::unlinkat(directory.get(), temporary.c_str(), 0);
    throw;
  }
  if (durability == Durability::SurvivesPowerLoss && ::fsync(directory.get()) == -1)
    throw_errno("sync the directory of '{}'", name);
}

void create_atomically(FdRef directory, const std::string& name, std::string_view bytes, Durability durability,
                       mode_t mode) {
  const Fd fd(::openat(directory.get(), ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode));
  if (!fd.valid()) {
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT) throw_errno("make '{}'", name);
    return save_atomically(directory, name, bytes, durability, mode);
  }
  write_all(fd.ref(), bytes, name);
  if (durability == Durability::SurvivesPowerLoss && ::fsync(fd.get()) == -1) throw_errno("sync '{}'", name);
  const std::string own = fmt::format("/proc/self/fd/{}", fd.get());
  if (::linkat(AT_FDCWD, own.c_str(), directory.get(), name.c_str(), AT_SYMLINK_FOLLOW) == -1)
    throw_errno("make '{}'", name);
  if (durability == Durability::SurvivesPowerLoss && ::fsync(directory.get()) == -1)
    throw_errno("sync the directory of '{}'", name);
}

bool is_temporary_name(std::string_view name) noexcept {
  constexpr size_t kSuffix = 17;  // a dot and random_suffix()
  return name.size() > kSuffix + 1 && name.front() == '.' && name[name.size() - kSuffix] == '.' &&
         name.find_last_not_of("0123456789abcdef") == name.size() - kSuffix;
}

void make_directory_at(FdRef directory, const std::string& name, mode_t mode) {
  if (::mkdirat(directory.get(), name.c_str(), mode) == -1 && errno != EEXIST) throw_errno("make directory '{}'", name);
}

void make_directories(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return;
  if (errno != ENOENT) throw_errno("make directory '{}'", path);
  const size_t slash = path.find_last_of('/');
  if (slash == std::string::npos || slash == 0) throw_errno("make directory '{}'", path);
  make_directories(path.substr(0, slash));
  if (::mkdir(path.c_str(), 0755) == -1 && errno != EEXIST) throw_errno("make directory '{}'", path);
}

void remove_tree_at(FdRef directory, const std::string& name) {
  std::optional<Fd> top;
  for (;;) {
    if (::unlinkat(directory.get(), name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return;
    if (errno == ENOTDIR) {
      if (::unlinkat(directory.get(), name.c_str(), 0) == -1 && errno != ENOENT) throw_errno("remove '{}'", name);
      return;
    }
    if (errno != ENOTEMPTY && errno != EEXIST) throw_errno("remove '{}'", name);
    top = try_open_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!top) return;
    remove_children(open_at(top->ref(), ".", O_RDONLY | O_DIRECTORY), name, top->ref(), 0);
  }
}

void remove_tree(const std::string& path) { remove_tree_at(FdRef(AT_FDCWD), path); }

void remove_file(const std::string& path) {
  if (::unlink(path.c_str()) == -1 && errno != ENOENT) throw_errno("remove '{}'", path);
}

std::vector<std::string> list_directory(const std::string& path, Hidden hidden) {
  std::vector<std::string> names;
  const Directory stream(::opendir(path.c_str()));
  if (!stream) {
    if (errno == ENOENT) return names;
    throw_errno("read directory '{}'", path);
  }
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == ".." || (hidden == Hidden::LeaveOut && name.starts_with('.'))) continue;
    names.emplace_back(name);
  }
  if (errno != 0) throw_errno("read directory '{}'", path);
  return names;
}

std::string random_suffix() {
  uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != sizeof random) throw_errno("read random bytes");
  return fmt::format("{:016x}", random);
}

bool path_exists(const std::string& path) noexcept { return ::access(path.c_str(), F_OK) == 0; }

namespace {

/// Interrupts a system call that waits, now and then, as long as this lives: flock(2) knows no time limit, and asking
/// again and again would let others pass by who wait in line.
class Interruptions {
 public:
  Interruptions() {
    struct sigaction ignore {};
    ignore.sa_handler = [](int) {};  // without SA_RESTART
    ::sigaction(SIGALRM, &ignore, &action_);
    sigset_t alarm;
    ::sigemptyset(&alarm);
    ::sigaddset(&alarm, SIGALRM);
    ::sigprocmask(SIG_UNBLOCK, &alarm, &mask_);
    constexpr timeval kPace{.tv_sec = 0, .tv_usec = 100'000};
    const itimerval often{.it_interval = kPace, .it_value = kPace};
    ::setitimer(ITIMER_REAL, &often, nullptr);
  }
  Interruptions(const Interruptions&) = delete;
  Interruptions& operator=(const Interruptions&) = delete;
  ~Interruptions() {
    const itimerval never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
    ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
    ::sigaction(SIGALRM, &action_, nullptr);
  }

 private:
  struct sigaction action_ {};
  sigset_t mask_{};
};

}  // namespace

FileLock FileLock::acquire(const std::string& path) {
  return acquire(open_path(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600), path);
}

std::optional<FileLock> FileLock::try_acquire(const std::string& path) {
  return try_acquire(open_path(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600), path);
}

FileLock FileLock::acquire(Fd fd, const std::string& name) {
  while (::flock(fd.get(), LOCK_EX) == -1)
    if (errno != EINTR) throw_errno("lock '{}'", name);
  return FileLock(std::move(fd));
}

std::optional<FileLock> FileLock::acquire_within(Fd fd, const std::string& name, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return FileLock(std::move(fd));
  const Interruptions interruptions;
  while (::flock(fd.get(), LOCK_EX) == -1) {
    if (errno != EINTR) throw_errno("lock '{}'", name);
    if (std::chrono::steady_clock::now() >= deadline) return std::nullopt;
  }
  return FileLock(std::move(fd));
}

std::optional<FileLock> FileLock::try_acquire(Fd fd, const std::string& name) {
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return FileLock(std::move(fd));
  if (errno == EWOULDBLOCK) return std::nullopt;
  throw_errno("lock '{}'", name);
}

}  // namespace myct
