#include "myct/security/seccomp.hpp"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "myct/base/error.hpp"
#include "myct/spec/runtime_spec.hpp"

namespace myct::security {
namespace {

struct Flag {
  std::string_view name;
  unsigned value;
};
constexpr std::array<Flag, 4> kFlags = {{
    {"SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC},
    {"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
    {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 1U << 5},  // since Linux 5.19
}};

unsigned parse_flag(const std::string& name) {
  for (const Flag& flag : kFlags)
    if (flag.name == name) return flag.value;
  throw_error(ErrorKind::Invalid, "unknown seccomp flag '{}'", name);
}

long install(std::span<const sock_filter> program, unsigned flags) {
  // The kernel only reads the program; its structure lacks the const.
  const sock_fprog argument{.len = static_cast<unsigned short>(program.size()),
                            .filter = const_cast<sock_filter*>(program.data())};
  const long result = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &argument);
  if (result == -1) throw_errno("install the seccomp filter");
  return result;
}

}  // namespace

unsigned seccomp_flags(const oci::Seccomp& profile) {
  if (profile.flags.empty()) return SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  unsigned flags = 0;
  for (const std::string& name : profile.flags) flags |= parse_flag(name);
  return flags;
}

std::vector<std::string> known_seccomp_flags() {
  std::vector<std::string> names;
  for (const Flag& flag : kFlags) names.emplace_back(flag.name);
  return names;
}

bool notifies(const oci::Seccomp& profile) {
  const auto is_notify = [](const std::string& action) { return action == "SCMP_ACT_NOTIFY"; };
  return is_notify(profile.default_action) ||
         std::ranges::any_of(profile.syscalls, is_notify, &oci::SeccompRule::action);
}

Fd install_seccomp_listener(std::span<const sock_filter> program, unsigned flags) {
  // With TSYNC the result would be a thread's number where it fails (seccomp(2)).
  if ((flags & SECCOMP_FILTER_FLAG_TSYNC) != 0) flags |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
  return Fd(static_cast<int>(install(program, flags | SECCOMP_FILTER_FLAG_NEW_LISTENER)));
}

void install_seccomp(std::span<const sock_filter> program, unsigned flags) {
  const long result = install(program, flags);
  // With TSYNC: the thread that could not follow (seccomp(2)).
  if (result > 0) throw_error(ErrorKind::System, "install the seccomp filter: thread {} cannot follow", result);
}

}  // namespace myct::security
