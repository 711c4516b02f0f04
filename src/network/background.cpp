#include "background.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"

namespace myct::network {

void leave_the_user(const char* process_name) {
  ::prctl(PR_SET_NAME, process_name);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::chdir("/") == -1) throw_errno("change directory to '/'");
  const Fd null = open_path("/dev/null", O_RDWR);
  for (int stream = 0; stream < 3; ++stream)
    if (::dup2(null.get(), stream) == -1) throw_errno("close the standard streams");
}

void drop_privileges(uint32_t kept) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> halves{};
  halves[0].effective = halves[0].permitted = kept;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1) throw_errno("forbid new privileges");
  if (::syscall(SYS_capset, &header, halves.data()) == -1) throw_errno("drop capabilities");
}

}  // namespace myct::network
