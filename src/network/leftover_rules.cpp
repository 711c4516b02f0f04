// What is left of networks in the kernel: bridges, and elements of our nftables table. Roots on the same host share the
// table, so an element that nobody here knows is left over only if it cannot be another root's either: that has its
// bridge, its address on it, and a socket bound to its published port.
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <net/if.h>

#include <algorithm>
#include <set>

#include "attachment.hpp"
#include "bridge.hpp"
#include "leftovers.hpp"
#include "link.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "name_server_sign.hpp"
#include "ports.hpp"
#include "published.hpp"
#include "rules.hpp"

namespace myct::network {
namespace {

constexpr const char* kNameSets[] = {"bridges", "pairs", "internals"};
constexpr const char* kEveryIpv6 = "::";

bool is_same(const Element& one, const Element& other) {
  return one.set == other.set && one.key == other.key && one.data == other.data &&
         one.ends_interval == other.ends_interval;
}

/// The parts of a key or of data, each padded to four bytes.
constexpr size_t kPart = 4;

bool is_of_ipv6(const Element& element) { return element.set.ends_with('6'); }
size_t address_size(const Element& element) { return is_of_ipv6(element) ? 16 : kPart; }

Address address_at_front(const std::vector<uint8_t>& bytes, const Element& element) {
  const size_t size = address_size(element);
  return bytes.size() < size ? Address{} : from_wire(bytes.data(), size).value_or(Address{});
}
uint16_t port_at(const std::vector<uint8_t>& bytes, size_t offset) {
  return bytes.size() < offset + 2 ? uint16_t{0} : static_cast<uint16_t>(bytes[offset] << 8U | bytes[offset + 1]);
}

std::string interface_of(const Element& element) {
  const auto* text = reinterpret_cast<const char*>(element.key.data());
  return {text, ::strnlen(text, std::min<size_t>(element.key.size(), IFNAMSIZ))};
}

/// Of the sets that name bridges, by bridge.
std::vector<Element> elements_named(NetlinkSocket& netfilter, const std::string& bridge) {
  std::vector<Element> found;
  for (const char* set : kNameSets)
    for (Element& element : list_elements(netfilter, set))
      if (interface_of(element) == bridge) found.push_back(std::move(element));
  return found;
}

/// A subnet in the set of them, by its two elements.
struct Range {
  Address first;
  Address end;  ///< the first address that is not in it
  [[nodiscard]] bool contains(const Address& address) const {
    return address.family == first.family && first.value <= address.value && address.value < end.value;
  }
  [[nodiscard]] std::string text() const {
    return fmt::format("{} to {}", to_text(first), to_text(Address{.value = end.value - 1, .family = end.family}));
  }
};

void add_ranges(NetlinkSocket& netfilter, const char* set, std::vector<Range>& ranges) {
  std::set<Number> ends;
  std::vector<Range> found;
  for (const Element& element : list_elements(netfilter, set)) {
    const Address address = address_at_front(element.key, element);
    if (element.ends_interval)
      ends.insert(address.value);
    else
      found.push_back({.first = address, .end = address});
  }
  for (Range& range : found) {
    const auto end = ends.upper_bound(range.first.value);
    if (end == ends.end()) continue;
    range.end.value = *end;
    ranges.push_back(range);
  }
}

std::vector<Range> list_ranges(NetlinkSocket& netfilter) {
  std::vector<Range> ranges;
  add_ranges(netfilter, "subnets", ranges);
  add_ranges(netfilter, "subnets6", ranges);
  return ranges;
}

std::vector<Element> elements_of(const Range& range) { return elements_of_interval(range.first, range.end); }

bool has_address_in(NetlinkSocket& route, const Range& range) {
  return std::ranges::any_of(list_link_addresses(route, range.first.family),
                             [&](const LinkAddress& entry) { return range.contains(entry.address); });
}

/// Whoever makes a bridge makes it before its elements. If that was between the look and the removal, they are put
/// back.
template <typename IsUsed>
void remove_unless_used(NetlinkSocket& netfilter, const std::vector<Element>& elements, const IsUsed& is_used) {
  if (is_used()) return;
  remove_elements(netfilter, elements);
  if (is_used()) add_elements(netfilter, elements);
}

void remove_names(const std::string& bridge) {
  NetlinkSocket route = NetlinkSocket::open(NETLINK_ROUTE);
  NetlinkSocket netfilter = NetlinkSocket::open(NETLINK_NETFILTER);
  remove_unless_used(netfilter, elements_named(netfilter, bridge),
                     [&] { return find_link(route, bridge).has_value(); });
}

void remove_range(const Range& range) {
  NetlinkSocket route = NetlinkSocket::open(NETLINK_ROUTE);
  NetlinkSocket netfilter = NetlinkSocket::open(NETLINK_NETFILTER);
  remove_unless_used(netfilter, elements_of(range), [&] { return has_address_in(route, range); });
}

void find_elements_of_bridges(NetlinkSocket& route, NetlinkSocket& netfilter, std::vector<Leftover>& leftovers) {
  std::set<std::string> names;
  for (const char* set : kNameSets)
    for (const Element& element : list_elements(netfilter, set)) names.insert(interface_of(element));
  for (const std::string& name : names)
    if (!find_link(route, name))
      leftovers.push_back({fmt::format("firewall elements of bridge '{}'", name), "the bridge is gone", "removes them",
                           [name] { remove_names(name); }});
  for (const Range& range : list_ranges(netfilter))
    if (!has_address_in(route, range))
      leftovers.push_back({fmt::format("firewall element of subnet {}", range.text()), "no bridge has it", "removes it",
                           [range] { remove_range(range); }});
}

bool has_ports(const std::vector<Link>& links, const Link& bridge) {
  return std::ranges::find(links, bridge.index, &Link::master) != links.end();
}

/// The network that a bridge was made for here, and that has another one by now, or is no more.
std::optional<std::string> lost_network(const Directories& directories, const Link& link) {
  const std::string beginning = mark_of(directories.networks + "/");
  if (link.kind != "bridge" || !link.alias.starts_with(beginning)) return std::nullopt;
  std::string network = link.alias.substr(beginning.size());
  if (network == kDefaultNetwork || path_exists(directories.definitions + "/.removed-" + network)) return std::nullopt;
  const std::optional<Definition> definition = load_definition(directories.definitions, network);
  if (definition && definition->bridge == link.name) return std::nullopt;
  return network;
}

void remove_lost_bridge(const Directories& directories, const std::string& name) {
  NetlinkSocket route = NetlinkSocket::open(NETLINK_ROUTE);
  NetlinkSocket netfilter = NetlinkSocket::open(NETLINK_NETFILTER);
  const std::vector<Link> links = list_links(route);
  const auto link = std::ranges::find(links, name, &Link::name);
  if (link == links.end() || has_ports(links, *link)) return;
  if (const std::optional<std::string> network = lost_network(directories, *link))
    remove_bridge_by_name(route, netfilter, directory_of(directories, *network), name);
}

void find_bridges(const Directories& directories, NetlinkSocket& route, std::vector<Leftover>& leftovers) {
  const std::vector<Link> links = list_links(route);
  for (const Link& link : links) {
    const std::optional<std::string> network = lost_network(directories, link);
    if (!network || has_ports(links, link)) continue;  // with containers on it, it is needed
    leftovers.push_back({fmt::format("bridge '{}'", link.name),
                         fmt::format("network '{}', which it was made for, is gone", *network), "removes it",
                         [directories, name = link.name] { remove_lost_bridge(directories, name); }});
  }
}

/// What containers that run and name servers that serve need of the maps of published ports.
std::vector<Element> list_needed(const Directories& directories) {
  std::vector<Element> needed;
  for (const std::string& id : list_directory(directories.run_containers, Hidden::LeaveOut)) {
    const std::optional<Presence> presence = load_presence(directories.run_containers + "/" + id);
    if (presence) std::ranges::move(port_elements(*presence), std::back_inserter(needed));
  }
  for (const std::string& network : list_directory(directories.networks, Hidden::LeaveOut))
    if (const std::optional<Sign> sign = find_living(directory_of(directories, network)))
      std::ranges::move(elements_of(sign->detours), std::back_inserter(needed));
  return needed;
}

/// An element of a map of published ports, or of the set of open ones, read back.
struct Publication {
  state::PublishedPort port;
  Address target;
  bool is_open = false;     ///< at the container's own address
  bool is_relayed = false;  ///< it leads to a relay, whatever that leads to
};

Publication publication_of(const Element& element) {
  const bool is_relayed = element.set.starts_with("relayed");
  const bool is_open = element.data.empty() && !is_relayed;
  const bool has_address = is_open || element.set.find("_at") != std::string::npos;
  const size_t protocol = has_address ? address_size(element) : 0;
  Publication publication{.port = {},
                          .target = address_at_front(is_open ? element.key : element.data, element),
                          .is_open = is_open,
                          .is_relayed = is_relayed};
  if (has_address)
    publication.port.host_address = to_text(address_at_front(element.key, element));
  else if (is_of_ipv6(element))
    publication.port.host_address = kEveryIpv6;
  switch (element.key.size() > protocol ? element.key[protocol] : 0) {
    case IPPROTO_TCP:
      publication.port.protocol = state::Protocol::Tcp;
      break;
    case IPPROTO_UDP:
      publication.port.protocol = state::Protocol::Udp;
      break;
    default:
      publication.port.protocol = state::Protocol::Sctp;
  }
  publication.port.host_port = port_at(element.key, protocol + kPart);
  return publication;
}

std::vector<Subnet> list_own_subnets(const Directories& directories) {
  std::vector<Subnet> subnets;
  const std::string fallback = directory_of(directories, kDefaultNetwork);
  if (path_exists(fallback + "/network.json")) subnets.push_back(describe_default_bridge(fallback).ipv4.subnet);
  for (const Definition& definition : list_definitions(directories.definitions))
    for (const std::string& text : {definition.subnet, definition.subnet6})
      if (const std::optional<Subnet> subnet = parse_subnet(text)) subnets.push_back(*subnet);
  return subnets;
}

bool may_be_of_another_root(const Publication& publication, const std::vector<Subnet>& own) {
  const auto contains = [&](const Subnet& subnet) { return subnet.contains(publication.target); };
  return std::ranges::none_of(own, contains) && (publication.is_open || is_port_taken(publication.port));
}

/// Those of published ports that nobody needs.
std::vector<Element> list_lost_ports(const Directories& directories, NetlinkSocket& netfilter) {
  std::vector<Element> lost;
  // Notes are written before the elements are made, and so are read after them.
  for (const char* map :
       {"published", "published_at", "published6", "published_at6", "opened6", "relayed6", "relayed_at6"})
    std::ranges::move(list_elements(netfilter, map), std::back_inserter(lost));
  const std::vector<Element> needed = list_needed(directories);
  const std::vector<Subnet> own = list_own_subnets(directories);
  std::erase_if(lost, [&](const Element& element) {
    return std::ranges::any_of(needed, [&](const Element& other) { return is_same(element, other); }) ||
           may_be_of_another_root(publication_of(element), own);
  });
  return lost;
}

void remove_lost_port(const Directories& directories, const Element& element) {
  NetlinkSocket netfilter = NetlinkSocket::open(NETLINK_NETFILTER);
  const FileLock lock = FileLock::acquire(rules_lock(directories));
  for (const Element& lost : list_lost_ports(directories, netfilter))
    if (is_same(lost, element)) remove_elements(netfilter, std::vector{element});
}

void find_ports(const Directories& directories, NetlinkSocket& netfilter, std::vector<Leftover>& leftovers) {
  for (const Element& element : list_lost_ports(directories, netfilter)) {
    const Publication publication = publication_of(element);
    const state::PublishedPort& port = publication.port;
    leftovers.push_back({fmt::format("published port {}:{}/{}", state::address_text(port), port.host_port,
                                     state::protocol_word(port.protocol)),
                         fmt::format("it leads to {}, where no container runs that has published it",
                                     publication.is_relayed ? "a relay" : to_text(publication.target)),
                         "closes it", [directories, element] { remove_lost_port(directories, element); }});
  }
}

}  // namespace

void remove_bridge_by_name(NetlinkSocket& route, NetlinkSocket& netfilter, const std::string& directory,
                           const std::string& name) {
  const std::optional<Link> link = find_link(route, name);
  if (link && is_of_another(*link, directory)) return;
  std::vector<Element> elements = elements_named(netfilter, name);
  for (const Range& range : list_ranges(netfilter))
    for (const LinkAddress& entry : list_link_addresses(route, range.first.family))
      if (link && entry.index == link->index && range.contains(entry.address))
        std::ranges::move(elements_of(range), std::back_inserter(elements));
  remove_elements(netfilter, elements);
  if (link && is_ours(*link)) remove_link(route, name);
}

void find_leftover_rules(const Directories& directories, std::vector<Leftover>& leftovers) {
  NetlinkSocket route = NetlinkSocket::open(NETLINK_ROUTE);
  NetlinkSocket netfilter = NetlinkSocket::open(NETLINK_NETFILTER);
  find_bridges(directories, route, leftovers);
  find_elements_of_bridges(route, netfilter, leftovers);
  find_ports(directories, netfilter, leftovers);
}

}  // namespace myct::network
