#include "myct/network/network.hpp"

#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "address.hpp"
#include "addresses.hpp"
#include "bridge.hpp"
#include "endpoint.hpp"
#include "foreign.hpp"
#include "link.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/network/name_server.hpp"
#include "myct/state/names.hpp"
#include "name_table.hpp"
#include "netlink.hpp"
#include "ports.hpp"
#include "rules.hpp"

namespace myct::network {
namespace {

constexpr size_t kPairDigits = 11;  // "veth" and these fill an interface's name
constexpr size_t kShortId = 12;
/// The SHA-256 of "bridge": the same on every host.
constexpr const char* kDefaultId = "17f29b073143d8cd97b5bbe492bdeffec1c5fee55cc1fe2112c8b9335f8b6121";

std::string directory_of(const Directories& directories, const std::string& network) {
  return directories.networks + "/" + network;
}

/// Locally administered, and from the address, as Docker's are: a restarted neighbour with the same address is found in
/// everybody's neighbour table.
Mac mac_of(Ipv4 address) {
  return {0x02,
          0x42,
          static_cast<uint8_t>(address.value >> 24),
          static_cast<uint8_t>(address.value >> 16),
          static_cast<uint8_t>(address.value >> 8),
          static_cast<uint8_t>(address.value)};
}

std::string to_text(const Mac& mac) {
  return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

Reach reach_of(const Endpoint& endpoint) { return endpoint.internal ? Reach::Internal : Reach::Outside; }

std::vector<Element> port_elements(const Presence& presence) {
  std::vector<Element> elements;
  const Endpoint* outward = presence.outward();
  const std::optional<Ipv4> address = outward == nullptr ? std::nullopt : parse_ipv4(outward->address);
  if (!address) return elements;
  for (const state::PublishedPort& port : presence.ports) elements.push_back(element_of_port(port, *address));
  return elements;
}

bool is_same_port(const state::PublishedPort& one, const state::PublishedPort& other) {
  const bool same_address =
      one.host_address.empty() || other.host_address.empty() || one.host_address == other.host_address;
  return same_address && one.host_port == other.host_port && one.protocol == other.protocol;
}

/// "container 0123456789ab", or empty.
std::string container_that_publishes(const std::string& run_containers, const state::PublishedPort& port) {
  for (const std::string& id : list_directory(run_containers, Hidden::LeaveOut))
    if (const std::optional<Presence> presence = load_presence(run_containers + "/" + id))
      for (const state::PublishedPort& other : presence->ports)
        if (is_same_port(port, other)) return "container " + id.substr(0, 12);
  return {};
}

/// Elements and notes change together under it: who makes the rules anew finds the notes of those who need elements.
std::string rules_lock(const Directories& directories) { return directories.networks + "/.rules.lock"; }

/// The ports are bound by us: what leads elsewhere from them is of one who was killed.
void publish(NetlinkSocket& netfilter, const Directories& directories, const Presence& presence) {
  const std::vector<Element> elements = port_elements(presence);
  try {
    add_elements(netfilter, elements);
  } catch (const Error& error) {
    if (error.errnum() != EEXIST) throw;
    const FileLock lock = FileLock::acquire(rules_lock(directories));
    replace_elements(netfilter, elements);
  }
}

void restore_presence(NetlinkSocket& netfilter, const Directories& directories, const std::string& id,
                      const Presence& presence) {
  for (const Endpoint& endpoint : presence.endpoints) {
    const std::optional<Subnet> subnet = parse_subnet(endpoint.subnet);
    const std::optional<Ipv4> address = parse_ipv4(endpoint.address);
    if (!subnet || !address) continue;
    // One that still looks for an address adds its elements itself, for another address perhaps.
    if (!AddressPool(directory_of(directories, endpoint.network), *subnet, *subnet, {}).is_claimed(*address, id))
      continue;
    add_elements(netfilter, elements_of_bridge(endpoint.bridge, *subnet, reach_of(endpoint)));
    if (&endpoint == presence.outward()) add_elements(netfilter, port_elements(presence));
  }
}

/// Puts the elements of all who run into rules that may just have been made, as somebody had flushed them.
void restore_elements(NetlinkSocket& netfilter, const Directories& directories) {
  const FileLock lock = FileLock::acquire(rules_lock(directories));
  for (const std::string& id : list_directory(directories.run_containers, Hidden::LeaveOut)) {
    const std::optional<Presence> presence = load_presence(directories.run_containers + "/" + id);
    if (!presence) continue;
    try {
      restore_presence(netfilter, directories, id, *presence);
    } catch (const Error& error) {
      log::warning("the rules for container {} are not restored: {}", id.substr(0, 12), error.what());
    }
  }
}

/// A netlink socket speaks about the namespace in which it was made: this process goes there for that moment. It has
/// one thread, and cannot go on where the way back is barred.
NetlinkSocket open_route_socket_in(const Fd& there) {
  const Fd here = open_path("/proc/self/ns/net", O_RDONLY);
  if (::setns(there.get(), CLONE_NEWNET) == -1) throw_errno("enter the container's network namespace");
  std::optional<NetlinkSocket> socket;
  std::optional<Error> failure;
  try {
    socket = NetlinkSocket::open(NETLINK_ROUTE);
  } catch (const Error& error) {
    failure = error;
  }
  if (::setns(here.get(), CLONE_NEWNET) == -1) ::_exit(kExitOwnFailure);
  if (failure) throw Error(*failure);
  return std::move(*socket);
}

/// What a host must have, said where it lacks it.
[[noreturn]] void throw_unable(Error error) {
  if (error.errnum() == EPERM)
    throw Error(ErrorKind::Denied, error.subject(), EPERM, "it needs CAP_NET_ADMIN; or use --network none or host");
  if (error.errnum() == EOPNOTSUPP)
    throw Error(ErrorKind::Unsupported, error.subject(), EOPNOTSUPP,
                "the kernel lacks bridge, veth or nf_tables; or use --network none or host");
  throw Error(std::move(error));
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

/// Of addresses that this part has written itself.
struct Addresses {
  Subnet subnet;
  Ipv4 own;
  Ipv4 gateway;
  Mac mac;
};
Addresses addresses_of(const Endpoint& endpoint) {
  const std::optional<Subnet> subnet = parse_subnet(endpoint.subnet);
  const std::optional<Ipv4> own = parse_ipv4(endpoint.address);
  const std::optional<Ipv4> gateway = parse_ipv4(endpoint.gateway);
  const std::optional<Mac> mac = parse_mac(endpoint.mac);
  if (!subnet || !own || !gateway || !mac) throw_error(ErrorKind::Internal, "malformed addresses of a container");
  return {.subnet = *subnet, .own = *own, .gateway = *gateway, .mac = *mac};
}

Bridge bridge_of(const Definition& definition) {
  const std::optional<Subnet> subnet = parse_subnet(definition.subnet);
  const std::optional<Ipv4> gateway = parse_ipv4(definition.gateway);
  if (!subnet || !gateway) throw_error(ErrorKind::Internal, "malformed addresses of network '{}'", definition.name);
  return {.name = definition.bridge,
          .subnet = *subnet,
          .range = parse_subnet(definition.ip_range).value_or(*subnet),
          .gateway = *gateway,
          .internal = definition.internal};
}

Bridge describe(const Directories& directories, const std::string& network) {
  if (network == kDefaultNetwork) return describe_default_bridge(directory_of(directories, network));
  if (const std::optional<Definition> definition = load_definition(directories.definitions, network))
    return bridge_of(*definition);
  throw Error(ErrorKind::NotFound, fmt::format("no such network: '{}'", network), 0, "see 'myct network ls'");
}

bool is_default(const Endpoint& endpoint) { return endpoint.network == kDefaultNetwork; }

/// "veth" and as many random digits as fill an interface's name: the last run's pair may not be gone yet.
std::string name_of_pair() { return "veth" + state::make_id().substr(0, kPairDigits); }

/// As Docker: the container's name, its id's beginning, and what the user adds.
std::vector<std::string> names_of(const Station& station, const state::NetworkAttachment& wanted) {
  std::vector<std::string> names = {station.name, station.id.substr(0, kShortId)};
  names.insert(names.end(), wanted.aliases.begin(), wanted.aliases.end());
  return names;
}

/// Claims an address. What is noted is noted before it is claimed: a kill in between leaves nothing that nobody knows
/// of.
void reserve_endpoint(const Directories& directories, const Station& station, const state::NetworkAttachment& wanted,
                      Presence& presence) {
  const Bridge bridge = describe(directories, wanted.network);
  const AddressPool pool(directory_of(directories, wanted.network), bridge.subnet, bridge.range, bridge.gateway);
  Endpoint& endpoint = presence.endpoints.emplace_back();
  endpoint.network = wanted.network;
  endpoint.bridge = bridge.name;
  endpoint.host_interface = name_of_pair();
  endpoint.subnet = to_text(bridge.subnet);
  endpoint.gateway = to_text(bridge.gateway);
  endpoint.prefix = bridge.subnet.prefix;
  endpoint.internal = bridge.internal;
  if (!is_default(endpoint)) endpoint.names = names_of(station, wanted);
  const auto note = [&](Ipv4 candidate) {
    endpoint.address = to_text(candidate);
    endpoint.mac = wanted.mac.empty() ? to_text(mac_of(candidate)) : wanted.mac;
    save_presence(directories.run_directory, presence);
  };
  if (const std::optional<Ipv4> address = parse_ipv4(wanted.address))
    pool.claim_this(*address, station.id, note);
  else
    (void)pool.claim(station.id, note);
  // Whoever removes the network looks at the claims after it has taken the definition away.
  if (!is_default(endpoint)) (void)describe(directories, wanted.network);
}

/// The container's namespace, and a conversation about it.
struct Inside {
  FdRef space;
  NetlinkSocket route;
};

/// Returns the index of the interface inside.
int connect_endpoint(const Directories& directories, NetlinkSocket& route, NetlinkSocket& netfilter,
                     const Endpoint& endpoint, Inside& inside, const std::string& interface_name) {
  const Addresses addresses = addresses_of(endpoint);
  const Link bridge = ensure_bridge(route, netfilter, directory_of(directories, endpoint.network),
                                    {.name = endpoint.bridge,
                                     .subnet = addresses.subnet,
                                     .range = addresses.subnet,
                                     .gateway = addresses.gateway,
                                     .internal = endpoint.internal},
                                    [&] { restore_elements(netfilter, directories); });
  create_veth(route, {.name = endpoint.host_interface,
                      .bridge = bridge.index,
                      .mtu = bridge.mtu,
                      .peer_namespace = inside.space,
                      .peer_name = interface_name,
                      .peer_mac = addresses.mac});
  const std::optional<Link> interface = find_link(inside.route, interface_name);
  if (!interface) throw_error(ErrorKind::System, "interface '{}' of the container is gone", interface_name);
  add_address(inside.route, interface->index, addresses.own, addresses.subnet);
  set_up(inside.route, interface->index);
  return interface->index;
}

void move(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) == -1) throw_errno("rename '{}' to '{}'", from, to);
}

/// Its names, and who answers for them.
void make_known(const Directories& directories, const std::string& container_id, const Endpoint& endpoint) {
  if (is_default(endpoint)) return;
  const std::string directory = directory_of(directories, endpoint.network);
  NameTable(directory).add(endpoint.address, container_id, endpoint.names);
  ensure_name_server({.network = endpoint.network,
                      .directory = directory,
                      .run_containers = directories.run_containers,
                      .bridge = endpoint.bridge,
                      .gateways = {endpoint.gateway},
                      .subnets = {endpoint.subnet},
                      .forwarding = endpoint.internal ? Forwarding::No : Forwarding::Yes});
}

void connect_all(const Directories& directories, const Lease& lease, pid_t pid) {
  NetlinkSocket route = NetlinkSocket::open(NETLINK_ROUTE);
  NetlinkSocket netfilter = NetlinkSocket::open(NETLINK_NETFILTER);
  const Fd there = open_path(fmt::format("/proc/{}/ns/net", pid), O_RDONLY);
  Inside inside{.space = there.ref(), .route = open_route_socket_in(there)};
  const Presence& presence = lease.presence;
  for (size_t index = 0; index < presence.endpoints.size(); ++index) {
    const Endpoint& endpoint = presence.endpoints[index];
    const int interface =
        connect_endpoint(directories, route, netfilter, endpoint, inside, fmt::format("eth{}", index));
    make_known(directories, lease.container_id, endpoint);
    if (&endpoint == presence.outward()) add_default_route(inside.route, interface, addresses_of(endpoint).gateway);
  }
  open_foreign_chains(netfilter, rules_lock(directories));
  publish(netfilter, directories, presence);
}

}  // namespace

Lease reserve(const Directories& directories, const Station& station) {
  release(directories, station.id);  // what its last run had: between two runs of a policy nobody has cleared up
  Lease lease{.container_id = station.id, .presence = {.endpoints = {}, .ports = station.ports}, .ports = {}};
  lease.ports = bind_ports(lease.presence.ports, [&](const state::PublishedPort& port) {
    return container_that_publishes(directories.run_containers, port);
  });
  lease.presence.endpoints.reserve(station.networks.size());
  for (const state::NetworkAttachment& wanted : station.networks)
    reserve_endpoint(directories, station, wanted, lease.presence);
  return lease;
}

void connect(const Directories& directories, const Lease& lease, pid_t pid) {
  try {
    connect_all(directories, lease, pid);
  } catch (Error& error) {
    throw_unable(std::move(error));
  }
}

void release(const Directories& directories, const std::string& container_id) {
  const std::optional<Presence> presence = load_presence(directories.run_directory);
  if (!presence) return;
  std::optional<FileLock> lock;
  if (!presence->ports.empty()) {
    make_directories(directories.networks);
    lock = FileLock::acquire(rules_lock(directories));
    NetlinkSocket netfilter = NetlinkSocket::open(NETLINK_NETFILTER);
    remove_elements(netfilter, port_elements(*presence));
  }
  for (const Endpoint& endpoint : presence->endpoints) {
    const std::string directory = directory_of(directories, endpoint.network);
    if (!path_exists(directory)) continue;
    if (!endpoint.names.empty()) NameTable(directory).remove(endpoint.address, container_id, endpoint.names);
    const std::optional<Subnet> subnet = parse_subnet(endpoint.subnet);
    const std::optional<Ipv4> address = parse_ipv4(endpoint.address);
    if (subnet && address) AddressPool(directory, *subnet, *subnet, {}).release(*address, container_id);
  }
  remove_presence(directories.run_directory);
}

std::vector<Stray> find_strays(const Directories& directories) {
  std::vector<Stray> strays;
  if (!path_exists(directories.networks)) return strays;
  for (const std::string& network : list_directory(directories.networks, Hidden::LeaveOut)) {
    const std::string claims = directory_of(directories, network) + "/addresses";
    if (!path_exists(claims)) continue;
    const NameTable table(directory_of(directories, network));
    for (const std::string& address : list_directory(claims, Hidden::LeaveOut)) {
      const std::optional<std::string> id = table.holder_of(address);
      if (!id) continue;
      const std::optional<Presence> presence = load_presence(directories.run_containers + "/" + *id);
      const bool is_noted = presence && std::ranges::any_of(presence->endpoints, [&](const Endpoint& endpoint) {
                              return endpoint.network == network && endpoint.address == address;
                            });
      if (!is_noted) strays.push_back({.network = network, .address = address, .container_id = *id});
    }
  }
  return strays;
}

void release_stray(const Directories& directories, const Stray& stray) {
  const std::string directory = directory_of(directories, stray.network);
  if (path_exists(directory + "/names"))
    NameTable(directory).remove(stray.address, stray.container_id,
                                list_directory(directory + "/names", Hidden::LeaveOut));
  const std::optional<Ipv4> address = parse_ipv4(stray.address);
  if (address) AddressPool(directory, {}, {}, {}).release(*address, stray.container_id);
}

void rename(const Directories& directories, const std::string& container_id, const std::string& old_name,
            const std::string& new_name) {
  std::optional<Presence> presence = load_presence(directories.run_directory);
  if (!presence) return;
  for (Endpoint& endpoint : presence->endpoints) {
    if (is_default(endpoint)) continue;
    std::ranges::replace(endpoint.names, old_name, new_name);
    const NameTable table(directory_of(directories, endpoint.network));
    table.add(endpoint.address, container_id, endpoint.names);
    if (std::ranges::find(endpoint.names, old_name) == endpoint.names.end())
      table.remove(endpoint.address, container_id, std::vector{old_name});
    // What is called by is the first that is added after the last is gone.
    table.add(endpoint.address, container_id, endpoint.names);
  }
  save_presence(directories.run_directory, *presence);
}

std::vector<Inhabitant> list_inhabitants(const std::string& run_containers, const std::string& network) {
  std::vector<Inhabitant> all;
  if (!path_exists(run_containers)) return all;
  for (const std::string& id : list_directory(run_containers, Hidden::LeaveOut))
    if (std::optional<Presence> presence = load_presence(run_containers + "/" + id))
      for (Endpoint& endpoint : presence->endpoints)
        if (endpoint.network == network) all.push_back({.id = id, .endpoint = std::move(endpoint)});
  return all;
}

void undefine(const Directories& directories, const std::string& name) {
  const Bridge bridge = describe(directories, name);
  const std::string directory = directory_of(directories, name);
  make_directories(directory);
  const FileLock lock = FileLock::acquire(directory + "/lock");
  const std::string definition = directories.definitions + "/" + name;
  const std::string removed = directories.definitions + "/.removed-" + name;
  move(definition, removed);
  // A container that has claimed an address before this is seen here, and one that does after it sees that.
  if (path_exists(directory + "/addresses") && !list_directory(directory + "/addresses", Hidden::LeaveOut).empty()) {
    move(removed, definition);
    std::string who;
    for (const Inhabitant& inhabitant : list_inhabitants(directories.run_containers, name))
      who += (who.empty() ? "container " : ", ") + inhabitant.id.substr(0, kShortId);
    throw Error(ErrorKind::Conflict, fmt::format("network '{}' is in use", name), 0,
                who.empty() ? "see 'myct system check'" : "stop " + who);
  }
  NetlinkSocket route = NetlinkSocket::open(NETLINK_ROUTE);
  NetlinkSocket netfilter = NetlinkSocket::open(NETLINK_NETFILTER);
  remove_bridge(route, netfilter, bridge);
  close_foreign_chains(netfilter, rules_lock(directories));
  remove_tree(directory);
  remove_tree(removed);
}

Definition describe_default(const Directories& directories) {
  const Bridge bridge = describe_default_bridge(directory_of(directories, kDefaultNetwork));
  return {.name = kDefaultNetwork,
          .id = kDefaultId,
          .created = {},
          .bridge = bridge.name,
          .subnet = to_text(bridge.subnet),
          .gateway = to_text(bridge.gateway),
          .ip_range = {},
          .internal = false,
          .labels = {},
          .options = {}};
}

}  // namespace myct::network
