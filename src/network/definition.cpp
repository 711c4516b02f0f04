#include "myct/network/definition.hpp"

#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "address.hpp"
#include "bridge.hpp"
#include "link.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/json.hpp"
#include "myct/base/log.hpp"
#include "myct/network/network.hpp"
#include "myct/state/names.hpp"
#include "netlink.hpp"

namespace myct::network {
namespace {

constexpr const char* kFile = "network.json";
constexpr size_t kShortId = 12;
/// 10.89.0.0/24 to 10.255.255.0/24: as podman's.
constexpr uint32_t kFirstSubnet = 0x0a590000;
constexpr uint32_t kLastSubnet = 0x0affff00;
constexpr uint32_t kStep = 0x100;
constexpr int kPrefix = 24;

std::string path_of(const std::string& directory, const std::string& name) {
  return directory + "/" + name + "/" + kFile;
}

std::string to_json(const Definition& definition) {
  json::Value value{{"name", definition.name},      {"driver", definition.driver},
                    {"id", definition.id},          {"created", format_time(definition.created)},
                    {"bridge", definition.bridge},  {"subnet", definition.subnet},
                    {"gateway", definition.gateway}};
  json::write_unless_empty(value, "parent", definition.parent);
  json::write_unless_empty(value, "mode", definition.mode);
  json::write_unless_empty(value, "ipRange", definition.ip_range);
  json::write_unless_empty(value, "subnet6", definition.subnet6);
  json::write_unless_empty(value, "gateway6", definition.gateway6);
  json::write_unless_empty(value, "ipRange6", definition.ip_range6);
  if (definition.routed6) value["routed6"] = true;
  if (definition.internal) value["internal"] = true;
  json::write_unless_empty(value, "labels", definition.labels);
  json::write_unless_empty(value, "options", definition.options);
  return value.dump();
}

Definition from_json(const json::Value& value, const std::string& path) {
  Definition definition;
  std::string created;
  json::read(value, "name", definition.name);
  json::read(value, "id", definition.id);
  json::read(value, "created", created);
  json::read(value, "driver", definition.driver);
  json::read(value, "bridge", definition.bridge);
  json::read(value, "parent", definition.parent);
  json::read(value, "mode", definition.mode);
  json::read(value, "subnet", definition.subnet);
  json::read(value, "gateway", definition.gateway);
  json::read(value, "ipRange", definition.ip_range);
  json::read(value, "subnet6", definition.subnet6);
  json::read(value, "gateway6", definition.gateway6);
  json::read(value, "ipRange6", definition.ip_range6);
  json::read(value, "routed6", definition.routed6);
  json::read(value, "internal", definition.internal);
  json::read(value, "labels", definition.labels);
  json::read(value, "options", definition.options);
  const std::optional<SystemTime> time = parse_time(created);
  const bool is_whole = time && !definition.id.empty() && definition.bridge.empty() != definition.parent.empty() &&
                        parse_subnet(definition.subnet) && parse_address(definition.gateway) &&
                        definition.subnet6.empty() == definition.gateway6.empty();
  if (!is_whole)
    throw Error(ErrorKind::Invalid, fmt::format("read '{}': a member is missing or malformed", path), 0,
                "remove its directory, and make the network again");
  definition.created = *time;
  return definition;
}

bool is_of(Family family, const std::string& address) {
  return (address.find(':') != std::string::npos) == (family == Family::Inet6);
}

/// The one of the words that is of this family; empty when there is none. Throws Error{Usage} when there are two.
std::string pick(const std::vector<std::string>& words, Family family, const char* option) {
  std::string found;
  for (const std::string& word : words) {
    if (!is_of(family, word)) continue;
    if (!found.empty()) throw_error(ErrorKind::Usage, "{} '{}' and '{}' are of one family", option, found, word);
    found = word;
  }
  return found;
}

Subnet need_subnet(const std::string& text) {
  constexpr int kLeastHostBits = 2;
  if (const std::optional<Subnet> subnet = parse_subnet(text); subnet)
    if (subnet->width() - subnet->prefix >= kLeastHostBits) return *subnet;
  throw Error(ErrorKind::Usage, fmt::format("invalid --subnet '{}'", text), 0,
              "give a subnet of at least four addresses, its own bits 0, such as 10.90.0.0/24 or fd00:1::/64");
}

/// The network whose subnet overlaps; nullptr when there is none.
const Definition* find_overlap(const Subnet& subnet, const std::vector<Definition>& others) {
  const auto found = std::ranges::find_if(others, [&](const Definition& other) {
    const std::optional<Subnet> taken = parse_subnet(subnet.family() == Family::Inet ? other.subnet : other.subnet6);
    return taken && taken->overlaps(subnet);
  });
  return found == others.end() ? nullptr : &*found;
}

std::vector<Route> routes_of_host(Family family) {
  NetlinkSocket route = NetlinkSocket::open(NETLINK_ROUTE);
  return list_routes(route, family);
}

/// The parent's own subnet is what macvlan's and ipvlan's containers share.
void check_subnet(const Subnet& subnet, const std::string& driver, const std::vector<Definition>& others) {
  if (const Definition* other = find_overlap(subnet, others))
    throw_error(ErrorKind::Conflict, "subnet {} overlaps with that of network '{}'", to_text(subnet), other->name);
  if (driver == kBridgeDriver && has_route_into(routes_of_host(subnet.family()), subnet))
    throw Error(ErrorKind::Conflict, fmt::format("the host has a route into subnet {}", to_text(subnet)), 0,
                "see 'ip route', and choose another");
}

Subnet choose_subnet(const std::vector<Definition>& others) {
  const std::vector<Route> routes = routes_of_host(Family::Inet);
  for (uint32_t base = kFirstSubnet; base <= kLastSubnet; base += kStep) {
    const Subnet subnet{.base = {.value = base}, .prefix = kPrefix};
    if (find_overlap(subnet, others) == nullptr && !has_route_into(routes, subnet)) return subnet;
  }
  throw Error(ErrorKind::Conflict, "find a subnet for the network: the host has routes to all of them", 0,
              "give one with --subnet");
}

/// fdxx:xxxx:xxxx:xxxx::/64 with bits of the network's random id, so that it is unique without being looked up
/// (RFC 4193, section 3.2).
Subnet make_local_subnet(const std::string& id) {
  return *parse_subnet(
      fmt::format("fd{}:{}:{}:{}::/64", id.substr(0, 2), id.substr(2, 4), id.substr(6, 4), id.substr(10, 4)));
}

Address choose_gateway(const std::string& wanted, const Subnet& subnet) {
  if (wanted.empty()) return subnet.first_host();
  const std::optional<Address> gateway = parse_address(wanted);
  if (!gateway || !subnet.is_host(*gateway))
    throw_error(ErrorKind::Usage, "invalid --gateway '{}': it is no address of a host in {}", wanted, to_text(subnet));
  return *gateway;
}

std::string check_range(const std::string& wanted, const Subnet& subnet) {
  if (wanted.empty()) return {};
  const std::optional<Subnet> range = parse_subnet(wanted);
  if (!range || !subnet.contains(range->base) || range->prefix < subnet.prefix)
    throw_error(ErrorKind::Usage, "invalid --ip-range '{}': it is no part of {}", wanted, to_text(subnet));
  return wanted;
}

/// What the request says of one family.
struct Wanted {
  std::string subnet;
  std::string gateway;
  std::string ip_range;
};
Wanted wanted_of(const DefinitionRequest& request, Family family) {
  Wanted wanted{.subnet = pick(request.subnets, family, "--subnet"),
                .gateway = pick(request.gateways, family, "--gateway"),
                .ip_range = pick(request.ip_ranges, family, "--ip-range")};
  if (wanted.subnet.empty() && (!wanted.gateway.empty() || !wanted.ip_range.empty()))
    throw_error(ErrorKind::Usage, "--gateway and --ip-range need a --subnet of their family");
  return wanted;
}

void choose_addresses(Definition& definition, const Wanted& wanted, const std::vector<Definition>& others) {
  const Subnet subnet = wanted.subnet.empty() ? choose_subnet(others) : need_subnet(wanted.subnet);
  if (!wanted.subnet.empty()) check_subnet(subnet, definition.driver, others);
  definition.subnet = to_text(subnet);
  definition.gateway = to_text(choose_gateway(wanted.gateway, subnet));
  definition.ip_range = check_range(wanted.ip_range, subnet);
}

void choose_addresses6(Definition& definition, const Wanted& wanted, const std::vector<Definition>& others) {
  const Subnet subnet = wanted.subnet.empty() ? make_local_subnet(definition.id) : need_subnet(wanted.subnet);
  check_subnet(subnet, definition.driver, others);
  definition.subnet6 = to_text(subnet);
  definition.gateway6 = to_text(choose_gateway(wanted.gateway, subnet));
  definition.ip_range6 = check_range(wanted.ip_range, subnet);
}

std::string choose_bridge(const DefinitionRequest& request, const std::string& id,
                          const std::vector<Definition>& others) {
  if (request.bridge.empty()) return "br-" + id.substr(0, IFNAMSIZ - 1 - 3);
  const auto is_letter = [](char byte) {
    return std::isalnum(static_cast<unsigned char>(byte)) != 0 || byte == '_' || byte == '-' || byte == '.';
  };
  // "all" and "default" are directories of the kernel's settings, and a "%" in a name is a pattern to it.
  const bool is_name = request.bridge.size() < IFNAMSIZ && std::ranges::all_of(request.bridge, is_letter) &&
                       request.bridge.front() != '.' && request.bridge != "all" && request.bridge != "default";
  if (!is_name)
    throw_error(ErrorKind::Usage, "invalid bridge name '{}': at most {} letters, digits, '_', '-' and '.'",
                request.bridge, IFNAMSIZ - 1);
  if (request.bridge == kDefaultBridge)
    throw_error(ErrorKind::Conflict, "bridge '{}' is that of network '{}'", request.bridge, kDefaultNetwork);
  NetlinkSocket route = NetlinkSocket::open(NETLINK_ROUTE);
  if (const std::optional<Link> link = find_link(route, request.bridge); link && link->kind != "bridge")
    throw_error(ErrorKind::Conflict, "interface '{}' is not a bridge", request.bridge);
  for (const Definition& other : others)
    if (other.bridge == request.bridge)
      throw_error(ErrorKind::Conflict, "bridge '{}' is that of network '{}'", request.bridge, other.name);
  return request.bridge;
}

void check_parent(const DefinitionRequest& request) {
  NetlinkSocket route = NetlinkSocket::open(NETLINK_ROUTE);
  if (!find_link(route, request.parent))
    throw Error(ErrorKind::NotFound, fmt::format("no such interface of the host: '{}'", request.parent), 0,
                "see 'ip link'");
}

}  // namespace

void check_network_name(std::string_view name) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  const bool is_name = !name.empty() && kLetters.find(name.front()) != std::string_view::npos &&
                       name.find_first_not_of(std::string(kLetters) + "_.-") == std::string_view::npos &&
                       name.size() <= 255;
  if (!is_name)
    throw_error(ErrorKind::Usage,
                "invalid network name '{}': letters, digits, '_', '.' and '-', a letter or digit first", name);
  constexpr std::array<std::string_view, 5> kTaken = {"bridge", "default", "host", "none", "container"};
  if (std::ranges::find(kTaken, name) != kTaken.end())
    throw_error(ErrorKind::Conflict, "network name '{}' is reserved", name);
}

Definition define(const std::string& directory, const DefinitionRequest& request) {
  check_network_name(request.name);
  make_directories(directory);
  // Of two that want the same subnet one gets it.
  const FileLock lock = FileLock::acquire(directory + "/.lock");
  const std::vector<Definition> others = list_definitions(directory);
  if (std::ranges::any_of(others, [&](const Definition& other) { return other.name == request.name; }))
    throw Error(ErrorKind::Conflict, fmt::format("there is a network '{}' already", request.name), 0,
                "choose another name, or remove it with 'myct network rm'");
  Definition definition{.name = request.name,
                        .driver = request.driver,
                        .id = state::make_id(),
                        .created = std::chrono::system_clock::now(),
                        .parent = request.parent,
                        .mode = request.mode,
                        .routed6 = request.routed6,
                        .internal = request.internal,
                        .labels = request.labels,
                        .options = request.options};
  choose_addresses(definition, wanted_of(request, Family::Inet), others);
  const Wanted wanted6 = wanted_of(request, Family::Inet6);
  if (request.ipv6 || !wanted6.subnet.empty()) choose_addresses6(definition, wanted6, others);
  if (request.driver == kBridgeDriver)
    definition.bridge = choose_bridge(request, definition.id, others);
  else
    check_parent(request);
  const std::string own = directory + "/" + definition.name;
  make_directories(own);
  const Fd fd = open_path(own, O_RDONLY | O_DIRECTORY);
  create_atomically(fd.ref(), kFile, to_json(definition), Durability::SurvivesPowerLoss);
  return definition;
}

std::optional<Definition> load_definition(const std::string& directory, const std::string& name) {
  const std::string path = path_of(directory, name);
  const std::optional<std::string> text = try_read_file(path);
  if (!text) return std::nullopt;
  return from_json(json::parse(*text, path), path);
}

std::vector<Definition> list_definitions(const std::string& directory) {
  std::vector<Definition> all;
  if (!path_exists(directory)) return all;
  for (const std::string& name : list_directory(directory, Hidden::LeaveOut)) {
    try {
      if (std::optional<Definition> definition = load_definition(directory, name))
        all.push_back(std::move(*definition));
    } catch (const Error& error) {
      log::warning("network '{}' is left out: {}", name, error.what());
    }
  }
  std::ranges::sort(all, {}, &Definition::name);
  return all;
}

std::optional<Definition> find_definition(const std::string& directory, std::string_view reference) {
  std::optional<Definition> found;
  for (Definition& definition : list_definitions(directory)) {
    if (definition.name == reference || definition.id == reference) return definition;
    if (reference.empty() || !definition.id.starts_with(reference)) continue;
    if (found)
      throw_error(ErrorKind::Conflict, "'{}' is the beginning of several networks' ids: {} and {}", reference,
                  found->id.substr(0, kShortId), definition.id.substr(0, kShortId));
    found = std::move(definition);
  }
  return found;
}

}  // namespace myct::network
