#include "bridge.hpp"

#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>

#include "legacy.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/json.hpp"
#include "myct/base/log.hpp"
#include "rules.hpp"
#include "setting.hpp"

namespace myct::network {
namespace {

constexpr const char* kDescription = "network.json";
constexpr int kPrefix = 16;
constexpr size_t kLongestAlias = 255;

void switch_forwarding_on() {
  const std::string path = "/proc/sys/net/ipv4/ip_forward";
  if (is_set(path, "1")) return;
  log::info("switch on net.ipv4.ip_forward: without it no container reaches another host");
  write_setting(path, "1");
}

/// A host that forwards takes no routes from its routers any more, unless it is told to: those by which it has got its
/// own default route are told (ip-sysctl, accept_ra).
void keep_routes_from_routers(NetlinkSocket& route) {
  for (const Route& entry : list_routes(route, Family::Inet6)) {
    const std::optional<Link> link = entry.destination.prefix == 0 ? find_link(route, entry.index) : std::nullopt;
    if (!link) continue;
    const std::string path = setting_of("ipv6", link->name, "accept_ra");
    if (is_set(path, "1")) write_setting(path, "2");
  }
}

void switch_ipv6_forwarding_on(NetlinkSocket& route) {
  const std::string path = setting_of("ipv6", "all", "forwarding");
  if (is_set(path, "1")) return;
  log::info("switch on net.ipv6.conf.all.forwarding: without it no container reaches another host");
  keep_routes_from_routers(route);
  write_setting(path, "1");
}

void give_ipv6(NetlinkSocket& route, const Link& link, const AddressPlan& plan) {
  const std::string path = setting_of("ipv6", link.name, "disable_ipv6");
  if (!path_exists(path))
    throw Error(ErrorKind::Unsupported, fmt::format("give bridge '{}' an IPv6 address", link.name), EAFNOSUPPORT,
                "the host has no IPv6 (ipv6.disable=1?)");
  write_setting(path, "0");
  if (!has_address(route, link.index, plan.gateway)) add_address(route, link.index, plan.gateway, plan.subnet);
}

/// 10.88.0.0/16 to 10.255.0.0/16, then 172.16.0.0/16 to 172.31.0.0/16.
Subnet choose_subnet() {
  NetlinkSocket route = NetlinkSocket::open(NETLINK_ROUTE);
  const std::vector<Route> routes = list_routes(route);
  for (uint32_t second = 0x58; second <= 0xff; ++second) {
    const Subnet subnet{.base = {.value = 0x0a000000U | (second << 16U)}, .prefix = kPrefix};
    if (!has_route_into(routes, subnet)) return subnet;
  }
  for (uint32_t second = 0x10; second <= 0x1f; ++second) {
    const Subnet subnet{.base = {.value = 0xac000000U | (second << 16U)}, .prefix = kPrefix};
    if (!has_route_into(routes, subnet)) return subnet;
  }
  throw Error(ErrorKind::Conflict, "find a subnet for the network 'bridge': the host has routes to all of them", 0,
              "use --network none or host");
}

AddressPlan plan_of(const Subnet& subnet) {
  return {.subnet = subnet, .range = subnet, .gateway = subnet.first_host()};
}

/// The one that is configured.
Subnet take_subnet(const std::string& wanted) {
  constexpr int kLeastHostBits = 2;
  const std::optional<Subnet> subnet = parse_subnet(wanted);
  if (!subnet || subnet->family() != Family::Inet || subnet->width() - subnet->prefix < kLeastHostBits)
    throw Error(ErrorKind::Usage, fmt::format("invalid subnet '{}' of the default network", wanted), 0,
                "give IPv4 addresses in --bridge-subnet or MYCT_BRIDGE_SUBNET, such as 10.88.0.0/16");
  NetlinkSocket route = NetlinkSocket::open(NETLINK_ROUTE);
  if (has_route_into(list_routes(route), *subnet))
    throw Error(ErrorKind::Conflict, fmt::format("the host has a route into subnet {} of the default network", wanted),
                0, "see 'ip route', and give another in --bridge-subnet or MYCT_BRIDGE_SUBNET");
  return *subnet;
}

std::optional<Bridge> load_description(const std::string& directory) {
  const std::string path = directory + "/" + kDescription;
  const std::optional<std::string> text = try_read_file(path);
  if (!text) return std::nullopt;
  const json::Value value = json::parse(*text, path);
  std::string subnet;
  Bridge bridge{};
  json::read(value, "bridge", bridge.name);
  json::read(value, "subnet", subnet);
  const std::optional<Subnet> parsed = parse_subnet(subnet);
  if (!parsed || bridge.name.empty())
    throw Error(ErrorKind::Invalid, fmt::format("read '{}': no bridge and subnet in it", path), 0, "remove it");
  bridge.ipv4 = plan_of(*parsed);
  return bridge;
}

/// The host's ways out. The first decides how large packets may be: larger ones would be lost where fragments are.
std::vector<Link> find_uplinks(NetlinkSocket& route) {
  std::vector<Link> uplinks;
  for (const Family family : {Family::Inet, Family::Inet6})
    for (const Route& entry : list_routes(route, family))
      if (entry.destination.prefix == 0)
        if (std::optional<Link> link = find_link(route, entry.index)) uplinks.push_back(std::move(*link));
  return uplinks;
}

void warn_of_legacy(const Bridge& bridge) {
  for (const Family family : {Family::Inet, Family::Inet6}) {
    if (family == Family::Inet6 && !bridge.ipv6) continue;
    if (const std::optional<std::string> remedy = remedy_for_legacy(family, LegacyChain::Forward))
      log::warning("the old iptables forward nothing unless told: let containers' packets through by '{}'", *remedy);
    if (bridge.name == kDefaultBridge) continue;  // it has no name server
    if (const std::optional<std::string> remedy = remedy_for_legacy(family, LegacyChain::Input))
      log::warning("the old iptables let nothing in unless told: let questions to name servers through by '{}'",
                   *remedy);
  }
}

/// Makes the bridge itself, or takes the one that is there.
struct Made {
  Link link;
  bool is_new = false;
};
Made make_link(NetlinkSocket& route, const Bridge& bridge, const std::vector<Link>& uplinks) {
  if (std::optional<Link> link = find_link(route, bridge.name)) {
    if (link->kind == "bridge") return {.link = std::move(*link)};
    throw Error(ErrorKind::Conflict, fmt::format("interface '{}' is not a bridge", bridge.name), 0,
                "rename or remove it");
  }
  create_bridge(route, bridge.name, mac_of(bridge.ipv4.gateway), uplinks.empty() ? 0 : uplinks.front().mtu);
  std::optional<Link> link = find_link(route, bridge.name);
  if (!link) throw_error(ErrorKind::System, "bridge '{}' was removed as soon as it was made", bridge.name);
  warn_of_legacy(bridge);
  return {.link = std::move(*link), .is_new = true};
}

/// Its addresses, the host's settings for it, and the rules.
void complete_bridge(NetlinkSocket& route, NetlinkSocket& netfilter, const Bridge& bridge, const Link& link,
                     const std::vector<Link>& uplinks, const std::function<void()>& restore) {
  const AddressPlan& ipv4 = bridge.ipv4;
  if (!has_address(route, link.index, ipv4.gateway)) add_address(route, link.index, ipv4.gateway, ipv4.subnet);
  write_setting(setting_of("ipv4", bridge.name, "route_localnet"), "1");
  ignore_routers_on(bridge.name);  // a container may not tell the host by where its packets go (CVE-2020-13401)
  switch_forwarding_on();
  if (bridge.ipv6) {
    give_ipv6(route, link, *bridge.ipv6);
    if (!bridge.internal) switch_ipv6_forwarding_on(route);
  }
  ensure_table(netfilter);
  restore();
  for (const Link& uplink : uplinks) add_elements(netfilter, std::vector{element_of_uplink(uplink.name)});
  add_elements(netfilter, elements_of(bridge));
}

/// All that containers share, under a lock: of many that start at once, one makes it. What cannot be made whole is
/// taken away again.
Link make_bridge(NetlinkSocket& route, NetlinkSocket& netfilter, const std::string& directory, const Bridge& bridge,
                 const std::function<void()>& restore) {
  const std::vector<Link> uplinks = find_uplinks(route);
  const auto [link, is_new] = make_link(route, bridge, uplinks);
  try {
    const std::string mark = mark_of(directory);
    if ((is_new || (link.alias.empty() && is_ours(link))) && mark.size() <= kLongestAlias)
      set_alias(route, link.index, mark);
    complete_bridge(route, netfilter, bridge, link, uplinks, restore);
  } catch (const Error&) {
    if (is_new) remove_link(route, bridge.name);
    throw;
  }
  return link;
}

}  // namespace

std::vector<Element> elements_of(const Bridge& bridge) {
  std::vector<Subnet> translated = {bridge.ipv4.subnet};
  if (bridge.ipv6 && bridge.ipv6_mode == Ipv6Mode::Translated) translated.push_back(bridge.ipv6->subnet);
  return elements_of_bridge(bridge.name, translated, bridge.internal ? Reach::Internal : Reach::Outside);
}

Bridge describe_default_bridge(const std::string& directory, const std::string& wanted) {
  if (std::optional<Bridge> bridge = load_description(directory)) return *bridge;
  make_directories(directory);
  const FileLock lock = FileLock::acquire(directory + "/lock");
  if (std::optional<Bridge> bridge = load_description(directory)) return *bridge;
  Bridge bridge{
      .name = kDefaultBridge, .ipv4 = plan_of(wanted.empty() ? choose_subnet() : take_subnet(wanted)), .ipv6 = {}};
  const Fd fd = open_path(directory, O_RDONLY | O_DIRECTORY);
  const json::Value value{{"bridge", bridge.name}, {"subnet", to_text(bridge.ipv4.subnet)}};
  create_atomically(fd.ref(), kDescription, value.dump(), Durability::SurvivesProcessDeath);
  return bridge;
}

std::string mark_of(const std::string& directory) { return std::string(kMark) + directory; }

bool is_ours(const Link& bridge) {
  if (bridge.kind != "bridge") return false;
  if (!bridge.alias.empty()) return bridge.alias.starts_with(kMark);
  constexpr std::string_view kBeginning = "br-";
  const bool is_generated = bridge.name.starts_with(kBeginning) && bridge.name.size() == IFNAMSIZ - 1 &&
                            bridge.name.find_first_not_of("0123456789abcdef", kBeginning.size()) == std::string::npos;
  return is_generated || bridge.name == kDefaultBridge;
}

bool is_of_another(const Link& bridge, const std::string& directory) {
  return bridge.alias.starts_with(kMark) && bridge.alias != mark_of(directory);
}

void remove_bridge(NetlinkSocket& route, NetlinkSocket& netfilter, const std::string& directory, const Bridge& bridge) {
  const std::optional<Link> link = find_link(route, bridge.name);
  if (link && is_of_another(*link, directory)) return;
  const std::vector<Element> elements = elements_of(bridge);
  if (has_element(netfilter, elements.front())) remove_elements(netfilter, elements);
  if (link && is_ours(*link)) remove_link(route, bridge.name);
}

Link ensure_bridge(NetlinkSocket& route, NetlinkSocket& netfilter, const std::string& directory, const Bridge& bridge,
                   const std::function<void()>& restore) {
  // Its elements are made last: where they are, all the rest is, unless the rules were flushed.
  if (has_element(netfilter, elements_of(bridge).front()) && has_rules(netfilter))
    if (const std::optional<Link> link = find_link(route, bridge.name); link && link->kind == "bridge") return *link;
  const FileLock lock = FileLock::acquire(directory + "/lock");
  return make_bridge(route, netfilter, directory, bridge, restore);
}

}  // namespace myct::network
