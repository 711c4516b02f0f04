// Answers questions from inside a container, one line each, so that tests need not trust an image's own tools.
//
//   exit N          exits with status N
//   die N           ends by signal N's own cause where it has one (SEGV, ILL, FPE, ABRT, ...), else by kill(2)
//   descriptors     "N TARGET" for each open descriptor
//   signals N       prints "ready", then each of N signals by number as it comes
//   ignored         the numbers of the signals that are ignored or blocked
//   resized         prints "ready", then "ROWS COLUMNS" after SIGWINCH
//   terminal        session leader?, foreground?, controlling terminal's name
//   call NAME       makes the system call and prints "ok" or errno's name
//   zombies N       leaves N orphans to process 1, and prints how many zombies are left when all have ended
//   write N         writes N bytes
//   count           counts the bytes on standard input
//   hold            prints "ready", then sleeps until killed; "continued" whenever it is
//   device PATH     "c MAJOR:MINOR MODE" or "b …"
//   rlimit N        "SOFT HARD" of resource number N
//   allocate        uses one MiB of memory after the other, and prints how many each time
//   fork            makes processes that sleep until no more can be made, and prints how many and errno's name
//   fill N          uses N MiB of memory, prints "ready", and sleeps until killed
//   bomb            prints "ready", then makes processes that do the same until killed
//   write_through PATH N  writes N MiB to a file, past the page cache, and prints how many milliseconds it took
//   read_through PATH N   reads them so; write_blocks, read_blocks: N blocks of 4 KiB, one at a time
//   spin            prints "ready", then computes in two processes until killed
//   affinity        the processors that it may run on, as the kernel lists them
//   disk MAJOR MINOR  makes a node for that disk where it is of use, opens it, and prints "ok" or errno's name
//   swap A B        prints "ready", then exchanges the two names again and again until killed
//   spy             prints "ready", then tries what others execute and have open until its input ends: "refused
//   some|none read N"
//   raid WHAT PATH  "open": prints "ready", then opens what others have and are through /proc, and PATH in their roots,
//                   until its input ends; "trace": traces them
//   datagram PORT   prints "ready", then what the first datagram to that port holds, and sends it back
//   echo PORT       see echo.h
//   sctp_echo PORT, sctp_ask ADDRESS PORT   see sctp.h
//   arguments WORD… each argument on a line
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "echo.h"
#include "greed.h"
#include "raid.h"
#include "sctp.h"

static void say_continued(int number) {
  static const char text[] = "continued\n";
  (void)number;
  if (write(1, text, sizeof text - 1) < 0) _exit(1);
}

static void say(const char* text) {
  puts(text);
  fflush(stdout);
}

static int die(int number) {
  signal(number, SIG_DFL);
  // Process 1 of a pid namespace is spared its own kill(2), but not its own faults (pid_namespaces(7)).
  volatile int zero = 0;
  switch (number) {
    case SIGSEGV:
      // A page that may not be read, which the compiler cannot know.
      return *(volatile int*)(uintptr_t)(4096 * (zero + 1));
    case SIGILL:
      __asm__ volatile("ud2");
      break;
    case SIGFPE:
      return 42 / zero;  // 1 / x is computed without dividing
    case SIGTRAP:
      __asm__ volatile("int3");
      break;
    default:
      kill(getpid(), number);
  }
  return 0;
}

static int list_descriptors(void) {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == NULL) return 1;
  for (const struct dirent* entry; (entry = readdir(directory)) != NULL;) {
    if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(directory)) continue;
    char target[4096];
    const ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);
    target[length < 0 ? 0 : length] = '\0';
    printf("%s %s\n", entry->d_name, target);
  }
  return 0;
}

static int print_signals(int count) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  say("ready");
  for (int i = 0; i < count; i++) {
    const int number = sigwaitinfo(&all, NULL);
    printf("%d\n", number);
    fflush(stdout);
  }
  return 0;
}

static int print_ignored(void) {
  sigset_t blocked;
  sigprocmask(SIG_SETMASK, NULL, &blocked);
  for (int number = 1; number <= 64; number++) {
    struct sigaction action;
    if (sigaction(number, NULL, &action) == -1) continue;
    if (action.sa_handler == SIG_IGN) printf("ignored %d\n", number);
    if (sigismember(&blocked, number) == 1) printf("blocked %d\n", number);
  }
  return 0;
}

static int print_resize(void) {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGWINCH);
  sigprocmask(SIG_BLOCK, &wanted, NULL);
  struct winsize before;
  ioctl(0, TIOCGWINSZ, &before);
  printf("ready %d %d\n", before.ws_row, before.ws_col);
  fflush(stdout);
  sigwaitinfo(&wanted, NULL);
  struct winsize size;
  if (ioctl(0, TIOCGWINSZ, &size) == -1) return 1;
  printf("now %d %d\n", size.ws_row, size.ws_col);
  return 0;
}

static int print_terminal(void) {
  const int fd = open("/dev/tty", O_RDWR);
  printf("controlling %s\n", fd >= 0 ? "yes" : strerror(errno));
  printf("leader %s\n", getsid(0) == getpid() ? "yes" : "no");
  printf("foreground %s\n", tcgetpgrp(0) == getpgrp() ? "yes" : "no");
  for (int stream = 0; stream < 3; stream++) {
    const char* name = ttyname(stream);
    printf("%d %s\n", stream, name != NULL ? name : "not a terminal");
  }
  return 0;
}

static long call_by_name(const char* name) {
  char attributes[256] = {0};
  if (strcmp(name, "keyctl") == 0) return syscall(SYS_keyctl, 0 /* get id */, -3 /* session */, 0);
  if (strcmp(name, "add_key") == 0) return syscall(SYS_add_key, "user", "x", "y", 1, -3);
  if (strcmp(name, "unshare-user") == 0) return unshare(CLONE_NEWUSER);
  if (strcmp(name, "unshare-mount") == 0) return unshare(CLONE_NEWNS);
  if (strcmp(name, "mount") == 0) return mount("none", "/tmp", "tmpfs", 0, NULL);
  if (strcmp(name, "clone3") == 0) return syscall(SYS_clone3, attributes, (size_t)0);
  if (strcmp(name, "io_uring_setup") == 0) return syscall(SYS_io_uring_setup, 1, attributes);
  if (strcmp(name, "bpf") == 0) return syscall(SYS_bpf, 0, attributes, (size_t)sizeof attributes);
  if (strcmp(name, "af_alg") == 0) return socket(AF_ALG, SOCK_SEQPACKET, 0);
  if (strcmp(name, "af_vsock") == 0) return socket(AF_VSOCK, SOCK_STREAM, 0);
  if (strcmp(name, "af_inet") == 0) return socket(AF_INET, SOCK_STREAM, 0);
  if (strcmp(name, "raw_socket") == 0) return socket(AF_INET, SOCK_RAW, 1);
  if (strcmp(name, "userfaultfd") == 0) return syscall(SYS_userfaultfd, 0);
  if (strcmp(name, "kexec_load") == 0) return syscall(SYS_kexec_load, 0, 0, NULL, 0);
  if (strcmp(name, "reboot") == 0) return syscall(SYS_reboot, 0, 0, 0, NULL);
  if (strcmp(name, "init_module") == 0) return syscall(SYS_init_module, NULL, 0, "");
  if (strcmp(name, "settimeofday") == 0) return syscall(SYS_settimeofday, NULL, NULL);
  if (strcmp(name, "ptrace") == 0) return syscall(SYS_ptrace, 0 /* traceme */, 0, 0, 0);
  if (strcmp(name, "personality") == 0) return syscall(SYS_personality, 0x0040000 /* no randomize */);
  if (strcmp(name, "chroot") == 0) return chroot("/");
  if (strcmp(name, "mknod") == 0) return mknod("/tmp/probe-null", S_IFCHR | 0600, makedev(1, 3));
  if (strcmp(name, "sethostname") == 0) return sethostname("probe", 5);
  if (strcmp(name, "open_by_handle_at") == 0) return syscall(SYS_open_by_handle_at, -1, attributes, 0);
  errno = EINVAL;
  fprintf(stderr, "probe: no call '%s'\n", name);
  exit(2);
}

static int call(const char* name) {
  if (call_by_name(name) >= 0) {
    say("ok");
    return 0;
  }
  switch (errno) {
    case EPERM:
      say("EPERM");
      return 0;
    case ENOSYS:
      say("ENOSYS");
      return 0;
    case EACCES:
      say("EACCES");
      return 0;
    default:
      printf("errno %d\n", errno);
      return 0;
  }
}

/// Zombies in this pid namespace.
static int count_zombies(void) {
  int zombies = 0;
  DIR* directory = opendir("/proc");
  for (const struct dirent* entry; (entry = readdir(directory)) != NULL;) {
    if (atoi(entry->d_name) == 0) continue;
    char path[300];
    char text[512] = {0};
    snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
    const int fd = open(path, O_RDONLY);
    if (fd < 0) continue;
    if (read(fd, text, sizeof text - 1) > 0) {
      const char* close_paren = strrchr(text, ')');
      if (close_paren != NULL && close_paren[2] == 'Z') zombies++;
    }
    close(fd);
  }
  closedir(directory);
  return zombies;
}

static int leave_orphans(int count) {
  int alive[2];
  if (pipe(alive) == -1) return 1;
  for (int i = 0; i < count; i++) {
    const pid_t middle = fork();
    if (middle == 0) {
      if (fork() == 0) {
        close(alive[0]);
        // Ends when its parent has, so that nobody but process 1 can reap it.
        while (getppid() != 1) sched_yield();
        _exit(0);
      }
      _exit(0);
    }
    waitpid(middle, NULL, 0);
  }
  close(alive[1]);
  char byte;
  while (read(alive[0], &byte, 1) > 0) {
  }
  // All have ended; process 1 is given the time it needs to reap them, if it does.
  int zombies = count_zombies();
  for (int tries = 0; zombies > 0 && tries < 200; tries++) {
    poll(NULL, 0, 5);
    zombies = count_zombies();
  }
  printf("%d\n", zombies);
  return 0;
}

static int write_bytes(unsigned long long count) {
  static char buffer[65536];
  while (count > 0) {
    const size_t piece = count < sizeof buffer ? (size_t)count : sizeof buffer;
    const ssize_t written = write(1, buffer, piece);
    if (written < 0) return 1;
    count -= (unsigned long long)written;
  }
  return 0;
}

static int count_bytes(void) {
  static char buffer[65536];
  unsigned long long count = 0;
  ssize_t got;
  while ((got = read(0, buffer, sizeof buffer)) > 0) count += (unsigned long long)got;
  printf("%llu\n", count);
  return got < 0 ? 1 : 0;
}

static int print_device(const char* path) {
  struct stat status;
  if (stat(path, &status) == -1) {
    printf("%s: %s\n", path, strerror(errno));
    return 1;
  }
  printf("%c %u:%u %o\n",
         S_ISCHR(status.st_mode)   ? 'c'
         : S_ISBLK(status.st_mode) ? 'b'
                                   : '?',
         major(status.st_rdev), minor(status.st_rdev), status.st_mode & 07777U);
  return 0;
}

static int swap(const char* a, const char* b) {
  const unsigned exchange = 2;  // RENAME_EXCHANGE of linux/fs.h
  say("ready");
  for (;;)
    if (syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, exchange) == -1) return 1;
}

/// Descriptors of another process that can be followed and that no program that was started properly has: above the
/// standard streams. To know their numbers is nothing.
static int count_foreign_descriptors(const char* pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%.20s/fd", pid);
  DIR* directory = opendir(path);
  if (directory == NULL) return 0;
  int found = 0;
  for (const struct dirent* entry; (entry = readdir(directory)) != NULL;)
    if (atoi(entry->d_name) > 2 && readlinkat(dirfd(directory), entry->d_name, path, sizeof path) >= 0) found++;
  closedir(directory);
  return found;
}

/// 1 when it is a program of another file than ours, and could be opened; 0 when it is ours; -1 when it was refused.
static int open_foreign_program(const char* pid, const struct stat* own) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%.20s/exe", pid);
  const int fd = open(path, O_RDONLY);
  if (fd < 0) return errno == EACCES || errno == EPERM ? -1 : 0;
  struct stat status;
  const int foreign = fstat(fd, &status) == 0 && (status.st_dev != own->st_dev || status.st_ino != own->st_ino);
  close(fd);
  return foreign;
}

static int spy(void) {
  struct stat own;
  if (stat("/proc/self/exe", &own) == -1) return 1;
  unsigned long refused = 0;
  unsigned long got = 0;
  say("ready");
  struct pollfd input = {.fd = 0, .events = POLLIN, .revents = 0};
  while (poll(&input, 1, 0) == 0) {
    DIR* directory = opendir("/proc");
    for (const struct dirent* entry; (entry = readdir(directory)) != NULL;) {
      const int pid = atoi(entry->d_name);
      if (pid <= 1 || pid == getpid()) continue;
      const int program = open_foreign_program(entry->d_name, &own);
      if (program < 0) refused++;
      if (program > 0 || count_foreign_descriptors(entry->d_name) > 0) got++;
    }
    closedir(directory);
  }
  printf("refused %s read %lu\n", refused > 0 ? "some" : "none", got);
  return 0;
}

static int print_rlimit(int resource) {
  struct rlimit limit;
  if (getrlimit(resource, &limit) == -1) return 1;
  printf("%llu %llu\n", (unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max);
  return 0;
}

static int answer_datagram(int port) {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  struct sockaddr_in sender;
  socklen_t size = sizeof sender;
  char text[256];
  if (bind(fd, (const struct sockaddr*)&name, sizeof name) == -1) return 1;
  say("ready");
  const ssize_t got = recvfrom(fd, text, sizeof text - 1, 0, (struct sockaddr*)&sender, &size);
  if (got == -1) return 1;
  text[got] = '\0';
  say(text);
  return sendto(fd, text, (size_t)got, 0, (const struct sockaddr*)&sender, size) == got ? 0 : 1;
}

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  const char* word = argc > 2 ? argv[2] : "0";
  if (strcmp(what, "exit") == 0) return atoi(word);
  if (strcmp(what, "die") == 0) return die(atoi(word));
  if (strcmp(what, "descriptors") == 0) return list_descriptors();
  if (strcmp(what, "signals") == 0) return print_signals(atoi(word));
  if (strcmp(what, "ignored") == 0) return print_ignored();
  if (strcmp(what, "resized") == 0) return print_resize();
  if (strcmp(what, "terminal") == 0) return print_terminal();
  if (strcmp(what, "call") == 0) return call(word);
  if (strcmp(what, "zombies") == 0) return leave_orphans(atoi(word));
  if (strcmp(what, "write") == 0) return write_bytes(strtoull(word, NULL, 10));
  if (strcmp(what, "count") == 0) return count_bytes();
  if (strcmp(what, "device") == 0) return print_device(word);
  if (strcmp(what, "rlimit") == 0) return print_rlimit(atoi(word));
  if (strcmp(what, "datagram") == 0) return answer_datagram(atoi(word));
  if (strcmp(what, "echo") == 0) return echo(atoi(word));
  if (strcmp(what, "sctp_echo") == 0) return sctp_echo(atoi(word));
  if (strcmp(what, "sctp_ask") == 0 && argc == 4) return sctp_ask(argv[2], atoi(argv[3]));
  if (strcmp(what, "spy") == 0) return spy();
  if (strcmp(what, "raid") == 0 && argc == 4) return raid(argv[2], argv[3]);
  if (strcmp(what, "swap") == 0 && argc == 4) return swap(argv[2], argv[3]);
  if (strcmp(what, "allocate") == 0) return allocate();
  if (strcmp(what, "fork") == 0) return fork_until_refused();
  if (strcmp(what, "write_through") == 0 && argc == 4) return write_through(argv[2], (unsigned)atoi(argv[3]));
  if (strcmp(what, "write_blocks") == 0 && argc == 4) return write_blocks(argv[2], (unsigned)atoi(argv[3]));
  if (strcmp(what, "read_through") == 0 && argc == 4) return read_through(argv[2], (unsigned)atoi(argv[3]));
  if (strcmp(what, "read_blocks") == 0 && argc == 4) return read_blocks(argv[2], (unsigned)atoi(argv[3]));
  if (strcmp(what, "fill") == 0) return fill((unsigned)atoi(word));
  if (strcmp(what, "bomb") == 0) return fork_bomb();
  if (strcmp(what, "affinity") == 0) return print_affinity();
  if (strcmp(what, "disk") == 0 && argc == 4) return open_disk((unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]));
  if (strcmp(what, "spin") == 0) return spin();
  if (strcmp(what, "arguments") == 0) {
    for (int i = 2; i < argc; i++) say(argv[i]);
    return 0;
  }
  if (strcmp(what, "hold") == 0) {
    signal(SIGCONT, say_continued);
    say("ready");
    for (;;) pause();
  }
  fprintf(stderr, "probe: unknown question '%s'\n", what);
  return 2;
}
