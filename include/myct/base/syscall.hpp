// System calls that glibc 2.36 has no wrapper for, or declares without C linkage (<sys/pidfd.h>). Each behaves as its
// manual page says: -1 and errno.
#pragma once

#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace myct::sys {

/// clone3(2). Single-threaded callers only: no atfork handler runs.
inline pid_t clone3(clone_args& arguments) noexcept {
  return static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
}

/// clone(2) without a stack of its own, as fork(2): for kernels and seccomp filters without clone3. At `result` the
/// pidfd is stored when `flags` has CLONE_PIDFD, the pid when it has CLONE_PARENT_SETTID. The first three arguments are
/// in this order on every architecture but s390.
inline pid_t clone(uint64_t flags, int* result) noexcept {
  return static_cast<pid_t>(::syscall(SYS_clone, flags, nullptr, result, nullptr, nullptr));
}

/// execveat(2) of the file that `fd` is.
inline int execve_descriptor(int fd, char* const argv[], char* const envp[]) noexcept {
  return static_cast<int>(::syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH));
}

/// openat2(2).
inline int openat2(int dirfd, const char* path, open_how& how) noexcept {
  return static_cast<int>(::syscall(SYS_openat2, dirfd, path, &how, sizeof how));
}

/// pivot_root(2).
inline int pivot_root(const char* new_root, const char* put_old) noexcept {
  return static_cast<int>(::syscall(SYS_pivot_root, new_root, put_old));
}

/// pidfd_open(2).
inline int pidfd_open(pid_t pid) noexcept { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

/// pidfd_send_signal(2).
inline int pidfd_send_signal(int pidfd, int signal_number) noexcept {
  return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, signal_number, nullptr, 0));
}

}  // namespace myct::sys
