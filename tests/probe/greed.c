// Programs that take all they can get of one thing.
#define _GNU_SOURCE
#include "greed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

int allocate(void) {
  for (unsigned count = 1;; count++) {
    char* const block = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) return 1;
    for (unsigned at = 0; at < 1 << 20; at += 4096) block[at] = (char)count;
    printf("%u\n", count);
    fflush(stdout);
  }
}

int fork_until_refused(void) {
  for (unsigned count = 0;; count++) {
    const pid_t pid = fork();
    if (pid == 0) {
      // Whoever reads what this program prints must not wait for those that it leaves behind.
      close(STDOUT_FILENO);
      close(STDERR_FILENO);
      for (;;) pause();
    }
    if (pid > 0) continue;
    printf("%u %s\n", count, errno == EAGAIN ? "EAGAIN" : strerror(errno));
    return 0;
  }
}

int fill(unsigned mebibytes) {
  const size_t size = (size_t)mebibytes << 20;
  char* const block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) return 1;
  for (size_t at = 0; at < size; at += 4096) block[at] = 1;
  puts("ready");
  fflush(stdout);
  for (;;) pause();
}

int fork_bomb(void) {
  puts("ready");
  fflush(stdout);
  for (;;) fork();
}

/// Milliseconds for so many blocks, one after the other, past the page cache; -1 when it cannot be done.
static long transfer(const char* path, int flags, unsigned blocks, size_t size) {
  static char block[1 << 20] __attribute__((aligned(4096)));
  struct timespec begin, end;
  const int fd = open(path, flags | O_DIRECT, 0644);
  if (fd == -1) return -1;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (unsigned i = 0; i < blocks; i++) {
    const ssize_t done = (flags & O_WRONLY) != 0 ? write(fd, block, size) : read(fd, block, size);
    if (done != (ssize_t)size) return -1;
  }
  clock_gettime(CLOCK_MONOTONIC, &end);
  return (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
}

static int time_transfer(const char* path, int flags, unsigned blocks, size_t size) {
  const long time = transfer(path, flags, blocks, size);
  if (time < 0) return 1;
  printf("%ld\n", time);
  fflush(stdout);
  return 0;
}

int write_through(const char* path, unsigned mebibytes) {
  return time_transfer(path, O_WRONLY | O_CREAT | O_TRUNC, mebibytes, 1 << 20);
}

int write_blocks(const char* path, unsigned count) {
  return time_transfer(path, O_WRONLY | O_CREAT | O_TRUNC, count, 4096);
}

int read_through(const char* path, unsigned mebibytes) { return time_transfer(path, O_RDONLY, mebibytes, 1 << 20); }

int read_blocks(const char* path, unsigned count) { return time_transfer(path, O_RDONLY, count, 4096); }

int print_affinity(void) {
  char line[256];
  FILE* const file = fopen("/proc/self/status", "r");
  while (file != NULL && fgets(line, sizeof line, file) != NULL)
    if (strncmp(line, "Cpus_allowed_list:\t", 19) == 0) return fputs(line + 19, stdout) < 0;
  return 1;
}

int open_disk(unsigned major_number, unsigned minor_number) {
  if (mount("none", "/dev", "tmpfs", 0, NULL) == -1) return 1;
  if (mknod("/dev/disk", S_IFBLK | 0600, makedev(major_number, minor_number)) == -1) return 1;
  puts(open("/dev/disk", O_RDONLY) != -1 ? "ok" : errno == EPERM ? "EPERM" : strerror(errno));
  return 0;
}

int spin(void) {
  puts("ready");
  fflush(stdout);
  if (fork() == -1) return 1;
  for (;;) continue;
}
