// Linked into myct_faulty only, in place of libc's raise(3). MYCT_KILL_AT calls it in the container's init, which as
// process 1 of its pid namespace the kernel spares from its own SIGKILL (pid_namespaces(7)). So it takes a name that
// says so, and waits for the test to kill it, or its parent, from outside.
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>

extern "C" int raise(int /*number*/) noexcept {
  ::prctl(PR_SET_NAME, "paused");
  for (;;) ::pause();
}
