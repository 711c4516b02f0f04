// Interfaces, addresses and routes by rtnetlink(7).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "address.hpp"
#include "myct/base/fd.hpp"
#include "netlink.hpp"

namespace myct::network {

using Mac = std::array<uint8_t, 6>;
/// Locally administered, and from the address, as Docker's are: a neighbour that is made again with the same address is
/// found in everybody's neighbour table.
[[nodiscard]] Mac mac_of(const Address& address);

struct Link {
  int index = 0;
  std::string name;
  std::string kind;  ///< "bridge", "veth"; empty for hardware
  uint32_t mtu = 0;
  int master = 0;                  ///< index of the bridge that it is a port of, or 0
  std::string alias;               ///< a text of whoever made it
  int lower = 0;                   ///< index of what it hangs on: a pair's other end, or the interface that it shares
  bool is_from_elsewhere = false;  ///< that is in another network namespace
};

/// nullopt when there is none of that name.
[[nodiscard]] std::optional<Link> find_link(NetlinkSocket& route, const std::string& name);
[[nodiscard]] std::optional<Link> find_link(NetlinkSocket& route, int index);
[[nodiscard]] std::vector<Link> list_links(NetlinkSocket& route);

/// Makes a bridge that is up. Without a MAC address of its own it would have the lowest of its ports', and another when
/// that port goes, which nobody on it knows. Throws Error; EEXIST when somebody else was quicker.
void create_bridge(NetlinkSocket& route, const std::string& name, const Mac& mac, uint32_t mtu);
void set_up(NetlinkSocket& route, int index);
/// At most 255 bytes.
void set_alias(NetlinkSocket& route, int index, const std::string& alias);
/// Idempotent.
void remove_link(NetlinkSocket& route, const std::string& name);
void remove_link(NetlinkSocket& route, int index);

struct Veth {
  std::string name;  ///< of the host's end
  int bridge = 0;    ///< whose port the host's end is
  uint32_t mtu = 0;
  FdRef peer_namespace;
  std::string peer_name;
  Mac peer_mac{};
};
/// Makes a pair with one end on the bridge, and up, and the other in another network namespace. The bridge sends back
/// on that port what came from it (hairpin mode): a container reaches itself by a port that it has published.
void create_veth(NetlinkSocket& route, const Veth& veth);

/// An interface in another network namespace that shares one of the host's.
struct SharedLink {
  std::string kind;  ///< "macvlan", "ipvlan"
  std::string mode;  ///< see Definition
  int parent = 0;
  FdRef home;
  std::string name;
  Mac mac{};  ///< of macvlan
};
void create_shared_link(NetlinkSocket& route, const SharedLink& link);

/// Gives an interface an address of a subnet.
void add_address(NetlinkSocket& route, int index, const Address& address, const Subnet& subnet);
[[nodiscard]] bool has_address(NetlinkSocket& route, int index, const Address& address);
/// An address of an interface of the host.
struct LinkAddress {
  int index = 0;
  Address address;
};
[[nodiscard]] std::vector<LinkAddress> list_link_addresses(NetlinkSocket& route, Family family);
/// Of both families. Idempotent.
void remove_default_routes(NetlinkSocket& route);
void add_default_route(NetlinkSocket& route, int index, const Address& gateway);
/// One that leads to the interface itself.
void add_default_route(NetlinkSocket& route, int index, Family family);

/// A route of the main table: where it leads, and by which interface.
struct Route {
  Subnet destination;
  int index = 0;
};
[[nodiscard]] std::vector<Route> list_routes(NetlinkSocket& route, Family family = Family::Inet);
[[nodiscard]] bool has_default_route(NetlinkSocket& route, Family family);
/// Whether one of them leads into the subnet; a default route does not.
[[nodiscard]] bool has_route_into(const std::vector<Route>& routes, const Subnet& subnet);

}  // namespace myct::network
