// What the kernel remembers of datagrams that come to published ports (nf_conntrack). Where the first of a client's led
// is where all of them go, as long as the client sends: to a container that has ended, to the host itself as nobody had
// published the port, and so on. So it is made to forget them when a port comes to lead elsewhere. A TCP client notices
// by itself, and connects anew.
#pragma once

#include <span>

#include "myct/state/port.hpp"
#include "netlink.hpp"

namespace myct::network {

/// Those to the host's UDP ports among them. A kernel that cannot tell leaves it at that.
void forget_flows(NetlinkSocket& netfilter, std::span<const state::PublishedPort> ports);

}  // namespace myct::network
