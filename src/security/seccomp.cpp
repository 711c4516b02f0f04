#include "myct/security/seccomp.hpp"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

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
constexpr std::array<Flag, 3> kFlags = {{
    {"SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC},
    {"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
}};

unsigned parse_flag(const std::string& name) {
  for (const Flag& flag : kFlags)
    if (flag.name == name) return flag.value;
  if (name == "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV")
    throw_error(ErrorKind::Unsupported, "seccomp flag {} is not supported", name);
  throw_error(ErrorKind::Invalid, "unknown seccomp flag '{}'", name);
}

}  // namespace

unsigned seccomp_flags(const oci::Seccomp& profile) {
  if (profile.flags.empty()) return SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  unsigned flags = 0;
  for (const std::string& name : profile.flags) flags |= parse_flag(name);
  return flags;
}

void install_seccomp(std::span<const sock_filter> program, unsigned flags) {
  // The kernel only reads the program; its structure lacks the const.
  const sock_fprog argument{.len = static_cast<unsigned short>(program.size()),
                            .filter = const_cast<sock_filter*>(program.data())};
  const long result = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &argument);
  if (result == -1) throw_errno("install the seccomp filter");
  // With TSYNC: the thread that could not follow (seccomp(2)).
  if (result > 0) throw_error(ErrorKind::System, "install the seccomp filter: thread {} cannot follow", result);
}

}  // namespace myct::security
