// What a hostile program with CAP_SYS_PTRACE tries on every process that appears in its pid namespace.
#define _GNU_SOURCE
#include "raid.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kMostPrograms = 200 };

static struct {
  unsigned long secrets;       // a file of the host was opened
  unsigned long descriptors;   // a descriptor of the host's was found
  unsigned long environments;  // a variable of the host's was read
  unsigned long traced;        // a process with more capabilities than ours was traced
  unsigned long tried;         // a process was traced at all
  int programs[kMostPrograms];
  int kept;
} loot;

static int open_of(const char* pid, const char* what, int flags) {
  char path[512];
  snprintf(path, sizeof path, "/proc/%.20s/%.400s", pid, what);
  return open(path, flags | O_CLOEXEC);
}

static ssize_t read_of(const char* pid, const char* what, char* text, size_t size) {
  const int fd = open_of(pid, what, O_RDONLY);
  if (fd < 0) return -1;
  const ssize_t got = read(fd, text, size - 1);
  close(fd);
  text[got < 0 ? 0 : got] = '\0';
  return got;
}

static unsigned long long capability_set(const char* status, const char* name) {
  const char* line = strstr(status, name);
  return line == NULL ? 0 : strtoull(line + strlen(name), NULL, 16);
}

static void steal_secret(const char* pid, const char* secret) {
  char path[400];
  snprintf(path, sizeof path, "root%s", secret);
  const int fd = open_of(pid, path, O_RDONLY);
  if (fd < 0) return;
  loot.secrets++;
  close(fd);
}

/// All above the standard streams but the conversation with myct, which leads to no file, and the program that is about
/// to be executed, which is this one.
static void steal_descriptors(const char* pid, const struct stat* own) {
  const int directory_fd = open_of(pid, "fd", O_RDONLY | O_DIRECTORY);
  if (directory_fd < 0) return;
  DIR* directory = fdopendir(directory_fd);
  if (directory == NULL) {  // it has ended
    close(directory_fd);
    return;
  }
  for (const struct dirent* entry; (entry = readdir(directory)) != NULL;) {
    char target[512] = {0};
    if (atoi(entry->d_name) <= 2) continue;
    if (readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1) < 0) continue;
    struct stat status;
    if (strncmp(target, "socket:", 7) == 0 || fstatat(dirfd(directory), entry->d_name, &status, 0) == -1) continue;
    if (status.st_dev != own->st_dev || status.st_ino != own->st_ino) loot.descriptors++;
  }
  closedir(directory);
}

static void steal_environment(const char* pid) {
  static char text[65536];
  const ssize_t got = read_of(pid, "environ", text, sizeof text);
  if (got > 0 && memmem(text, (size_t)got, "HOST_SECRET", 11) != NULL) loot.environments++;
}

static void keep_program(const char* pid, const struct stat* own) {
  if (loot.kept == kMostPrograms) return;
  const int fd = open_of(pid, "exe", O_RDONLY);
  if (fd < 0) return;
  struct stat status;
  const int foreign = fstat(fd, &status) == 0 && (status.st_dev != own->st_dev || status.st_ino != own->st_ino);
  if (foreign)
    loot.programs[loot.kept++] = fd;
  else
    close(fd);
}

static void trace(const char* pid, unsigned long long own) {
  const pid_t victim = atoi(pid);
  if (ptrace(PTRACE_SEIZE, victim, NULL, NULL) == -1) return;
  loot.tried++;
  char status[4096];
  if (read_of(pid, "status", status, sizeof status) > 0) {
    const unsigned long long theirs = capability_set(status, "CapPrm:") | capability_set(status, "CapEff:") |
                                      capability_set(status, "CapInh:") | capability_set(status, "CapBnd:");
    if ((theirs & ~own) != 0) loot.traced++;
  }
  if (ptrace(PTRACE_INTERRUPT, victim, NULL, NULL) == -1) return;
  if (waitpid(victim, NULL, __WALL) == victim) ptrace(PTRACE_DETACH, victim, NULL, NULL);
}

/// How many of the kept programs can be written to, now that nobody executes them any more.
static int count_writable(void) {
  int writable = 0;
  for (int index = 0; index < loot.kept; index++) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", loot.programs[index]);
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0 || errno != EROFS) writable++;
    if (fd >= 0) close(fd);
  }
  return writable;
}

int raid(const char* what, const char* secret) {
  struct stat own;
  char status[4096];
  if (stat("/proc/self/exe", &own) == -1 || read_of("self", "status", status, sizeof status) <= 0) return 1;
  const unsigned long long capabilities = capability_set(status, "CapBnd:");
  puts("ready");
  fflush(stdout);
  struct pollfd input = {.fd = 0, .events = POLLIN, .revents = 0};
  DIR* directory = opendir("/proc");
  while (poll(&input, 1, 0) == 0) {
    rewinddir(directory);
    for (const struct dirent* entry; (entry = readdir(directory)) != NULL;) {
      const int pid = atoi(entry->d_name);
      if (pid <= 1 || pid == getpid()) continue;
      if (strcmp(what, "trace") == 0) {
        trace(entry->d_name, capabilities);
        continue;
      }
      steal_secret(entry->d_name, secret);
      steal_descriptors(entry->d_name, &own);
      steal_environment(entry->d_name);
      keep_program(entry->d_name, &own);
    }
  }
  closedir(directory);
  if (strcmp(what, "trace") == 0)
    printf("traced %s more-capable %lu\n", loot.tried > 0 ? "some" : "none", loot.traced);
  else
    printf("secrets %lu descriptors %lu environments %lu programs %s writable %d\n", loot.secrets, loot.descriptors,
           loot.environments, loot.kept > 0 ? "some" : "none", count_writable());
  return 0;
}
