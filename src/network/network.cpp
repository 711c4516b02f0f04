#include "myct/network/network.hpp"

#include <linux/netlink.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "addresses.hpp"
#include "attachment.hpp"
#include "bridge.hpp"
#include "endpoint.hpp"
#include "flows.hpp"
#include "foreign.hpp"
#include "link.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "name_server_yield.hpp"
#include "name_table.hpp"
#include "netlink.hpp"
#include "ports.hpp"
#include "published.hpp"
#include "relay_start.hpp"
#include "rules.hpp"

namespace myct::network {
namespace {

/// What a host must have, said where it lacks it.
[[noreturn]] void throw_unable(Error error) {
  if (!error.hint().empty()) throw Error(std::move(error));
  if (error.errnum() == EPERM)
    throw Error(ErrorKind::Denied, error.subject(), EPERM, "it needs CAP_NET_ADMIN; or use --network none or host");
  if (error.errnum() == EOPNOTSUPP)
    throw Error(ErrorKind::Unsupported, error.subject(), EOPNOTSUPP,
                "the kernel lacks bridge, veth or nf_tables; or use --network none or host");
  throw Error(std::move(error));
}

void move(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) == -1) throw_errno("rename '{}' to '{}'", from, to);
}

std::string interface_name(size_t number) { return fmt::format("eth{}", number); }

void connect_all(const Directories& directories, const Lease& lease, pid_t pid) {
  NetlinkSocket route = NetlinkSocket::open(NETLINK_ROUTE);
  NetlinkSocket netfilter = NetlinkSocket::open(NETLINK_NETFILTER);
  Inside inside = enter_network_of(pid);
  Presence presence = lease.presence;
  for (Endpoint& endpoint : presence.endpoints) {
    connect_endpoint(directories, route, netfilter, presence, endpoint, inside);
    make_known(directories, lease.container_id, endpoint);
  }
  if (!std::ranges::all_of(presence.endpoints, is_bridged)) save_presence(directories.run_directory, presence);
  add_default_routes(route, inside, presence);
  open_foreign_chains(netfilter, rules_lock(directories));
  publish(netfilter, directories, lease.presence);
  start_relay(directories.run_directory, lease, pid);
  if (!presence.ports.empty())
    restart_lost_relays(directories, lease.container_id);  // others'; check comes upon all of them
}

std::vector<Fd> bind_host_ports(const Directories& directories, std::vector<state::PublishedPort>& ports) {
  NameServerYield name_servers(directories);
  return bind_ports(
      ports,
      [&](const state::PublishedPort& port) { return container_that_publishes(directories.run_containers, port); },
      [&](const state::PublishedPort& port) { return name_servers.try_make_room(port); });
}

/// What was asked for at an IPv6 address only, and is not relayed, needs a network with IPv6.
void check_leads_somewhere(const Presence& presence, const state::PublishedPort& port) {
  if (!state::is_ipv6(port) || is_relayed(port) || presence.endpoints.empty() || presence.publishing6() != nullptr)
    return;
  throw Error(ErrorKind::Usage,
              fmt::format("publish port {}:{}/{}: no network of the container's has IPv6", state::address_text(port),
                          port.host_port, state::protocol_word(port.protocol)),
              0, "make one that has with 'myct network create --ipv6'");
}

/// The kernel's part of a network.
void take_away(const Directories& directories, const std::string& directory, const Bridge& bridge) {
  NetlinkSocket route = NetlinkSocket::open(NETLINK_ROUTE);
  NetlinkSocket netfilter = NetlinkSocket::open(NETLINK_NETFILTER);
  if (!bridge.name.empty()) remove_bridge(route, netfilter, directory, bridge);
  close_foreign_chains(netfilter, rules_lock(directories));
}

std::string free_interface(Inside& inside) {
  for (size_t number = 0;; ++number)
    if (!find_link(inside.route, interface_name(number))) return interface_name(number);
}

/// Whether ports and routes lead otherwise than before.
bool leads_otherwise(const Presence& before, const Presence& after) {
  const auto network_of = [](const Endpoint* endpoint) { return endpoint == nullptr ? "" : endpoint->network; };
  using Find = const Endpoint* (Presence::*)() const noexcept;
  constexpr std::array<Find, 4> kFinds = {&Presence::outward, &Presence::outward6, &Presence::publishing,
                                          &Presence::publishing6};
  return std::ranges::any_of(kFinds,
                             [&](Find find) { return network_of((before.*find)()) != network_of((after.*find)()); });
}

/// Of a container that has taken its interface down or away it says so, and goes on: the next time may be luckier.
void try_add_default_routes(NetlinkSocket& route, Inside& inside, const Presence& presence) {
  try {
    add_default_routes(route, inside, presence);
  } catch (const Error& error) {
    log::warning("the container's default route is not set: {}", error.what());
  }
}

/// Has published ports and default routes lead to what a container has now, and notes it. The routes are looked at in
/// any case: one who has renamed an interface may have lost them.
void lead_anew(const Directories& directories, NetlinkSocket& route, NetlinkSocket& netfilter, Inside& inside,
               const Presence& before, const Presence& after) {
  const FileLock lock = FileLock::acquire(rules_lock(directories));
  const bool moves = leads_otherwise(before, after);
  if (moves) {
    remove_elements(netfilter, port_elements(before));
    remove_default_routes(inside.route);
  }
  try_add_default_routes(route, inside, after);
  save_presence(directories.run_directory, after);
  if (!moves) return;
  replace_elements(netfilter, port_elements(after));
  forget_flows(netfilter, after.ports);
}

Presence take_from(const Directories& directories, const std::string& container_id, const std::string& network,
                   Presence presence, Inside& inside) {
  const auto found = std::ranges::find(presence.endpoints, network, &Endpoint::network);
  if (found == presence.endpoints.end()) return presence;
  const Presence before = presence;
  const Endpoint endpoint = *found;
  NetlinkSocket route = NetlinkSocket::open(NETLINK_ROUTE);
  NetlinkSocket netfilter = NetlinkSocket::open(NETLINK_NETFILTER);
  if (is_bridged(endpoint))
    remove_link(route, endpoint.host_interface);
  else if (const std::optional<int> index = find_interface(route, inside, before, endpoint))
    remove_link(inside.route, *index);
  presence.endpoints.erase(found);
  // First nothing leads to the address any more, then others may have it.
  lead_anew(directories, route, netfilter, inside, before, presence);
  release_endpoint(directories, container_id, endpoint);
  return presence;
}

Presence put_on(const Directories& directories, const Station& station, const state::NetworkAttachment& wanted,
                const Presence& before, Inside& inside) {
  Presence presence = before;
  NetlinkSocket route = NetlinkSocket::open(NETLINK_ROUTE);
  NetlinkSocket netfilter = NetlinkSocket::open(NETLINK_NETFILTER);
  reserve_endpoint(directories, station, wanted, free_interface(inside), presence);
  connect_endpoint(directories, route, netfilter, presence, presence.endpoints.back(), inside);
  make_known(directories, station.id, presence.endpoints.back());
  open_foreign_chains(netfilter, rules_lock(directories));
  lead_anew(directories, route, netfilter, inside, before, presence);
  if (!presence.ports.empty()) restart_lost_relays(directories, station.id);
  return presence;
}

}  // namespace

Lease reserve(const Directories& directories, const Station& station) {
  release(directories, station.id);  // what its last run had: between two runs of a policy nobody has cleared up
  Lease lease{.container_id = station.id, .presence = {.endpoints = {}, .ports = station.ports}, .ports = {}};
  lease.ports = bind_host_ports(directories, lease.presence.ports);
  if (station.networks.empty()) save_presence(directories.run_directory, lease.presence);  // attach() finds its ports
  lease.presence.endpoints.reserve(station.networks.size());
  for (const state::NetworkAttachment& wanted : station.networks)
    reserve_endpoint(directories, station, wanted, interface_name(lease.presence.endpoints.size()), lease.presence);
  for (const state::PublishedPort& port : station.ports) check_leads_somewhere(lease.presence, port);
  return lease;
}

void connect(const Directories& directories, const Lease& lease, pid_t pid) {
  try {
    connect_all(directories, lease, pid);
  } catch (Error& error) {
    throw_unable(std::move(error));
  }
}

Presence attach(const Directories& directories, const Station& station, const state::NetworkAttachment& wanted,
                pid_t pid) {
  try {
    Inside inside = enter_network_of(pid);
    // One that was killed at this very work has left the half of it.
    const Presence before = take_from(directories, station.id, wanted.network,
                                      load_presence(directories.run_directory).value_or(Presence{}), inside);
    try {
      return put_on(directories, station, wanted, before, inside);
    } catch (const Error&) {
      (void)take_from(directories, station.id, wanted.network,
                      load_presence(directories.run_directory).value_or(before), inside);
      throw;
    }
  } catch (Error& error) {
    throw_unable(std::move(error));
  }
}

Presence detach(const Directories& directories, const std::string& container_id, const std::string& network,
                pid_t pid) {
  Inside inside = enter_network_of(pid);
  return take_from(directories, container_id, network, load_presence(directories.run_directory).value_or(Presence{}),
                   inside);
}

void release(const Directories& directories, const std::string& container_id) {
  const std::optional<Presence> presence = load_presence(directories.run_directory);
  if (!presence) return;
  std::optional<FileLock> lock;
  if (!presence->ports.empty()) {
    make_directories(directories.networks);
    lock = FileLock::acquire(rules_lock(directories));
    end_relay(directories.run_directory);  // nobody starts it again any more: its container has ended
    NetlinkSocket netfilter = NetlinkSocket::open(NETLINK_NETFILTER);
    remove_elements(netfilter, port_elements(*presence));
    forget_flows(netfilter, presence->ports);
  }
  for (const Endpoint& endpoint : presence->endpoints) release_endpoint(directories, container_id, endpoint);
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
      const bool is_noted =
          presence && std::ranges::any_of(presence->endpoints, [&](const Endpoint& endpoint) {
            return endpoint.network == network && (endpoint.address == address || endpoint.address6 == address);
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
  release_address(directory, stray.address, stray.container_id);
}

void rename(const Directories& directories, const std::string& container_id, const std::string& old_name,
            const std::string& new_name) {
  std::optional<Presence> presence = load_presence(directories.run_directory);
  if (!presence) return;
  for (Endpoint& endpoint : presence->endpoints) {
    if (!knows_names(endpoint)) continue;
    std::ranges::replace(endpoint.names, old_name, new_name);
    const NameTable table(directory_of(directories, endpoint.network));
    for (const std::string& address : endpoint.addresses()) {
      table.add(address, container_id, endpoint.names);
      if (std::ranges::find(endpoint.names, old_name) == endpoint.names.end())
        table.remove(address, container_id, std::vector{old_name});
      // What is called by is the first that is added after the last is gone.
      table.add(address, container_id, endpoint.names);
    }
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
  const Bridge bridge = describe(directories, name).bridge;
  const std::string directory = directory_of(directories, name);
  make_directories(directory);
  const FileLock lock = FileLock::acquire(directory + "/lock");
  const std::string definition = directories.definitions + "/" + name;
  const std::string removed = directories.definitions + "/.removed-" + name;
  move(definition, removed);
  // A container that has claimed an address before this is seen here, and one that does after it sees that.
  if (has_claims(directory)) {
    move(removed, definition);
    std::string who;
    for (const Inhabitant& inhabitant : list_inhabitants(directories.run_containers, name))
      who += (who.empty() ? "container " : ", ") + short_id(inhabitant.id);
    throw Error(ErrorKind::Conflict, fmt::format("network '{}' is in use", name), 0,
                who.empty() ? "see 'myct system check'" : "stop " + who);
  }
  try {
    take_away(directories, directory, bridge);
  } catch (const Error& error) {
    move(removed, definition);
    if (error.errnum() == EPERM) throw Error(ErrorKind::Denied, error.subject(), EPERM, "it needs CAP_NET_ADMIN");
    throw;
  }
  remove_tree(directory);
  remove_tree(removed);
}

std::string network_id(const Directories& directories, const std::string& name) {
  if (name == kDefaultNetwork) return kDefaultNetworkId;
  try {
    const std::optional<Definition> definition = load_definition(directories.definitions, name);
    return definition ? definition->id : std::string();
  } catch (const Error& error) {
    log::debug("network '{}': {}", name, error.what());
    return {};
  }
}

Definition describe_default(const Directories& directories) {
  const Bridge bridge = describe_default_bridge(directory_of(directories, kDefaultNetwork), directories.bridge_subnet);
  return {.name = kDefaultNetwork,
          .driver = kBridgeDriver,
          .id = kDefaultNetworkId,
          .created = {},
          .bridge = bridge.name,
          .subnet = to_text(bridge.ipv4.subnet),
          .gateway = to_text(bridge.ipv4.gateway)};
}

}  // namespace myct::network
