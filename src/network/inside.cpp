#include "inside.hpp"

#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>

#include "endpoint.hpp"
#include "link.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "setting.hpp"

namespace myct::network {
namespace {

/// Does something in that namespace. This process has one thread, and cannot go on where the way back is barred.
template <typename Work>
void visit(const Fd& there, const Work& work) {
  const Fd here = open_path("/proc/self/ns/net", O_RDONLY);
  if (::setns(there.get(), CLONE_NEWNET) == -1) throw_errno("enter the container's network namespace");
  std::optional<Error> failure;
  try {
    work();
  } catch (const Error& error) {
    failure = error;
  }
  if (::setns(here.get(), CLONE_NEWNET) == -1) ::_exit(kExitOwnFailure);
  if (failure) throw Error(*failure);
}

std::optional<int> find_shared(NetlinkSocket& route, Inside& inside, const Presence& presence,
                               const Endpoint& endpoint) {
  const std::optional<Link> parent = find_link(route, endpoint.parent);
  const auto is_noted = [&](const Link& link) {
    return std::ranges::find(presence.endpoints, link.index, &Endpoint::index) != presence.endpoints.end();
  };
  for (const Link& link : list_links(inside.route)) {
    if (link.kind != endpoint.driver || (parent && link.lower != parent->index)) continue;
    if (endpoint.index != 0 ? link.index == endpoint.index : link.is_from_elsewhere && !is_noted(link))
      return link.index;
  }
  return std::nullopt;
}

}  // namespace

Inside enter_network_of(pid_t pid) {
  Fd space = open_path(fmt::format("/proc/{}/ns/net", pid), O_RDONLY);
  std::optional<NetlinkSocket> route;  // it speaks about the namespace in which it was made
  visit(space, [&] { route = NetlinkSocket::open(NETLINK_ROUTE); });
  return {.space = std::move(space), .route = std::move(*route)};
}

std::optional<int> find_interface(NetlinkSocket& route, Inside& inside, const Presence& presence,
                                  const Endpoint& endpoint) {
  if (!is_bridged(endpoint)) return find_shared(route, inside, presence, endpoint);
  const std::optional<Link> end = find_link(route, endpoint.host_interface);
  return end ? std::optional<int>(end->lower) : std::nullopt;
}

void ignore_routers_on(Inside& inside, int index) {
  visit(inside.space, [&] {
    if (const std::optional<Link> link = find_link(inside.route, index)) ignore_routers_on(link->name);
  });
}

}  // namespace myct::network
