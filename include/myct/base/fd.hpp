// Owning and borrowing file descriptors.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace myct {

/// A borrowed descriptor: owns nothing, valid as long as its owner. AT_FDCWD is allowed where a call allows it.
class FdRef {
 public:
  explicit constexpr FdRef(int fd) noexcept : fd_(fd) {}
  [[nodiscard]] constexpr int get() const noexcept { return fd_; }

 private:
  int fd_;
};

/// Sole owner of an open descriptor. Never -1 unless default-made or moved from; always close-on-exec.
class Fd {
 public:
  constexpr Fd() noexcept = default;
  explicit constexpr Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    Fd moved(std::move(other));
    std::swap(fd_, moved.fd_);
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] FdRef ref() const noexcept { return FdRef(fd_); }
  [[nodiscard]] bool valid() const noexcept { return fd_ >= 0; }
  /// Gives the descriptor up without closing it.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  /// Closes now; keeps errno.
  void reset() noexcept {
    if (fd_ < 0) return;
    const int saved = errno;
    ::close(std::exchange(fd_, -1));
    errno = saved;
  }
  /// Closes now and throws if the kernel reports a deferred write error (close(2): NFS, quota).
  void close_checked();

 private:
  int fd_ = -1;
};

/// An O_CLOEXEC duplicate of `fd`; throws Error.
[[nodiscard]] Fd duplicate(FdRef fd);

/// Closes `first` and every descriptor above it, whoever opened them.
void close_from(int first);

/// Makes sure that descriptors 0, 1 and 2 are open (on /dev/null where the caller closed them), so that no file
/// we open can end up as somebody's standard output. Call once, first thing in main.
void ensure_standard_descriptors();

}  // namespace myct
