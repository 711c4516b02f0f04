#include "link.hpp"

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

#include <algorithm>

#include "myct/base/error.hpp"

namespace myct::network {
namespace {

constexpr uint16_t kNew = NLM_F_CREATE | NLM_F_EXCL;

NetlinkRequest link_request(uint16_t type, uint16_t flags, int index = 0, unsigned state = 0) {
  NetlinkRequest request(type, flags);
  ifinfomsg link{};
  link.ifi_family = AF_UNSPEC;
  link.ifi_index = index;
  link.ifi_flags = state;
  link.ifi_change = state;
  request.put_structure(link);
  return request;
}

std::optional<Link> read_link(const NetlinkMessage& message) {
  const std::optional<ifinfomsg> head = message.structure<ifinfomsg>();
  if (message.type != RTM_NEWLINK || !head) return std::nullopt;
  const NetlinkAttributes attributes = message.attributes<ifinfomsg>();
  Link link{.index = head->ifi_index, .name = attributes.text(IFLA_IFNAME).value_or("")};
  link.mtu = attributes.number(IFLA_MTU).value_or(0);
  link.master = static_cast<int>(attributes.number(IFLA_MASTER).value_or(0));
  link.alias = attributes.text(IFLA_IFALIAS).value_or("");
  // Left out where the two have the same index, by kernels before 5.2.
  link.lower = static_cast<int>(attributes.number(IFLA_LINK).value_or(static_cast<uint32_t>(link.index)));
  link.is_from_elsewhere = attributes.find(IFLA_LINK_NETNSID).has_value();
  if (const auto info = attributes.find(IFLA_LINKINFO))
    link.kind = NetlinkAttributes(*info).text(IFLA_INFO_KIND).value_or("");
  return link;
}

std::optional<Link> try_find(NetlinkSocket& route, NetlinkRequest& request, const std::string& which) {
  std::optional<Link> found;
  const NetlinkError error = route.try_query(request, [&](const NetlinkMessage& message) {
    if (std::optional<Link> link = read_link(message)) found = std::move(link);
  });
  if (error.errnum != ENODEV) throw_if_refused(error, fmt::format("look up interface '{}'", which));
  return found;
}

uint32_t macvlan_mode(const std::string& word) {
  return word == "private"    ? MACVLAN_MODE_PRIVATE
         : word == "vepa"     ? MACVLAN_MODE_VEPA
         : word == "passthru" ? MACVLAN_MODE_PASSTHRU
                              : MACVLAN_MODE_BRIDGE;
}

uint16_t ipvlan_mode(const std::string& word) {
  return word == "l3" ? IPVLAN_MODE_L3 : word == "l3s" ? IPVLAN_MODE_L3S : IPVLAN_MODE_L2;
}

NetlinkRequest default_route_request(Family family, rt_scope_t scope) {
  NetlinkRequest request(RTM_NEWROUTE, kNew);
  rtmsg head{};
  head.rtm_family = static_cast<uint8_t>(to_af(family));
  head.rtm_table = RT_TABLE_MAIN;
  head.rtm_protocol = RTPROT_STATIC;
  head.rtm_scope = static_cast<uint8_t>(scope);
  head.rtm_type = RTN_UNICAST;
  request.put_structure(head);
  return request;
}

}  // namespace

Mac mac_of(const Address& address) {
  const std::vector<uint8_t> bytes = to_wire(address);
  return {0x02, 0x42, bytes[0], bytes[1], bytes[2], bytes[3]};
}

std::optional<Link> find_link(NetlinkSocket& route, const std::string& name) {
  NetlinkRequest request = link_request(RTM_GETLINK, 0);
  request.put_text(IFLA_IFNAME, name);
  return try_find(route, request, name);
}

std::optional<Link> find_link(NetlinkSocket& route, int index) {
  NetlinkRequest request = link_request(RTM_GETLINK, 0, index);
  return try_find(route, request, std::to_string(index));
}

std::vector<Link> list_links(NetlinkSocket& route) {
  std::vector<Link> links;
  NetlinkRequest request = link_request(RTM_GETLINK, NLM_F_DUMP);
  route.query(request, "list interfaces", [&](const NetlinkMessage& message) {
    if (std::optional<Link> link = read_link(message)) links.push_back(std::move(*link));
  });
  return links;
}

void create_bridge(NetlinkSocket& route, const std::string& name, const Mac& mac, uint32_t mtu) {
  NetlinkRequest request = link_request(RTM_NEWLINK, kNew, 0, IFF_UP);
  request.put_text(IFLA_IFNAME, name);
  request.put(IFLA_ADDRESS, mac);
  request.put_nested(IFLA_LINKINFO, [&] { request.put_text(IFLA_INFO_KIND, "bridge"); });
  route.request(request, fmt::format("make bridge '{}'", name));
  if (mtu == 0) return;
  // Only an MTU that is set later stays: one given at the birth goes back to 1500 with the last port.
  NetlinkRequest later = link_request(RTM_NEWLINK, 0);
  later.put_text(IFLA_IFNAME, name);
  later.put_number(IFLA_MTU, mtu);
  route.request(later, fmt::format("set the MTU of bridge '{}'", name));
}

void set_up(NetlinkSocket& route, int index) {
  NetlinkRequest request = link_request(RTM_NEWLINK, 0, index, IFF_UP);
  route.request(request, fmt::format("set interface {} up", index));
}

void set_alias(NetlinkSocket& route, int index, const std::string& alias) {
  NetlinkRequest request = link_request(RTM_NEWLINK, 0, index);
  request.put_text(IFLA_IFALIAS, alias);
  route.request(request, fmt::format("set the alias of interface {}", index));
}

void remove_link(NetlinkSocket& route, const std::string& name) {
  NetlinkRequest request = link_request(RTM_DELLINK, 0);
  request.put_text(IFLA_IFNAME, name);
  const NetlinkError error = route.try_request(request);
  if (error.errnum != ENODEV) throw_if_refused(error, fmt::format("remove interface '{}'", name));
}

void remove_link(NetlinkSocket& route, int index) {
  NetlinkRequest request = link_request(RTM_DELLINK, 0, index);
  const NetlinkError error = route.try_request(request);
  if (error.errnum != ENODEV) throw_if_refused(error, fmt::format("remove interface {}", index));
}

void create_veth(NetlinkSocket& route, const Veth& veth) {
  NetlinkRequest request = link_request(RTM_NEWLINK, kNew, 0, IFF_UP);
  request.put_text(IFLA_IFNAME, veth.name);
  request.put_number(IFLA_MASTER, static_cast<uint32_t>(veth.bridge));
  request.put_number(IFLA_MTU, veth.mtu);
  request.put_nested(IFLA_LINKINFO, [&] {
    request.put_text(IFLA_INFO_KIND, "veth");
    request.put_nested(IFLA_INFO_DATA, [&] {
      request.put_nested(VETH_INFO_PEER, [&] {
        request.put_structure(ifinfomsg{});
        request.put_text(IFLA_IFNAME, veth.peer_name);
        request.put_number(IFLA_MTU, veth.mtu);
        request.put(IFLA_ADDRESS, veth.peer_mac);
        request.put_number(IFLA_NET_NS_FD, static_cast<uint32_t>(veth.peer_namespace.get()));
      });
    });
  });
  route.request(request, fmt::format("make veth pair '{}'", veth.name));
  const std::optional<Link> link = find_link(route, veth.name);
  if (!link) throw_error(ErrorKind::System, "interface '{}' was removed as soon as it was made", veth.name);
  NetlinkRequest port = link_request(RTM_NEWLINK, 0, link->index);
  port.put_nested(IFLA_LINKINFO, [&] {
    port.put_text(IFLA_INFO_SLAVE_KIND, "bridge");
    port.put_nested(IFLA_INFO_SLAVE_DATA, [&] { port.put_number(IFLA_BRPORT_MODE, uint8_t{1}); });
  });
  route.request(port, fmt::format("set hairpin mode on '{}'", veth.name));
}

void create_shared_link(NetlinkSocket& route, const SharedLink& link) {
  const bool is_macvlan = link.kind == "macvlan";
  NetlinkRequest request = link_request(RTM_NEWLINK, kNew);
  request.put_text(IFLA_IFNAME, link.name);
  request.put_number(IFLA_LINK, static_cast<uint32_t>(link.parent));
  request.put_number(IFLA_NET_NS_FD, static_cast<uint32_t>(link.home.get()));
  if (is_macvlan) request.put(IFLA_ADDRESS, link.mac);
  request.put_nested(IFLA_LINKINFO, [&] {
    request.put_text(IFLA_INFO_KIND, link.kind);
    request.put_nested(IFLA_INFO_DATA, [&] {
      if (is_macvlan)
        request.put_number(IFLA_MACVLAN_MODE, macvlan_mode(link.mode));
      else
        request.put_number(IFLA_IPVLAN_MODE, ipvlan_mode(link.mode));
    });
  });
  const std::string what = fmt::format("make {} interface '{}'", link.kind, link.name);
  const NetlinkError error = route.try_request(request);
  if (error.errnum == EOPNOTSUPP)
    throw Error(ErrorKind::Unsupported, what, error.errnum,
                fmt::format("the kernel lacks {0} (module {0})", link.kind));
  throw_if_refused(error, what);
}

void add_address(NetlinkSocket& route, int index, const Address& address, const Subnet& subnet) {
  NetlinkRequest request(RTM_NEWADDR, kNew);
  ifaddrmsg head{};
  head.ifa_family = static_cast<uint8_t>(to_af(address.family));
  head.ifa_prefixlen = static_cast<uint8_t>(subnet.prefix);
  head.ifa_index = static_cast<uint32_t>(index);
  // Nobody else has it, and the program is not to wait a second for that to be found out.
  if (address.family == Family::Inet6) head.ifa_flags = IFA_F_NODAD;
  request.put_structure(head);
  request.put(IFA_LOCAL, to_wire(address));
  request.put(IFA_ADDRESS, to_wire(address));
  if (address.family == Family::Inet) request.put(IFA_BROADCAST, to_wire(subnet.last()));
  route.request(request, fmt::format("give interface {} the address {}", index, to_text(address)));
}

bool has_address(NetlinkSocket& route, int index, const Address& address) {
  return std::ranges::any_of(list_link_addresses(route, address.family), [&](const LinkAddress& entry) {
    return entry.index == index && entry.address == address;
  });
}

std::vector<LinkAddress> list_link_addresses(NetlinkSocket& route, Family family) {
  NetlinkRequest request(RTM_GETADDR, NLM_F_DUMP);
  ifaddrmsg head{};
  head.ifa_family = static_cast<uint8_t>(to_af(family));
  request.put_structure(head);
  std::vector<LinkAddress> addresses;
  route.query(request, "list addresses", [&](const NetlinkMessage& message) {
    const std::optional<ifaddrmsg> entry = message.structure<ifaddrmsg>();
    if (!entry) return;
    const NetlinkAttributes attributes = message.attributes<ifaddrmsg>();
    // One of IPv6 that has no peer is told as IFA_ADDRESS alone.
    const auto bytes = attributes.find(IFA_LOCAL) ? attributes.find(IFA_LOCAL) : attributes.find(IFA_ADDRESS);
    if (!bytes) return;
    if (const std::optional<Address> address = from_wire(bytes->data(), bytes->size()))
      addresses.push_back({.index = static_cast<int>(entry->ifa_index), .address = *address});
  });
  return addresses;
}

void add_default_route(NetlinkSocket& route, int index, Family family) {
  NetlinkRequest request = default_route_request(family, RT_SCOPE_LINK);
  request.put_number(RTA_OIF, static_cast<uint32_t>(index));
  route.request(request, fmt::format("add the default route by interface {}", index));
}

void add_default_route(NetlinkSocket& route, int index, const Address& gateway) {
  NetlinkRequest request = default_route_request(gateway.family, RT_SCOPE_UNIVERSE);
  request.put(RTA_GATEWAY, to_wire(gateway));
  request.put_number(RTA_OIF, static_cast<uint32_t>(index));
  route.request(request, fmt::format("add the default route by {}", to_text(gateway)));
}

void remove_default_routes(NetlinkSocket& route) {
  for (const Family family : {Family::Inet, Family::Inet6}) {
    for (const Route& entry : list_routes(route, family)) {
      if (entry.destination.prefix != 0) continue;
      NetlinkRequest request(RTM_DELROUTE, 0);
      rtmsg head{};
      head.rtm_family = static_cast<uint8_t>(to_af(family));
      head.rtm_table = RT_TABLE_MAIN;
      head.rtm_scope = RT_SCOPE_NOWHERE;
      request.put_structure(head);
      request.put_number(RTA_OIF, static_cast<uint32_t>(entry.index));
      const NetlinkError error = route.try_request(request);
      if (error.errnum != ESRCH) throw_if_refused(error, "remove the default route");
    }
  }
}

std::vector<Route> list_routes(NetlinkSocket& route, Family family) {
  NetlinkRequest request(RTM_GETROUTE, NLM_F_DUMP);
  rtmsg head{};
  head.rtm_family = static_cast<uint8_t>(to_af(family));
  request.put_structure(head);
  std::vector<Route> routes;
  route.query(request, "list routes", [&](const NetlinkMessage& message) {
    const std::optional<rtmsg> entry = message.structure<rtmsg>();
    if (!entry || entry->rtm_family != to_af(family)) return;  // a kernel without IPv6 tells those of IPv4
    if (entry->rtm_table != RT_TABLE_MAIN || entry->rtm_type != RTN_UNICAST) return;
    const NetlinkAttributes attributes = message.attributes<rtmsg>();
    Route found;
    found.destination = {.base = {.value = 0, .family = family}, .prefix = entry->rtm_dst_len};
    if (const auto bytes = attributes.find(RTA_DST))
      found.destination.base = from_wire(bytes->data(), bytes->size()).value_or(found.destination.base);
    found.index = static_cast<int>(attributes.number(RTA_OIF).value_or(0));
    routes.push_back(found);
  });
  return routes;
}

bool has_default_route(NetlinkSocket& route, Family family) {
  return std::ranges::any_of(list_routes(route, family),
                             [](const Route& entry) { return entry.destination.prefix == 0; });
}

bool has_route_into(const std::vector<Route>& routes, const Subnet& subnet) {
  return std::any_of(routes.begin(), routes.end(), [&](const Route& route) {
    return route.destination.prefix != 0 && route.destination.overlaps(subnet);
  });
}

}  // namespace myct::network
