#define _GNU_SOURCE
#include "sctp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int open_socket(void) { return socket(AF_INET6, SOCK_STREAM, IPPROTO_SCTP); }

static struct sockaddr_in6 name_of(struct in6_addr address, int port) {
  return (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = address, .sin6_port = htons((uint16_t)port)};
}

int sctp_echo(int port) {
  const int ear = open_socket();
  const struct sockaddr_in6 name = name_of(in6addr_any, port);
  if (bind(ear, (const struct sockaddr*)&name, sizeof name) == -1 || listen(ear, SOMAXCONN) == -1) {
    perror("listen by sctp");
    return 1;
  }
  puts("ready");
  fflush(stdout);
  for (;;) {
    char bytes[1024];
    const int connection = accept(ear, NULL, NULL);
    ssize_t got = 0;
    while ((got = read(connection, bytes, sizeof bytes)) > 0)
      if (write(connection, bytes, (size_t)got) != got) break;
    close(connection);
  }
}

int sctp_ask(const char* address, int port) {
  static const char kWord[] = "hello";
  const struct timeval limit = {.tv_sec = 10};
  char bytes[sizeof kWord] = "";
  struct in6_addr parsed;
  if (inet_pton(AF_INET6, address, &parsed) != 1) return 2;
  const struct sockaddr_in6 name = name_of(parsed, port);
  const int fd = open_socket();
  if (fd == -1) {
    perror("make a socket of sctp");
    return 1;
  }
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (connect(fd, (const struct sockaddr*)&name, sizeof name) == -1 || write(fd, kWord, sizeof kWord - 1) == -1 ||
      read(fd, bytes, sizeof bytes - 1) == -1) {
    perror("ask by sctp");
    return 1;
  }
  puts(bytes);
  return 0;
}
