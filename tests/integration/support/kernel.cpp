#include "kernel.hpp"

#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace myct::test {

std::function<void()> without_calls(std::vector<int> numbers, int errnum) {
  std::vector<sock_filter> program;
  program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (const int number : numbers) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(number), 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(errnum)));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  return [program]() mutable {
    const sock_fprog filter{.len = static_cast<unsigned short>(program.size()), .filter = program.data()};
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == -1) ::_exit(96);
  };
}

std::function<void()> without_capability(int capability) {
  return [capability] {
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == -1) ::_exit(96);
  };
}

std::function<void()> as_nobody() {
  return [] {
    constexpr unsigned kNobody = 65534;
    if (::setgroups(0, nullptr) == -1 || ::setresgid(kNobody, kNobody, kNobody) == -1 ||
        ::setresuid(kNobody, kNobody, kNobody) == -1)
      ::_exit(96);
  };
}

void run_as_nobody(Command& command, const std::string& copy) {
  std::filesystem::copy_file(command.argv.front(), copy);
  command.argv.front() = copy;
  command.before_exec = as_nobody();
}

}  // namespace myct::test
