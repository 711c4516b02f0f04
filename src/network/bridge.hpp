// The bridge that a network's containers hang on.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "address.hpp"
#include "link.hpp"
#include "netlink.hpp"
#include "rules.hpp"

namespace myct::network {

/// The default network's.
constexpr const char* kDefaultBridge = "myct0";

/// How what leaves an IPv6 network for elsewhere is seen there.
enum class Ipv6Mode : uint8_t {
  Translated,  ///< as the host (NAT66)
  Routed,      ///< by its own address, to which others have a route
};

struct Bridge {
  std::string name;
  AddressPlan ipv4;
  std::optional<AddressPlan> ipv6;
  Ipv6Mode ipv6_mode = Ipv6Mode::Translated;
  bool internal = false;  ///< with no way out
};
/// What makes it one of ours.
[[nodiscard]] std::vector<Element> elements_of(const Bridge& bridge);

/// The default network's bridge as the file in its directory describes it; on the first use since the boot a subnet is
/// chosen that no route of the host leads to, or `wanted` taken, if it is not empty. Throws Error.
[[nodiscard]] Bridge describe_default_bridge(const std::string& directory, const std::string& wanted = {});

/// What the alias says of a bridge that was made for the network with this directory, and how every such alias begins:
/// a bridge that was there before, and only used, has none.
constexpr std::string_view kMark = "myct:";
[[nodiscard]] std::string mark_of(const std::string& directory);
/// Whether myct has made it. Of one whose maker was killed before it could mark it, the name tells.
[[nodiscard]] bool is_ours(const Link& bridge);
/// Whether myct has made it for another network than the one with this directory, perhaps under another root.
[[nodiscard]] bool is_of_another(const Link& bridge, const std::string& directory);

/// Takes the bridge away, if it was made by us, with what makes it one of ours. One that was made for another network
/// than that of the directory stays as it is. Idempotent. Throws Error.
void remove_bridge(NetlinkSocket& route, NetlinkSocket& netfilter, const std::string& directory, const Bridge& bridge);

/// The bridge with its address, forwarding and the rules; makes what is missing. `directory` is the network's.
/// When rules are made or made anew, `restore` puts back the elements of all who run. Throws Error.
[[nodiscard]] Link ensure_bridge(NetlinkSocket& route, NetlinkSocket& netfilter, const std::string& directory,
                                 const Bridge& bridge, const std::function<void()>& restore);

}  // namespace myct::network
