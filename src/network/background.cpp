#include "background.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/standard_streams.hpp"

namespace myct::network {

void execute_anew(std::vector<std::string> arguments, std::span<const int> descriptors) noexcept {
  constexpr int kFirst = 3;
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  char* const no_environment[] = {nullptr};
  ::close_range(kFirst, ~0U, CLOSE_RANGE_CLOEXEC);
  const auto keep = [](int descriptor) { return ::fcntl(descriptor, F_SETFD, 0) == 0; };
  if (std::ranges::all_of(descriptors, keep)) ::execve("/proc/self/exe", argv.data(), no_environment);
  ::_exit(kExitOwnFailure);
}

void allow_descriptors(size_t count) noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == -1) return;
  limit.rlim_cur = std::min(limit.rlim_max, std::max<rlim_t>(limit.rlim_cur, count));
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Argument split_argument(std::string_view word) noexcept {
  const size_t equals = std::min(word.find('='), word.size());
  return {.key = word.substr(0, equals), .value = word.substr(std::min(equals + 1, word.size()))};
}

void leave_the_user(const char* process_name) {
  ::prctl(PR_SET_NAME, process_name);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::chdir("/") == -1) throw_errno("change directory to '/'");
  silence_standard_streams();
}

void drop_privileges(uint32_t kept) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> halves{};
  halves[0].effective = halves[0].permitted = kept;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1) throw_errno("forbid new privileges");
  if (::syscall(SYS_capset, &header, halves.data()) == -1) throw_errno("drop capabilities");
}

}  // namespace myct::network
