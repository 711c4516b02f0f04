// The default policy's effect: a child installs the filter and makes system calls.

#include "myct/security/seccomp_default.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <optional>

#include "myct/base/error.hpp"
#include "myct/security/seccomp.hpp"

namespace myct::security {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

constexpr int kCannotInstall = 255;
constexpr SeccompTarget kX86{.architecture = "SCMP_ARCH_X86_64", .kernel_major = 6, .kernel_minor = 1};

struct SystemCall {
  const char* name;
  long number;
  std::array<long, 5> arguments;
  int expected;  ///< errno, or 0
};

long address(const char* text) { return reinterpret_cast<long>(text); }

/// The errno of the call under `program`, or 0. Negative when the child ended otherwise.
int errno_under(const std::vector<sock_filter>& program, const SystemCall& call) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
      install_seccomp(program, 0);
    } catch (const Error&) {
      ::_exit(kCannotInstall);
    }
    const auto& a = call.arguments;
    const long result = ::syscall(call.number, a[0], a[1], a[2], a[3], a[4]);
    ::_exit(result == -1 ? errno : 0);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

void expect_answers(CapabilitySet bounding, std::initializer_list<SystemCall> calls) {
  const std::vector<sock_filter> program = compile_seccomp(default_seccomp(bounding));
  for (const SystemCall& call : calls) EXPECT_EQ(errno_under(program, call), call.expected) << call.name;
}

TEST(DefaultSeccomp, lets_ordinary_calls_through) {
  expect_answers(kDockerDefaultCapabilities, {{"openat", SYS_openat, {AT_FDCWD, address("/dev/null"), O_RDONLY}, 0},
                                              {"clone without namespaces", SYS_clone, {SIGCHLD}, 0},
                                              {"socket AF_INET", SYS_socket, {AF_INET, SOCK_STREAM}, 0},
                                              {"socket AF_UNIX", SYS_socket, {AF_UNIX, SOCK_STREAM}, 0},
                                              {"personality, asking", SYS_personality, {0xffffffff}, 0},
                                              {"chroot", SYS_chroot, {address("/nonexistent")}, ENOENT},
                                              {"getrandom", SYS_getrandom, {0, 0, 0}, 0}});
}

TEST(DefaultSeccomp, refuses_what_docker_refuses) {
  expect_answers(kDockerDefaultCapabilities,
                 {{"keyctl", SYS_keyctl, {}, EPERM},
                  {"add_key", SYS_add_key, {}, EPERM},
                  {"request_key", SYS_request_key, {}, EPERM},
                  {"kexec_load", SYS_kexec_load, {}, EPERM},
                  {"io_uring_setup", SYS_io_uring_setup, {}, EPERM},
                  {"userfaultfd", SYS_userfaultfd, {}, EPERM},
                  {"pivot_root", SYS_pivot_root, {address("/nonexistent"), address("/nonexistent")}, EPERM},
                  {"bpf", SYS_bpf, {-1}, EPERM},
                  {"mount", SYS_mount, {address("none"), address("/nonexistent"), address("tmpfs")}, EPERM},
                  {"unshare a user namespace", SYS_unshare, {CLONE_NEWUSER}, EPERM},
                  {"clone with a user namespace", SYS_clone, {CLONE_NEWUSER | SIGCHLD}, EPERM},
                  {"clone with a mount namespace", SYS_clone, {CLONE_NEWNS | SIGCHLD}, EPERM},
                  {"socket AF_ALG", SYS_socket, {AF_ALG, SOCK_SEQPACKET}, EPERM},
                  {"socket AF_VSOCK", SYS_socket, {AF_VSOCK, SOCK_STREAM}, EPERM},
                  {"personality ADDR_NO_RANDOMIZE", SYS_personality, {ADDR_NO_RANDOMIZE}, EPERM}});
}

TEST(DefaultSeccomp, pretends_that_clone3_and_newer_calls_do_not_exist) {
  constexpr long kNoSuchCall = 100000;
  expect_answers(kDockerDefaultCapabilities, {{"clone3", SYS_clone3, {}, ENOSYS},
                                              {"newer than the policy", kNoSuchCall, {}, ENOSYS},
                                              {"x32 and newer", 0x40000000 + kNoSuchCall, {}, ENOSYS}});
}

TEST(DefaultSeccomp, knows_calls_that_libseccomp_does_not) {
  constexpr long kFchmodat2 = 452;
  const SystemCall call{"fchmodat2", kFchmodat2, {AT_FDCWD, address("/nonexistent"), 0, 0}, 0};
  const int answer = errno_under({BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}, call);
  if (answer == ENOSYS) GTEST_SKIP() << "this kernel lacks fchmodat2";
  EXPECT_EQ(errno_under(compile_seccomp(default_seccomp(kDockerDefaultCapabilities)), call), ENOENT);
}

TEST(DefaultSeccomp, opens_with_sys_admin_what_needs_sys_admin) {
  expect_answers(CapabilitySet{}.add(CAP_SYS_ADMIN),
                 {{"mount", SYS_mount, {address("none"), address("/nonexistent"), address("tmpfs")}, ENOENT},
                  {"umount2", SYS_umount2, {address("/nonexistent")}, ENOENT},
                  {"clone3", SYS_clone3, {}, EINVAL},
                  {"setns", SYS_setns, {-1}, EBADF},
                  {"keyctl", SYS_keyctl, {}, EPERM}});
}

std::vector<std::string> plain_names(CapabilitySet bounding, const SeccompTarget& target) {
  return default_seccomp(bounding, target).syscalls.front().names;
}

TEST(DefaultSeccomp, depends_on_capabilities_kernel_and_machine) {
  EXPECT_THAT(plain_names({}, kX86), Not(Contains("chroot")));
  EXPECT_THAT(plain_names(CapabilitySet{}.add(CAP_SYS_CHROOT), kX86), Contains("chroot"));
  EXPECT_THAT(plain_names({}, kX86), Contains("ptrace"));
  EXPECT_THAT(plain_names({}, {"SCMP_ARCH_X86_64", 4, 7}), Not(Contains("ptrace")));
  EXPECT_THAT(plain_names(CapabilitySet{}.add(CAP_SYS_PTRACE), {"SCMP_ARCH_X86_64", 4, 7}), Contains("ptrace"));
  EXPECT_THAT(plain_names({}, kX86), Contains("arch_prctl"));
  EXPECT_THAT(plain_names({}, {"SCMP_ARCH_AARCH64", 6, 1}), Not(Contains("arch_prctl")));
}

TEST(DefaultSeccomp, covers_all_architectures_that_the_machine_runs) {
  EXPECT_THAT(default_seccomp({}, kX86).architectures,
              ElementsAre("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"));
  EXPECT_THAT(default_seccomp({}, {"SCMP_ARCH_AARCH64", 6, 1}).architectures,
              ElementsAre("SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"));
  EXPECT_FALSE(running_machine().architecture.empty());
  EXPECT_GE(running_machine().kernel_major, 4U);
}

TEST(DefaultSeccomp, looks_at_the_second_argument_of_clone_on_s390) {
  const auto index_of_flags = [](const SeccompTarget& target) -> std::optional<uint32_t> {
    for (const oci::SeccompRule& rule : default_seccomp({}, target).syscalls)
      if (rule.names.front() == "clone") return rule.args.front().index;
    return std::nullopt;
  };
  EXPECT_EQ(index_of_flags(kX86), 0U);
  EXPECT_EQ(index_of_flags({"SCMP_ARCH_S390X", 6, 1}), 1U);
}

}  // namespace
}  // namespace myct::security
