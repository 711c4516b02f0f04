// The bridge that containers without a network of their own choice hang on.
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
  Ipv4 gateway;  ///< the bridge's own address
};

/// The default network's bridge as the file in its directory describes it; on the first use since the boot a subnet is
/// chosen that no route of the host leads to. Throws Error.
[[nodiscard]] Bridge describe_default_bridge(const std::string& directory);

/// The bridge with its address, forwarding and the rules; makes what is missing. `directory` is the network's.
/// When rules are made or made anew, `restore` puts back the elements of all who run. Throws Error.
[[nodiscard]] Link ensure_bridge(NetlinkSocket& route, NetlinkSocket& netfilter, const std::string& directory,
                                 const Bridge& bridge, const std::function<void()>& restore);

}  // namespace myct::network
