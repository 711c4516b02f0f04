#include "myct/network/network.hpp"

#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <unistd.h>

#include "address.hpp"
#include "addresses.hpp"
#include "bridge.hpp"
#include "endpoint.hpp"
#include "foreign.hpp"
#include "link.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "netlink.hpp"
#include "ports.hpp"
#include "rules.hpp"

namespace myct::network {
namespace {

constexpr const char* kInterface = "eth0";
constexpr size_t kIdDigits = 11;  // "veth" and these fill an interface's name

std::string directory_of(const Directories& directories) { return directories.networks + "/" + kDefaultNetwork; }

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

std::vector<Element> port_elements(const Endpoint& endpoint) {
  std::vector<Element> elements;
  const std::optional<Ipv4> address = parse_ipv4(endpoint.address);
  if (!address) return elements;
  for (const state::PublishedPort& port : endpoint.ports) elements.push_back(element_of_port(port, *address));
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
    if (const std::optional<Endpoint> endpoint = load_endpoint(run_containers + "/" + id))
      for (const state::PublishedPort& other : endpoint->ports)
        if (is_same_port(port, other)) return "container " + id.substr(0, 12);
  return {};
}

/// Elements and notes change together under it: who makes the rules anew finds the notes of those who need elements.
std::string rules_lock(const Directories& directories) { return directories.networks + "/.rules.lock"; }

/// Puts the elements of all who run into rules that may just have been made, as somebody had flushed them.
void restore_elements(NetlinkSocket& netfilter, const Directories& directories) {
  const FileLock lock = FileLock::acquire(rules_lock(directories));
  for (const std::string& id : list_directory(directories.run_containers, Hidden::LeaveOut)) {
    const std::optional<Endpoint> endpoint = load_endpoint(directories.run_containers + "/" + id);
    const std::optional<Subnet> subnet = endpoint ? parse_subnet(endpoint->subnet) : std::nullopt;
    const std::optional<Ipv4> address = endpoint ? parse_ipv4(endpoint->address) : std::nullopt;
    if (!subnet || !address) continue;
    // One that still looks for an address adds its elements itself, for another address perhaps.
    if (!AddressPool(directories.networks + "/" + endpoint->network, *subnet, {}).is_claimed(*address, id)) continue;
    try {
      add_elements(netfilter, elements_of_bridge(endpoint->bridge, *subnet));
      add_elements(netfilter, port_elements(*endpoint));
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

void connect_to_bridge(const Lease& lease, pid_t pid) {
  const Endpoint& endpoint = lease.endpoint;
  const std::optional<Subnet> subnet = parse_subnet(endpoint.subnet);
  const std::optional<Ipv4> address = parse_ipv4(endpoint.address);
  const std::optional<Ipv4> gateway = parse_ipv4(endpoint.gateway);
  if (!subnet || !address || !gateway) throw_error(ErrorKind::Internal, "malformed addresses of a container");
  NetlinkSocket route = NetlinkSocket::open(NETLINK_ROUTE);
  NetlinkSocket netfilter = NetlinkSocket::open(NETLINK_NETFILTER);
  const Link bridge = ensure_bridge(route, netfilter, lease.directory,
                                    {.name = endpoint.bridge, .subnet = *subnet, .gateway = *gateway},
                                    [&] { restore_elements(netfilter, lease.directories); });
  open_foreign_chains(netfilter, rules_lock(lease.directories));
  const Fd there = open_path(fmt::format("/proc/{}/ns/net", pid), O_RDONLY);
  NetlinkSocket inside = open_route_socket_in(there);
  create_veth(route, {.name = endpoint.host_interface,
                      .bridge = bridge.index,
                      .mtu = bridge.mtu,
                      .peer_namespace = there.ref(),
                      .peer_name = kInterface,
                      .peer_mac = mac_of(*address)});
  const std::optional<Link> interface = find_link(inside, kInterface);
  if (!interface) throw_error(ErrorKind::System, "interface '{}' of the container is gone", kInterface);
  add_address(inside, interface->index, *address, *subnet);
  set_up(inside, interface->index);
  add_default_route(inside, interface->index, *gateway);
  add_elements(netfilter, port_elements(endpoint));
}

}  // namespace

Lease reserve(const Directories& directories, const std::string& container_id,
              const std::vector<state::PublishedPort>& ports) {
  release(directories, container_id);  // what its last run had: between two runs of a policy nobody has cleared up
  Lease lease;
  lease.directories = directories;
  lease.directory = directory_of(directories);
  Endpoint& endpoint = lease.endpoint;
  endpoint.ports = ports;
  lease.ports = bind_ports(endpoint.ports, [&](const state::PublishedPort& port) {
    return container_that_publishes(directories.run_containers, port);
  });
  const Bridge bridge = describe_default_bridge(lease.directory);
  const AddressPool pool(lease.directory, bridge.subnet, bridge.gateway);
  endpoint.network = kDefaultNetwork;
  endpoint.bridge = bridge.name;
  endpoint.host_interface = "veth" + container_id.substr(0, kIdDigits);
  endpoint.subnet = to_text(bridge.subnet);
  endpoint.gateway = to_text(bridge.gateway);
  endpoint.prefix = bridge.subnet.prefix;
  // Noted before it is claimed: a kill in between leaves nothing that nobody knows of.
  (void)pool.claim(container_id, [&](Ipv4 candidate) {
    endpoint.address = to_text(candidate);
    endpoint.mac = to_text(mac_of(candidate));
    save_endpoint(directories.run_directory, endpoint);
  });
  return lease;
}

void connect(const Lease& lease, pid_t pid) {
  try {
    connect_to_bridge(lease, pid);
  } catch (Error& error) {
    throw_unable(std::move(error));
  }
}

void release(const Directories& directories, const std::string& container_id) {
  const std::optional<Endpoint> endpoint = load_endpoint(directories.run_directory);
  if (!endpoint) return;
  std::optional<FileLock> lock;
  if (!endpoint->ports.empty()) {
    make_directories(directories.networks);
    lock = FileLock::acquire(rules_lock(directories));
    NetlinkSocket netfilter = NetlinkSocket::open(NETLINK_NETFILTER);
    remove_elements(netfilter, port_elements(*endpoint));
  }
  const std::optional<Subnet> subnet = parse_subnet(endpoint->subnet);
  const std::optional<Ipv4> address = parse_ipv4(endpoint->address);
  if (subnet && address)
    AddressPool(directories.networks + "/" + endpoint->network, *subnet, {}).release(*address, container_id);
  remove_endpoint(directories.run_directory);
}

}  // namespace myct::network
