// The floor of starting a container: the system calls that it takes, and nothing else.
//
//   floor [--network] [--no-cgroup] --lower DIR --state DIR -- PROGRAM ARG...
//
// Makes STATE/<pid>/{upper,work,merged}; clones into new pid, mount, uts, ipc and cgroup namespaces (and a network
// namespace with --network), in a cgroup of its own where cgroup v2 is there; mounts the overlay, /proc, a read-only
// /sys, /dev with its nodes and pts, mqueue and shm, and cgroup2; pivots; executes PROGRAM; waits, and removes what it
// made. It reads no image, no configuration and no arguments of an inner kind; it masks nothing, drops nothing and
// filters nothing. Nobody can start the same container with less.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static const char* lower;
static const char* state;
static int with_network;
static int with_cgroup = 1;

static void die(const char* what) {
  dprintf(STDERR_FILENO, "floor: %s: %s\n", what, strerror(errno));
  _exit(125);
}

static void check(int result, const char* what) {
  if (result == -1) die(what);
}

static void make_node(const char* path, unsigned minor_number, unsigned major_number) {
  check(mknod(path, S_IFCHR | 0666, makedev(major_number, minor_number)), path);
}

// Relative to the new root, which is the working directory.
static void populate_dev(void) {
  check(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"), "mount dev");
  make_node("dev/null", 3, 1);
  make_node("dev/zero", 5, 1);
  make_node("dev/full", 7, 1);
  make_node("dev/random", 8, 1);
  make_node("dev/urandom", 9, 1);
  make_node("dev/tty", 0, 5);
  check(mkdir("dev/pts", 0755), "dev/pts");
  check(mkdir("dev/shm", 01777), "dev/shm");
  check(mkdir("dev/mqueue", 01777), "dev/mqueue");
  check(symlink("pts/ptmx", "dev/ptmx"), "dev/ptmx");
  check(symlink("/proc/self/fd", "dev/fd"), "dev/fd");
  check(symlink("/proc/self/fd/0", "dev/stdin"), "dev/stdin");
  check(symlink("/proc/self/fd/1", "dev/stdout"), "dev/stdout");
  check(symlink("/proc/self/fd/2", "dev/stderr"), "dev/stderr");
  const unsigned long flags = MS_NOSUID | MS_NOEXEC;
  check(mount("devpts", "dev/pts", "devpts", flags, "newinstance,ptmxmode=0666,mode=0620"), "mount dev/pts");
  check(mount("shm", "dev/shm", "tmpfs", flags | MS_NODEV, "mode=1777,size=65536k"), "mount dev/shm");
  check(mount("mqueue", "dev/mqueue", "mqueue", flags | MS_NODEV, NULL), "mount dev/mqueue");
}

static void run_child(const char* directory, char** argv) {
  char options[4096];
  char merged[1100];
  const unsigned long flags = MS_NOSUID | MS_NOEXEC | MS_NODEV;
  snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s/upper,workdir=%s/work", lower, directory, directory);
  snprintf(merged, sizeof merged, "%s/merged", directory);
  check(sethostname("floor", 5), "sethostname");
  check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "make / private");
  check(mount("overlay", merged, "overlay", 0, options), "mount overlay");
  check(chdir(merged), "chdir");
  check(mount("proc", "proc", "proc", flags, NULL), "mount proc");
  check(mount("sysfs", "sys", "sysfs", flags | MS_RDONLY, NULL), "mount sys");
  if (with_cgroup) check(mount("cgroup2", "sys/fs/cgroup", "cgroup2", flags | MS_RDONLY, NULL), "mount cgroup2");
  populate_dev();
  check((int)syscall(SYS_pivot_root, ".", "."), "pivot_root");
  check(umount2(".", MNT_DETACH), "detach the old root");
  execv(argv[0], argv);
  die(argv[0]);
}

// The mount point of cgroup v2, pure or hybrid.
static const char* cgroup_root(void) {
  if (access("/sys/fs/cgroup/cgroup.procs", F_OK) == 0) return "/sys/fs/cgroup";
  if (access("/sys/fs/cgroup/unified/cgroup.procs", F_OK) == 0) return "/sys/fs/cgroup/unified";
  return NULL;
}

static void make_directories(char* directory, size_t size) {
  char path[1100];
  snprintf(directory, size, "%s/%ld", state, (long)getpid());
  check(mkdir(directory, 0700), directory);
  static const char* const names[] = {"upper", "work", "merged"};
  for (unsigned i = 0; i < 3; ++i) {
    snprintf(path, sizeof path, "%s/%s", directory, names[i]);
    check(mkdir(path, 0755), path);
  }
}

// The program is /bin/true: nothing was written to the upper directory but what the mounts need.
static void remove_directories(const char* directory) {
  char path[1100];
  static const char* const names[] = {"work/work", "work/index", "work", "upper", "merged", ""};
  for (unsigned i = 0; i < sizeof names / sizeof *names; ++i) {
    snprintf(path, sizeof path, "%s/%s", directory, names[i]);
    if (rmdir(path) == -1 && errno != ENOENT) die(path);
  }
}

static void parse_arguments(int argc, char** argv, char*** program) {
  int i = 1;
  for (; i < argc && strcmp(argv[i], "--") != 0; ++i) {
    if (strcmp(argv[i], "--network") == 0)
      with_network = 1;
    else if (strcmp(argv[i], "--no-cgroup") == 0)
      with_cgroup = 0;
    else if (strcmp(argv[i], "--lower") == 0 && i + 1 < argc)
      lower = argv[++i];
    else if (strcmp(argv[i], "--state") == 0 && i + 1 < argc)
      state = argv[++i];
    else
      break;
  }
  if (lower == NULL || state == NULL || i + 1 >= argc) {
    dprintf(STDERR_FILENO, "floor [--network] [--no-cgroup] --lower DIR --state DIR -- PROGRAM ARG...\n");
    _exit(125);
  }
  *program = argv + i + 1;
}

int main(int argc, char** argv) {
  char** program;
  char directory[1024];
  char cgroup[1024];
  int pidfd = -1;
  siginfo_t info = {0};
  parse_arguments(argc, argv, &program);
  make_directories(directory, sizeof directory);

  struct clone_args arguments = {.exit_signal = SIGCHLD, .pidfd = (uint64_t)(uintptr_t)&pidfd};
  arguments.flags = CLONE_PIDFD | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP;
  if (with_network) arguments.flags |= CLONE_NEWNET;
  const char* root = with_cgroup ? cgroup_root() : NULL;
  if (root == NULL) with_cgroup = 0;
  if (with_cgroup) {
    snprintf(cgroup, sizeof cgroup, "%s/floor-%ld", root, (long)getpid());
    check(mkdir(cgroup, 0755), cgroup);
    const int fd = open(cgroup, O_PATH | O_CLOEXEC);
    check(fd, cgroup);
    arguments.cgroup = (uint64_t)fd;
    arguments.flags |= CLONE_INTO_CGROUP;
  }
  const long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
  check((int)pid, "clone3");
  if (pid == 0) run_child(directory, program);
  check(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED), "waitid");
  if (with_cgroup) check(rmdir(cgroup), cgroup);
  remove_directories(directory);
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}
