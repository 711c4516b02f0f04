// Opening a path as a process with another root directory would: the root may be full of links made by an enemy who
// goes on changing it, so the kernel does it in one call (openat2(2), RESOLVE_IN_ROOT). Kernels before 5.6, and
// sandboxes that deny the call, get a walk that takes one component at a time and never asks for "..".
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <deque>
#include <vector>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/syscall.hpp"

namespace myct {
namespace {

constexpr int kAttempts = 64;
constexpr int kMaximumLinks = 40;  // as the kernel's MAXSYMLINKS

/// A walk through `root`: the directories entered so far are kept open, so that ".." is taken by forgetting the last,
/// and nothing that is renamed meanwhile can lead above the root.
class Walk {
 public:
  Walk(FdRef root, const std::string& path, bool follow_last) : root_(root), follow_last_(follow_last) {
    push_front(path);
  }

  /// Everything but the last component; an invalid descriptor and errno when it cannot be opened.
  Fd open(int flags, mode_t mode) {
    while (!rest_.empty()) {
      const std::string name = std::move(rest_.front());
      rest_.pop_front();
      if (name == "..") {
        if (!entered_.empty()) entered_.pop_back();
        continue;
      }
      const bool last = rest_.empty();
      if (last && !follow_last_) return open_last(name, flags, mode);
      Fd next(::openat(here(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
      if (!next.valid()) return last && errno == ENOENT ? open_last(name, flags, mode) : Fd();
      struct stat status {};
      if (::fstat(next.get(), &status) == -1) return Fd();
      if (S_ISLNK(status.st_mode)) {
        if (!enter_link(next)) return Fd();
      } else if (last) {
        return open_last(name, flags, mode);
      } else {
        entered_.push_back(std::move(next));
      }
    }
    return Fd(::openat(here(), ".", (flags & ~(O_CREAT | O_EXCL)) | O_CLOEXEC));
  }

 private:
  [[nodiscard]] int here() const { return entered_.empty() ? root_.get() : entered_.back().get(); }

  Fd open_last(const std::string& name, int flags, mode_t mode) {
    // What was looked at has been no link; if it is one by now, O_NOFOLLOW refuses it.
    return Fd(::openat(here(), name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, mode));
  }

  bool enter_link(const Fd& link) {
    char target[PATH_MAX];
    const ssize_t length = ::readlinkat(link.get(), "", target, sizeof target);
    if (length == -1) return false;
    if (++links_ > kMaximumLinks) {
      errno = ELOOP;
      return false;
    }
    const std::string text(target, static_cast<size_t>(length));
    if (text.starts_with('/')) entered_.clear();
    push_front(text);
    return true;
  }

  void push_front(const std::string& path) {
    std::vector<std::string> names;
    size_t start = 0;
    while (start <= path.size()) {
      const size_t end = std::min(path.find('/', start), path.size());
      const std::string name = path.substr(start, end - start);
      if (!name.empty() && name != ".") names.push_back(name);
      start = end + 1;
    }
    rest_.insert(rest_.begin(), names.begin(), names.end());
  }

  FdRef root_;
  std::vector<Fd> entered_;
  std::deque<std::string> rest_;
  int links_ = 0;
  bool follow_last_;
};

/// An invalid descriptor and errno on failure.
Fd open_below(FdRef root, const std::string& path, int flags, mode_t mode) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags) | O_CLOEXEC;
  how.mode = mode;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0;; ++attempt) {
    const int fd = sys::openat2(root.get(), path.c_str(), how);
    if (fd >= 0) return Fd(fd);
    if (errno == ENOSYS) return Walk(root, path, (flags & O_NOFOLLOW) == 0).open(flags, mode);
    // EAGAIN: a rename or mount elsewhere raced with a ".." (openat2(2)); a busy host needs a few tries.
    if (errno != EAGAIN || attempt == kAttempts) return Fd();
  }
}

}  // namespace

Fd open_in_root(FdRef root, const std::string& path, int flags, mode_t mode) {
  Fd fd = open_below(root, path, flags, mode);
  if (!fd.valid()) throw_errno("open '{}' in the container's root", path);
  return fd;
}

std::optional<Fd> try_open_in_root(FdRef root, const std::string& path, int flags, mode_t mode) {
  Fd fd = open_below(root, path, flags, mode);
  if (fd.valid()) return fd;
  if (errno == ENOENT) return std::nullopt;
  throw_errno("open '{}' in the container's root", path);
}

}  // namespace myct
