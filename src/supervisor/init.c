// The init for --init: process 1 of the container, which starts the program, passes signals on to it, and reaps what
// it and its children leave behind. Modelled on what an init must do and nothing more (see tini(1), catatonit(1)).
//
// Built as a static binary without a dynamic loader, because it runs in any image. Usage: init -- PROGRAM [ARG...]
// Exit status: the program's own, or 128 + n when signal n killed it; 126 and 127 as a shell.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char* program, int errnum) {
  const char* parts[] = {"myct: run '", program, "': ", strerror(errnum), "\n"};
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
    if (write(STDERR_FILENO, parts[i], strlen(parts[i])) < 0) return;
}

static void run_program(char** argv, const sigset_t* mask) {
  // A process group of its own, in the foreground: Ctrl-C on the terminal goes to the program directly.
  setpgid(0, 0);
  if (isatty(STDIN_FILENO)) {
    // This process is in the background until the call has worked; SIGTTOU, which would stop it, is blocked.
    tcsetpgrp(STDIN_FILENO, getpgrp());
  }
  sigprocmask(SIG_SETMASK, mask, NULL);
  execvp(argv[0], argv);
  const int errnum = errno;
  say(argv[0], errnum);
  _exit(errnum == ENOENT ? 127 : 126);
}

static int status_of(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

/// Reaps everything that has ended. The program's exit status when it was among them, else -1.
static int reap(pid_t program) {
  int status;
  int result = -1;
  for (;;) {
    const pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return result;
    if (pid == program) result = status_of(status);
  }
}

int main(int argc, char** argv) {
  sigset_t all;
  sigset_t before;
  // Before anything else, so that no signal is lost; they are taken one at a time below.
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  if (argc < 3 || strcmp(argv[1], "--") != 0) {
    say("(nothing)", EINVAL);
    return 125;
  }
  const pid_t program = fork();
  if (program == -1) {
    say(argv[2], errno);
    return 125;
  }
  if (program == 0) run_program(argv + 2, &before);
  for (;;) {
    siginfo_t info;
    const int number = sigwaitinfo(&all, &info);
    if (number == -1) continue;
    if (number != SIGCHLD) {
      kill(program, number);
      continue;
    }
    const int status = reap(program);
    if (status >= 0) return status;
  }
}
