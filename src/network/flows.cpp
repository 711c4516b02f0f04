#include "flows.hpp"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>

#include <algorithm>

#include "address.hpp"
#include "link.hpp"
#include "myct/base/error.hpp"
#include "myct/base/log.hpp"

namespace myct::network {
namespace {

/// Where the first datagram of a flow went, and what names the flow.
struct Flow {
  uint8_t protocol = 0;
  Address destination;
  uint16_t port = 0;
  std::vector<uint8_t> tuple;  ///< as the kernel has it
  std::vector<uint8_t> zone;   ///< the same; may be empty
};

NetlinkRequest flow_request(uint16_t message, uint16_t flags, Family family) {
  NetlinkRequest request(static_cast<uint16_t>((NFNL_SUBSYS_CTNETLINK << 8) | message), flags);
  request.put_structure(
      nfgenmsg{.nfgen_family = static_cast<uint8_t>(to_af(family)), .version = NFNETLINK_V0, .res_id = 0});
  return request;
}

std::vector<uint8_t> copy_of(const std::optional<std::span<const uint8_t>>& bytes) {
  return bytes ? std::vector<uint8_t>(bytes->begin(), bytes->end()) : std::vector<uint8_t>();
}

std::optional<Flow> read_flow(const NetlinkMessage& message, Family family) {
  const NetlinkAttributes attributes = message.attributes<nfgenmsg>();
  const auto tuple = attributes.find(CTA_TUPLE_ORIG);
  if (!tuple) return std::nullopt;
  const auto ip = NetlinkAttributes(*tuple).find(CTA_TUPLE_IP);
  const auto protocol = NetlinkAttributes(*tuple).find(CTA_TUPLE_PROTO);
  if (!ip || !protocol) return std::nullopt;
  const auto destination =
      NetlinkAttributes(*ip).find(family == Family::Inet ? uint16_t{CTA_IP_V4_DST} : uint16_t{CTA_IP_V6_DST});
  const auto number = NetlinkAttributes(*protocol).find(CTA_PROTO_NUM);
  const auto port = NetlinkAttributes(*protocol).find(CTA_PROTO_DST_PORT);
  const auto address = destination ? from_wire(destination->data(), destination->size()) : std::nullopt;
  if (!address || !number || number->empty() || !port || port->size() < 2) return std::nullopt;
  return Flow{.protocol = number->front(),
              .destination = *address,
              .port = static_cast<uint16_t>((*port)[0] << 8U | (*port)[1]),
              .tuple = copy_of(tuple),
              .zone = copy_of(attributes.find(CTA_ZONE))};
}

std::vector<Flow> list_datagram_flows(NetlinkSocket& netfilter, Family family) {
  std::vector<Flow> flows;
  NetlinkRequest request = flow_request(IPCTNL_MSG_CT_GET, NLM_F_DUMP, family);
  netfilter.query(request, "list tracked connections", [&](const NetlinkMessage& message) {
    std::optional<Flow> flow = read_flow(message, family);
    if (flow && flow->protocol == IPPROTO_UDP) flows.push_back(std::move(*flow));
  });
  return flows;
}

/// It may have ended by itself.
void forget(NetlinkSocket& netfilter, Family family, const Flow& flow) {
  NetlinkRequest request = flow_request(IPCTNL_MSG_CT_DELETE, 0, family);
  request.put(CTA_TUPLE_ORIG | NLA_F_NESTED, flow.tuple);
  if (!flow.zone.empty()) request.put(CTA_ZONE, flow.zone);
  const NetlinkError error = netfilter.try_request(request);
  if (error.errnum != ENOENT) throw_if_refused(error, "forget a tracked connection");
}

/// Of the host's own.
class HostAddresses {
 public:
  explicit HostAddresses(Family family) {
    NetlinkSocket route = NetlinkSocket::open(NETLINK_ROUTE);
    addresses_ = list_link_addresses(route, family);
  }
  [[nodiscard]] bool contains(const Address& address) const {
    static const Subnet loopback = parse_subnet("127.0.0.0/8").value_or(Subnet{});
    return loopback.contains(address) ||
           std::ranges::find(addresses_, address, &LinkAddress::address) != addresses_.end();
  }

 private:
  std::vector<LinkAddress> addresses_;
};

void forget_flows_of(NetlinkSocket& netfilter, Family family, std::span<const state::PublishedPort> ports) {
  const auto is_meant = [&](const state::PublishedPort& port) {
    return port.protocol == state::Protocol::Udp && state::is_ipv6(port) == (family == Family::Inet6);
  };
  if (std::ranges::none_of(ports, is_meant)) return;
  const HostAddresses own(family);
  for (const Flow& flow : list_datagram_flows(netfilter, family)) {
    const auto leads_to = [&](const state::PublishedPort& port) {
      if (!is_meant(port) || port.host_port != flow.port) return false;
      return state::is_unspecified(port) ? own.contains(flow.destination)
                                         : parse_address(port.host_address) == flow.destination;
    };
    if (std::ranges::any_of(ports, leads_to)) forget(netfilter, family, flow);
  }
}

}  // namespace

void forget_flows(NetlinkSocket& netfilter, std::span<const state::PublishedPort> ports) {
  for (const Family family : {Family::Inet, Family::Inet6}) {
    try {
      forget_flows_of(netfilter, family, ports);
    } catch (const Error& error) {
      log::debug("datagrams may go on to where they went before: {}", error.what());
    }
  }
}

}  // namespace myct::network
