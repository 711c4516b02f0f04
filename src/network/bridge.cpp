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

namespace myct::network {
namespace {

constexpr const char* kDefaultBridge = "myct0";
constexpr const char* kDescription = "network.json";
constexpr int kPrefix = 16;
constexpr size_t kLongestAlias = 255;

std::vector<Element> elements_of(const Bridge& bridge) {
  return elements_of_bridge(bridge.name, bridge.subnet, bridge.internal ? Reach::Internal : Reach::Outside);
}

void write_setting(const std::string& path, const char* value) {
  if (try_read_file(path).value_or("").starts_with(value)) return;
  const Fd file = open_path(path, O_WRONLY);
  write_all(file.ref(), value, path);
}

void switch_forwarding_on() {
  const std::string path = "/proc/sys/net/ipv4/ip_forward";
  if (try_read_file(path).value_or("").starts_with("1")) return;
  log::info("switch on net.ipv4.ip_forward: without it no container reaches another host");
  write_setting(path, "1");
}

/// 10.88.0.0/16 to 10.255.0.0/16, then 172.16.0.0/16 to 172.31.0.0/16.
Subnet choose_subnet() {
  NetlinkSocket route = NetlinkSocket::open(NETLINK_ROUTE);
  const std::vector<Route> routes = list_routes(route);
  for (uint32_t second = 0x58; second <= 0xff; ++second) {
    const Subnet subnet{.base = {0x0a000000U | (second << 16U)}, .prefix = kPrefix};
    if (!has_route_into(routes, subnet)) return subnet;
  }
  for (uint32_t second = 0x10; second <= 0x1f; ++second) {
    const Subnet subnet{.base = {0xac000000U | (second << 16U)}, .prefix = kPrefix};
    if (!has_route_into(routes, subnet)) return subnet;
  }
  throw Error(ErrorKind::Conflict, "find a subnet for the network 'bridge': the host has routes to all of them", 0,
              "use --network none or host");
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
  bridge.subnet = bridge.range = *parsed;
  bridge.gateway = {parsed->base.value + 1};
  return bridge;
}

/// The host's way out, which decides how large packets may be: larger ones would be lost where fragments are.
std::optional<Link> find_uplink(NetlinkSocket& route) {
  for (const Route& entry : list_routes(route))
    if (entry.destination.prefix == 0)
      if (std::optional<Link> link = find_link(route, entry.index)) return link;
  return std::nullopt;
}

/// All that containers share, under a lock: of many that start at once, one makes it.
Link make_bridge(NetlinkSocket& route, NetlinkSocket& netfilter, const std::string& directory, const Bridge& bridge,
                 const std::function<void()>& restore) {
  const std::optional<Link> uplink = find_uplink(route);
  std::optional<Link> link = find_link(route, bridge.name);
  if (link && link->kind != "bridge")
    throw Error(ErrorKind::Conflict, fmt::format("interface '{}' is not a bridge", bridge.name), 0,
                "rename or remove it");
  bool is_made = false;
  if (!link) {
    create_bridge(route, bridge.name, uplink ? uplink->mtu : 0);
    link = find_link(route, bridge.name);
    if (!link) throw_error(ErrorKind::System, "bridge '{}' was removed as soon as it was made", bridge.name);
    is_made = true;
    if (const std::optional<std::string> remedy = remedy_for_legacy_forward())
      log::warning("the old iptables forward nothing unless told: let containers' packets through by '{}'", *remedy);
  }
  const std::string mark = mark_of(directory);
  if ((is_made || (link->alias.empty() && is_ours(*link))) && mark.size() <= kLongestAlias)
    set_alias(route, link->index, mark);
  if (!has_address(route, link->index, bridge.gateway)) add_address(route, link->index, bridge.gateway, bridge.subnet);
  write_setting(fmt::format("/proc/sys/net/ipv4/conf/{}/route_localnet", bridge.name), "1");
  switch_forwarding_on();
  ensure_table(netfilter);
  restore();
  if (uplink) add_elements(netfilter, std::vector{element_of_uplink(uplink->name)});
  add_elements(netfilter, elements_of(bridge));
  return *link;
}

}  // namespace

Bridge describe_default_bridge(const std::string& directory) {
  if (std::optional<Bridge> bridge = load_description(directory)) return *bridge;
  make_directories(directory);
  const FileLock lock = FileLock::acquire(directory + "/lock");
  if (std::optional<Bridge> bridge = load_description(directory)) return *bridge;
  Bridge bridge{.name = kDefaultBridge, .subnet = choose_subnet(), .range = {}, .gateway = {}, .internal = false};
  bridge.range = bridge.subnet;
  bridge.gateway = {bridge.subnet.base.value + 1};
  const Fd fd = open_path(directory, O_RDONLY | O_DIRECTORY);
  const json::Value value{{"bridge", bridge.name}, {"subnet", to_text(bridge.subnet)}};
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

void remove_bridge(NetlinkSocket& route, NetlinkSocket& netfilter, const Bridge& bridge) {
  const std::vector<Element> elements = elements_of(bridge);
  if (has_element(netfilter, elements.front())) remove_elements(netfilter, elements);
  if (const std::optional<Link> link = find_link(route, bridge.name); link && is_ours(*link))
    remove_link(route, bridge.name);
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
