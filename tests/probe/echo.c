#define _GNU_SOURCE
#include "echo.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int bind_to(int type, int port) {
  const int fd = socket(AF_INET, type, 0);
  const struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  return bind(fd, (const struct sockaddr*)&name, sizeof name) == 0 ? fd : -1;
}

static int echo_connection(int fd) {
  static char bytes[65536];
  ssize_t got = 0;
  while ((got = read(fd, bytes, sizeof bytes)) > 0)
    for (ssize_t done = 0; done < got;) {
      const ssize_t written = write(fd, bytes + done, (size_t)(got - done));
      if (written <= 0) return 1;
      done += written;
    }
  return got == 0 ? 0 : 1;
}

static void echo_datagram(int fd) {
  static char bytes[65536];
  struct sockaddr_in sender;
  socklen_t size = sizeof sender;
  const ssize_t got = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr*)&sender, &size);
  if (got >= 0) sendto(fd, bytes, (size_t)got, 0, (const struct sockaddr*)&sender, size);
}

int echo(int port) {
  struct pollfd ears[] = {{.fd = bind_to(SOCK_STREAM, port), .events = POLLIN},
                          {.fd = bind_to(SOCK_DGRAM, port), .events = POLLIN}};
  if (ears[1].fd == -1 || listen(ears[0].fd, SOMAXCONN) == -1) return 1;
  signal(SIGCHLD, SIG_IGN);
  puts("ready");
  fflush(stdout);
  for (;;) {
    if (poll(ears, 2, -1) == -1) return 1;
    if (ears[1].revents != 0) echo_datagram(ears[1].fd);
    if (ears[0].revents == 0) continue;
    const int connection = accept(ears[0].fd, NULL, NULL);
    if (connection == -1) continue;
    if (fork() == 0) _exit(echo_connection(connection));
    close(connection);
  }
}
