#include "attachment.hpp"

#include <cstdio>

#include "addresses.hpp"
#include "endpoint.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/state/names.hpp"
#include "name_table.hpp"
#include "published.hpp"

namespace myct::network {
namespace {

constexpr size_t kPairDigits = 11;  // "veth" and these fill an interface's name

std::string to_text(const Mac& mac) {
  return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

std::optional<Mac> parse_mac(const std::string& text) {
  Mac mac{};
  unsigned bytes[6];
  char end = 0;
  if (std::sscanf(text.c_str(), "%2x:%2x:%2x:%2x:%2x:%2x%c", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4],
                  &bytes[5], &end) != 6)
    return std::nullopt;
  for (size_t index = 0; index < mac.size(); ++index) mac[index] = static_cast<uint8_t>(bytes[index]);
  return mac;
}

/// Of texts that this part has written itself. Throws Error.
AddressPlan plan_of(const std::string& subnet, const std::string& range, const std::string& gateway,
                    const std::string& network) {
  const std::optional<Subnet> parsed = parse_subnet(subnet);
  const std::optional<Address> own = parse_address(gateway);
  if (!parsed || !own) throw_error(ErrorKind::Internal, "malformed addresses of network '{}'", network);
  return {.subnet = *parsed, .range = parse_subnet(range).value_or(*parsed), .gateway = *own};
}

Bridge bridge_of(const Definition& definition) {
  const std::string& name = definition.name;
  Bridge bridge{.name = definition.bridge,
                .ipv4 = plan_of(definition.subnet, definition.ip_range, definition.gateway, name),
                .ipv6 = {},
                .ipv6_mode = definition.routed6 ? Ipv6Mode::Routed : Ipv6Mode::Translated,
                .internal = definition.internal};
  if (!definition.subnet6.empty())
    bridge.ipv6 = plan_of(definition.subnet6, definition.ip_range6, definition.gateway6, name);
  return bridge;
}

/// "veth" and as many random digits as fill an interface's name: the last run's pair may not be gone yet.
std::string name_of_pair() { return "veth" + state::make_id().substr(0, kPairDigits); }

/// As Docker: the container's name, its id's beginning, and what the user adds.
std::vector<std::string> names_of(const Station& station, const state::NetworkAttachment& wanted) {
  std::vector<std::string> names = {station.name, short_id(station.id)};
  names.insert(names.end(), wanted.aliases.begin(), wanted.aliases.end());
  return names;
}

void claim(const AddressPool& pool, const std::string& wanted, const std::string& container_id,
           const std::function<void(const Address&)>& note) {
  if (const std::optional<Address> address = parse_address(wanted))
    pool.claim_this(*address, container_id, note);
  else
    (void)pool.claim(container_id, note);
}

void add_own_address(Inside& inside, int index, const std::string& address, const std::string& subnet) {
  const std::optional<Address> own = parse_address(address);
  const std::optional<Subnet> network = parse_subnet(subnet);
  if (!own || !network) throw_error(ErrorKind::Internal, "malformed address '{}' of a container", address);
  add_address(inside.route, index, *own, *network);
}

void hang_on_bridge(const Directories& directories, NetlinkSocket& route, NetlinkSocket& netfilter,
                    const Endpoint& endpoint, Inside& inside, const Mac& mac) {
  const Link bridge = ensure_bridge(route, netfilter, directory_of(directories, endpoint.network), bridge_of(endpoint),
                                    [&] { restore_elements(netfilter, directories); });
  create_veth(route, {.name = endpoint.host_interface,
                      .bridge = bridge.index,
                      .mtu = bridge.mtu,
                      .peer_namespace = inside.space.ref(),
                      .peer_name = endpoint.interface,
                      .peer_mac = mac});
}

void share_parent(NetlinkSocket& route, const Endpoint& endpoint, Inside& inside, const Mac& mac) {
  const std::optional<Link> parent = find_link(route, endpoint.parent);
  if (!parent)
    throw Error(ErrorKind::NotFound,
                fmt::format("interface '{}', which network '{}' shares, is gone", endpoint.parent, endpoint.network), 0,
                "see 'ip link'");
  create_shared_link(route, {.kind = endpoint.driver,
                             .mode = endpoint.mode,
                             .parent = parent->index,
                             .home = inside.space.ref(),
                             .name = endpoint.interface,
                             .mac = mac});
}

/// The container may have changed both: who has taken its interface away has no way out by it.
void add_default_route_by(NetlinkSocket& route, Inside& inside, const Presence& presence, const Endpoint& endpoint,
                          const std::string& gateway) {
  const std::optional<Address> address = parse_address(gateway);
  if (!address || has_default_route(inside.route, address->family)) return;
  const std::optional<int> index = find_interface(route, inside, presence, endpoint);
  if (!index) throw_error(ErrorKind::System, "interface '{}' of the container is gone", endpoint.interface);
  if (endpoint.mode.starts_with("l3"))  // the host routes for it
    add_default_route(inside.route, *index, address->family);
  else
    add_default_route(inside.route, *index, *address);
}

}  // namespace

std::string directory_of(const Directories& directories, const std::string& network) {
  return directories.networks + "/" + network;
}

bool knows_names(const Endpoint& endpoint) { return is_bridged(endpoint) && endpoint.network != kDefaultNetwork; }

Layout describe(const Directories& directories, const std::string& network) {
  if (network == kDefaultNetwork)
    return {.bridge = describe_default_bridge(directory_of(directories, network), directories.bridge_subnet)};
  if (const std::optional<Definition> definition = load_definition(directories.definitions, network))
    return {.driver = definition->driver,
            .bridge = bridge_of(*definition),
            .parent = definition->parent,
            .mode = definition->mode};
  throw Error(ErrorKind::NotFound, fmt::format("no such network: '{}'", network), 0, "see 'myct network ls'");
}

Bridge bridge_of(const Endpoint& endpoint) {
  Bridge bridge{.name = endpoint.bridge,
                .ipv4 = plan_of(endpoint.subnet, {}, endpoint.gateway, endpoint.network),
                .ipv6 = {},
                .ipv6_mode = endpoint.routed6 ? Ipv6Mode::Routed : Ipv6Mode::Translated,
                .internal = endpoint.internal};
  if (!endpoint.address6.empty()) bridge.ipv6 = plan_of(endpoint.subnet6, {}, endpoint.gateway6, endpoint.network);
  return bridge;
}

void reserve_endpoint(const Directories& directories, const Station& station, const state::NetworkAttachment& wanted,
                      const std::string& interface, Presence& presence) {
  const Layout layout = describe(directories, wanted.network);
  const Bridge& bridge = layout.bridge;
  if (!wanted.address6.empty() && !bridge.ipv6)
    throw Error(ErrorKind::Usage, fmt::format("network '{}' has no IPv6", wanted.network), 0,
                "make one that has with 'myct network create --ipv6'");
  const std::string directory = directory_of(directories, wanted.network);
  Endpoint& endpoint = presence.endpoints.emplace_back();
  endpoint.id = state::make_id();
  endpoint.network = wanted.network;
  endpoint.driver = layout.driver;
  endpoint.bridge = bridge.name;
  endpoint.parent = layout.parent;
  endpoint.mode = layout.mode;
  endpoint.interface = interface;
  if (is_bridged(endpoint)) endpoint.host_interface = name_of_pair();
  endpoint.subnet = to_text(bridge.ipv4.subnet);
  endpoint.gateway = to_text(bridge.ipv4.gateway);
  endpoint.prefix = bridge.ipv4.subnet.prefix;
  endpoint.internal = bridge.internal;
  if (knows_names(endpoint))
    endpoint.names = names_of(station, wanted);
  else if (!wanted.aliases.empty())
    throw_error(ErrorKind::Usage, "network '{}' knows no names", wanted.network);
  claim(AddressPool(directory, bridge.ipv4), wanted.address, station.id, [&](const Address& candidate) {
    endpoint.address = to_text(candidate);
    endpoint.mac = wanted.mac.empty() ? to_text(mac_of(candidate)) : wanted.mac;
    save_presence(directories.run_directory, presence);
  });
  if (bridge.ipv6) {
    endpoint.subnet6 = to_text(bridge.ipv6->subnet);
    endpoint.gateway6 = to_text(bridge.ipv6->gateway);
    endpoint.prefix6 = bridge.ipv6->subnet.prefix;
    endpoint.routed6 = bridge.ipv6_mode == Ipv6Mode::Routed;
    claim(AddressPool(directory, *bridge.ipv6), wanted.address6, station.id, [&](const Address& candidate) {
      endpoint.address6 = to_text(candidate);
      save_presence(directories.run_directory, presence);
    });
  }
  // Whoever removes the network looks at the claims after it has taken the definition away.
  if (endpoint.network != kDefaultNetwork) (void)describe(directories, wanted.network);
}

void connect_endpoint(const Directories& directories, NetlinkSocket& route, NetlinkSocket& netfilter,
                      const Presence& presence, Endpoint& endpoint, Inside& inside) {
  const std::optional<Mac> mac = parse_mac(endpoint.mac);
  if (!mac) throw_error(ErrorKind::Internal, "malformed address '{}' of a container", endpoint.mac);
  if (is_bridged(endpoint))
    hang_on_bridge(directories, route, netfilter, endpoint, inside, *mac);
  else
    share_parent(route, endpoint, inside, *mac);
  const std::optional<int> index = find_interface(route, inside, presence, endpoint);
  if (!index) throw_error(ErrorKind::System, "interface '{}' of the container is gone", endpoint.interface);
  if (is_bridged(endpoint))
    ignore_routers_on(inside, *index);  // before it is up; a neighbour may not tell it by where its packets go either
  else
    endpoint.index = *index;
  add_own_address(inside, *index, endpoint.address, endpoint.subnet);
  if (!endpoint.address6.empty()) add_own_address(inside, *index, endpoint.address6, endpoint.subnet6);
  set_up(inside.route, *index);
}

NameServer name_server_of(const Directories& directories, const Endpoint& endpoint) {
  NameServer server{.network = endpoint.network,
                    .directory = directory_of(directories, endpoint.network),
                    .run_containers = directories.run_containers,
                    .bridge = endpoint.bridge,
                    .gateways = {endpoint.gateway},
                    .subnets = {endpoint.subnet},
                    .forwarding = endpoint.internal ? Forwarding::No : Forwarding::Yes};
  if (!endpoint.address6.empty()) {
    server.gateways.push_back(endpoint.gateway6);
    server.subnets.push_back(endpoint.subnet6);
  }
  return server;
}

void make_known(const Directories& directories, const std::string& container_id, const Endpoint& endpoint) {
  if (!knows_names(endpoint)) return;
  const NameTable names(directory_of(directories, endpoint.network));
  for (const std::string& address : endpoint.addresses()) names.add(address, container_id, endpoint.names);
  ensure_name_server(name_server_of(directories, endpoint));
}

void release_endpoint(const Directories& directories, const std::string& container_id, const Endpoint& endpoint) {
  const std::string directory = directory_of(directories, endpoint.network);
  if (!path_exists(directory)) return;
  for (const std::string& address : endpoint.addresses()) {
    if (!endpoint.names.empty()) NameTable(directory).remove(address, container_id, endpoint.names);
    release_address(directory, address, container_id);
  }
}

void add_default_routes(NetlinkSocket& route, Inside& inside, const Presence& presence) {
  if (const Endpoint* by = presence.outward()) add_default_route_by(route, inside, presence, *by, by->gateway);
  if (const Endpoint* by = presence.outward6()) add_default_route_by(route, inside, presence, *by, by->gateway6);
}

}  // namespace myct::network
