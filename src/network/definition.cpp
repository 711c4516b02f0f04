#include "myct/network/definition.hpp"

#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "address.hpp"
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
  json::Value value{
      {"name", definition.name},     {"id", definition.id},         {"created", format_time(definition.created)},
      {"bridge", definition.bridge}, {"subnet", definition.subnet}, {"gateway", definition.gateway}};
  json::write_unless_empty(value, "ipRange", definition.ip_range);
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
  json::read(value, "bridge", definition.bridge);
  json::read(value, "subnet", definition.subnet);
  json::read(value, "gateway", definition.gateway);
  json::read(value, "ipRange", definition.ip_range);
  json::read(value, "internal", definition.internal);
  json::read(value, "labels", definition.labels);
  json::read(value, "options", definition.options);
  const std::optional<SystemTime> time = parse_time(created);
  const bool is_whole = time && !definition.id.empty() && !definition.bridge.empty() &&
                        parse_subnet(definition.subnet) && parse_ipv4(definition.gateway);
  if (!is_whole)
    throw Error(ErrorKind::Invalid, fmt::format("read '{}': a member is missing or malformed", path), 0,
                "remove its directory, and make the network again");
  definition.created = *time;
  return definition;
}

Subnet need_subnet(const std::string& text, const char* option) {
  if (const std::optional<Subnet> subnet = parse_subnet(text); subnet && subnet->prefix <= 30) return *subnet;
  throw Error(ErrorKind::Usage, fmt::format("invalid {} '{}'", option, text), 0,
              "give an IPv4 subnet of at least four addresses, its own bits 0, such as 10.90.0.0/24");
}

/// The network whose subnet overlaps; nullptr when there is none.
const Definition* find_overlap(const Subnet& subnet, const std::vector<Definition>& others) {
  const auto found = std::ranges::find_if(others, [&](const Definition& other) {
    const std::optional<Subnet> taken = parse_subnet(other.subnet);
    return taken && taken->overlaps(subnet);
  });
  return found == others.end() ? nullptr : &*found;
}

void check_subnet(const Subnet& subnet, const std::vector<Definition>& others) {
  if (const Definition* other = find_overlap(subnet, others))
    throw_error(ErrorKind::Conflict, "subnet {} overlaps with {} of network '{}'", to_text(subnet), other->subnet,
                other->name);
}

std::vector<Route> routes_of_host() {
  NetlinkSocket route = NetlinkSocket::open(NETLINK_ROUTE);
  return list_routes(route);
}

Subnet choose_subnet(const std::vector<Definition>& others) {
  const std::vector<Route> routes = routes_of_host();
  for (uint32_t base = kFirstSubnet; base <= kLastSubnet; base += kStep) {
    const Subnet subnet{.base = {base}, .prefix = kPrefix};
    if (find_overlap(subnet, others) == nullptr && !has_route_into(routes, subnet)) return subnet;
  }
  throw Error(ErrorKind::Conflict, "find a subnet for the network: the host has routes to all of them", 0,
              "give one with --subnet");
}

Ipv4 choose_gateway(const std::string& wanted, const Subnet& subnet) {
  if (wanted.empty()) return {subnet.base.value + 1};
  const std::optional<Ipv4> gateway = parse_ipv4(wanted);
  if (!gateway || !subnet.contains(*gateway) || *gateway == subnet.base || *gateway == subnet.broadcast())
    throw_error(ErrorKind::Usage, "invalid --gateway '{}': it is no address of a host in {}", wanted, to_text(subnet));
  return *gateway;
}

void check_range(const std::string& wanted, const Subnet& subnet) {
  if (wanted.empty()) return;
  const std::optional<Subnet> range = parse_subnet(wanted);
  if (!range || !subnet.contains(range->base) || range->prefix < subnet.prefix)
    throw_error(ErrorKind::Usage, "invalid --ip-range '{}': it is no part of {}", wanted, to_text(subnet));
}

std::string choose_bridge(const DefinitionRequest& request, const std::string& id,
                          const std::vector<Definition>& others) {
  if (request.bridge.empty()) return "br-" + id.substr(0, IFNAMSIZ - 1 - 3);
  const bool is_name = request.bridge.size() < IFNAMSIZ && request.bridge != "." && request.bridge != ".." &&
                       request.bridge.find_first_of("/: \t\n") == std::string::npos;
  if (!is_name)
    throw_error(ErrorKind::Usage, "invalid bridge name '{}': at most {} letters, without '/', ':' and blanks",
                request.bridge, IFNAMSIZ - 1);
  for (const Definition& other : others)
    if (other.bridge == request.bridge)
      throw_error(ErrorKind::Conflict, "bridge '{}' is that of network '{}'", request.bridge, other.name);
  return request.bridge;
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
  Subnet subnet;
  if (request.subnet.empty() && (!request.gateway.empty() || !request.ip_range.empty()))
    throw_error(ErrorKind::Usage, "--gateway and --ip-range need --subnet");
  if (request.subnet.empty()) {
    subnet = choose_subnet(others);
  } else {
    subnet = need_subnet(request.subnet, "--subnet");
    check_subnet(subnet, others);
    if (has_route_into(routes_of_host(), subnet))
      throw Error(ErrorKind::Conflict, fmt::format("the host has a route into subnet {}", to_text(subnet)), 0,
                  "see 'ip route', and choose another");
  }
  Definition definition{.name = request.name,
                        .id = state::make_id(),
                        .created = std::chrono::system_clock::now(),
                        .bridge = {},
                        .subnet = to_text(subnet),
                        .gateway = to_text(choose_gateway(request.gateway, subnet)),
                        .ip_range = request.ip_range,
                        .internal = request.internal,
                        .labels = request.labels,
                        .options = request.options};
  check_range(request.ip_range, subnet);
  definition.bridge = choose_bridge(request, definition.id, others);
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
