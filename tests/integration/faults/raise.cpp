// Linked into myct_faulty only, in place of libc's raise(3). MYCT_KILL_AT calls it in the container's init, which as
// process 1 of its pid namespace the kernel spares from its own SIGKILL (pid_namespaces(7)). So it says where it is,
// and waits for the test to kill it, or its parent, from outside.
#include <csignal>

#include <unistd.h>

extern "C" int raise(int /*number*/) noexcept {
  constexpr char kMarker[] = "paused\n";
  if (::write(STDERR_FILENO, kMarker, sizeof kMarker - 1) == -1) ::_exit(99);
  for (;;) ::pause();
}
