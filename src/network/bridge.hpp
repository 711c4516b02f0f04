// The bridge that a network's containers hang on.
#pragma once

#include <functional>
#include <string>

#include "address.hpp"
#include "link.hpp"
#include "netlink.hpp"

namespace myct::network {

struct Bridge {
  std::string name;
  Subnet subnet;
  Subnet range;   ///< where addresses are taken from
  Ipv4 gateway;   ///< the bridge's own address
  bool internal;  ///< with no way out
};

/// The default network's bridge as the file in its directory describes it; on the first use since the boot a subnet is
/// chosen that no route of the host leads to. Throws Error.
[[nodiscard]] Bridge describe_default_bridge(const std::string& directory);

/// Takes the bridge away, with what makes it one of ours. Idempotent. Throws Error.
void remove_bridge(NetlinkSocket& route, NetlinkSocket& netfilter, const Bridge& bridge);

/// The bridge with its address, forwarding and the rules; makes what is missing. `directory` is the network's.
/// When rules are made or made anew, `restore` puts back the elements of all who run. Throws Error.
[[nodiscard]] Link ensure_bridge(NetlinkSocket& route, NetlinkSocket& netfilter, const std::string& directory,
                                 const Bridge& bridge, const std::function<void()>& restore);

}  // namespace myct::network
