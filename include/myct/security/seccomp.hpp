// Seccomp: from an OCI profile to a BPF program, and installing it. See seccomp(2), seccomp_rule_add(3).
//
// Compiling takes a millisecond and happens in the parent; the result is kept in a cache directory, because nearly
// every container has the same profile.
#pragma once

#include <linux/filter.h>

#include <span>
#include <string>
#include <vector>

#include "myct/base/fd.hpp"

namespace myct::oci {
struct Seccomp;
}

namespace myct::security {

/// The profile as a BPF program. Names of system calls and architectures that are not known here are ignored, as the
/// OCI specification wants it. When the default action refuses, a system call whose number is above all those
/// that the profile names gets ENOSYS instead: programs then fall back as on an older kernel, where EPERM would
/// make them give up. Throws Error{Invalid} on an unknown action or operator, naming it.
[[nodiscard]] std::vector<sock_filter> compile_seccomp(const oci::Seccomp& profile);

/// The same from `cache_directory`, or compiled and put there for the next time. The directory is made (0700) when
/// missing. A file that is truncated, damaged or not ours is replaced; a cache that cannot be written is
/// no error. Throws as compile_seccomp.
[[nodiscard]] std::vector<sock_filter> load_or_compile_seccomp(const oci::Seccomp& profile,
                                                               const std::string& cache_directory);

/// The profile's flags as SECCOMP_FILTER_FLAG_* for install_seccomp; without any, SPEC_ALLOW, as runc does it (the
/// mitigation of speculative store bypass would cost far more than it protects). Throws Error{Invalid} on an
/// unknown flag.
[[nodiscard]] unsigned seccomp_flags(const oci::Seccomp& profile);

/// The flags that a profile may have.
[[nodiscard]] std::vector<std::string> known_seccomp_flags();

/// Whether system calls are left to somebody's judgement (SCMP_ACT_NOTIFY).
[[nodiscard]] bool notifies(const oci::Seccomp& profile);

/// As install_seccomp(), and returns the descriptor that tells of these calls (seccomp_unotify(2)).
[[nodiscard]] Fd install_seccomp_listener(std::span<const sock_filter> program, unsigned flags);

/// Filters this thread's system calls from now on, irrevocably and across execve. Needs CAP_SYS_ADMIN in its user
/// namespace or no_new_privs. Runs in the child; throws Error.
void install_seccomp(std::span<const sock_filter> program, unsigned flags);

}  // namespace myct::security
