// The least that connecting a container takes: a network namespace, and a veth pair to it from the one outside.
//
//   link PROGRAM         executes PROGRAM and does nothing else; what is left is the price of being a program
//   link --make PROGRAM  makes both first, and sets both ends up
//
// No bridge, no address, no route, no rule. Namespace and pair end with PROGRAM, by the kernel's hand, behind its back.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct request {
  struct nlmsghdr head;
  struct ifinfomsg link;
  char attributes[256];
};

static void check(int result, const char* what) {
  if (result != -1) return;
  perror(what);
  _exit(125);
}

static void put(struct request* request, unsigned short type, const void* data, size_t size) {
  struct rtattr* attribute = (struct rtattr*)((char*)request + NLMSG_ALIGN(request->head.nlmsg_len));
  attribute->rta_type = type;
  attribute->rta_len = (unsigned short)RTA_LENGTH(size);
  if (size > 0) memcpy(RTA_DATA(attribute), data, size);
  request->head.nlmsg_len = NLMSG_ALIGN(request->head.nlmsg_len) + RTA_ALIGN(attribute->rta_len);
}

static struct rtattr* open_nest(struct request* request, unsigned short type) {
  struct rtattr* nest = (struct rtattr*)((char*)request + NLMSG_ALIGN(request->head.nlmsg_len));
  put(request, type, NULL, 0);
  return nest;
}

static void close_nest(struct request* request, struct rtattr* nest) {
  nest->rta_len = (unsigned short)((char*)request + request->head.nlmsg_len - (char*)nest);
}

static void ask(int netlink, struct request* request, const char* what) {
  struct {
    struct nlmsghdr head;
    struct nlmsgerr error;
    char rest[512];
  } answer;
  request->head.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
  check((int)send(netlink, request, request->head.nlmsg_len, 0), what);
  check((int)recv(netlink, &answer, sizeof answer, 0), what);
  errno = -answer.error.error;
  if (errno != 0) check(-1, what);
}

static struct request link_request(unsigned short flags) {
  struct request request = {0};
  request.head.nlmsg_len = NLMSG_LENGTH(sizeof request.link);
  request.head.nlmsg_type = RTM_NEWLINK;
  request.head.nlmsg_flags = flags;
  request.link.ifi_flags = IFF_UP;
  request.link.ifi_change = IFF_UP;
  return request;
}

// The end here has a name that nobody else has, and is born up; the other one cannot be.
static void make_pair(int netlink, int inside) {
  const struct ifinfomsg peer_link = {0};
  char name[IFNAMSIZ];
  snprintf(name, sizeof name, "link%d", (int)getpid());
  struct request request = link_request(NLM_F_CREATE | NLM_F_EXCL);
  put(&request, IFLA_IFNAME, name, strlen(name) + 1);
  struct rtattr* info = open_nest(&request, IFLA_LINKINFO);
  put(&request, IFLA_INFO_KIND, "veth", sizeof "veth");
  struct rtattr* data = open_nest(&request, IFLA_INFO_DATA);
  struct rtattr* peer = open_nest(&request, VETH_INFO_PEER);
  memcpy((char*)&request + request.head.nlmsg_len, &peer_link, sizeof peer_link);
  request.head.nlmsg_len += NLMSG_ALIGN(sizeof peer_link);
  put(&request, IFLA_IFNAME, "eth0", sizeof "eth0");
  put(&request, IFLA_NET_NS_FD, &inside, sizeof inside);
  close_nest(&request, peer);
  close_nest(&request, data);
  close_nest(&request, info);
  ask(netlink, &request, "make the veth pair");
}

static void set_up_inside(int netlink) {
  struct request request = link_request(0);
  put(&request, IFLA_IFNAME, "eth0", sizeof "eth0");
  ask(netlink, &request, "set eth0 up");
}

static int open_netlink(void) {
  const int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  check(netlink, "open netlink");
  return netlink;
}

// From here on this process is in the new namespace; a socket stays in the one it was made in.
static void connect_new_namespace(void) {
  const int here = open_netlink();
  check(unshare(CLONE_NEWNET), "make a network namespace");
  const int inside = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  check(inside, "open the network namespace");
  make_pair(here, inside);
  set_up_inside(open_netlink());
}

int main(int argc, char** argv) {
  int first = 1;
  if (argc > 1 && strcmp(argv[1], "--make") == 0) ++first;
  if (first >= argc) {
    fprintf(stderr, "link [--make] PROGRAM ARG...\n");
    return 125;
  }
  if (first > 1) connect_new_namespace();
  execv(argv[first], argv + first);
  check(-1, argv[first]);
}
