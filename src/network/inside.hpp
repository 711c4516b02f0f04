// A container's network namespace, as the host looks into it. What is there is the container's: its root may have
// renamed, taken down and removed what we have made, and made its own.
#pragma once

#include <sys/types.h>

#include <optional>

#include "myct/base/fd.hpp"
#include "myct/network/network.hpp"
#include "netlink.hpp"

namespace myct::network {

/// The container's namespace, and a conversation about it.
struct Inside {
  Fd space;
  NetlinkSocket route;
};
/// Throws Error.
[[nodiscard]] Inside enter_network_of(pid_t pid);

/// The index there of an endpoint's interface, whatever it is called by now; nullopt when it is gone. A pair's is known
/// by its other end, which is the host's; one that shares an interface of the host's by that and by the index that it
/// was noted with, and one that was not noted yet, by being no other endpoint's of the presence. `route` is about the
/// host.
[[nodiscard]] std::optional<int> find_interface(NetlinkSocket& route, Inside& inside, const Presence& presence,
                                                const Endpoint& endpoint);
/// Has an interface there take no routes from who says that it is a router. Throws Error.
void ignore_routers_on(Inside& inside, int index);

}  // namespace myct::network
