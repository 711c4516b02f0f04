// The least that ending a program takes: SIGKILL, and waiting until the kernel is done with it. bench/run subtracts it
// from what `rm -f` takes. The argument is a file that holds the process's number.
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void fail(const char* what) {
  perror(what);
  exit(1);
}

int main(int argc, char** argv) {
  FILE* file = argc == 2 ? fopen(argv[1], "r") : NULL;
  int pid = 0;
  if (file == NULL || fscanf(file, "%d", &pid) != 1 || pid <= 1) fail("read the process's number");
  const int process = (int)syscall(SYS_pidfd_open, pid, 0);
  if (process == -1) fail("open the process");
  if (syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0) == -1) fail("kill the process");
  struct pollfd end = {.fd = process, .events = POLLIN};
  if (poll(&end, 1, 10000) != 1) fail("wait for the process");
  return 0;
}
