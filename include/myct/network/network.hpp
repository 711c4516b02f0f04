// A container's network: a bridge with NAT for all that ask for no other.
//
//   reserve   claims an address and the host's ports, and notes in the container's run directory what it will have
//   connect   makes the interfaces; the container's init waits meanwhile
//   attach    does both for a container that runs, and
//   detach    takes it from a network again
//   release   takes away what the kernel does not by itself: address, firewall elements. Idempotent; works from the
//             note alone, so that whoever clears up after a killed owner can do it
//
// The veth pair goes with the container's network namespace, and that with its last process.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "myct/base/fd.hpp"
#include "myct/network/definition.hpp"
#include "myct/state/attachment.hpp"
#include "myct/state/port.hpp"

namespace myct::network {

/// The one network that there is without being made.
constexpr const char* kDefaultNetwork = "bridge";
/// The SHA-256 of its name: the same on every host.
constexpr const char* kDefaultNetworkId = "17f29b073143d8cd97b5bbe492bdeffec1c5fee55cc1fe2112c8b9335f8b6121";

/// Where networks keep what dies with the boot.
struct Directories {
  std::string definitions;     ///< those of one's own, which last
  std::string networks;        ///< of all networks
  std::string run_containers;  ///< the run directories of all containers
  std::string run_directory;   ///< of the container
  std::string bridge_subnet;   ///< the default network's, if it is configured
};

/// What a container is on the network.
struct Station {
  std::string id;
  std::string name;
  std::vector<state::NetworkAttachment> networks;
  std::vector<state::PublishedPort> ports;
};

/// What a container has of a network while it runs.
struct Endpoint {
  std::string id;  ///< of this stay on the network: 64 hexadecimal digits
  std::string network;
  std::string driver;          ///< as Definition has it
  std::string bridge;          ///< the host's interface that the container hangs on
  std::string parent;          ///< the same with macvlan and ipvlan
  std::string mode;            ///< of these
  std::string interface;       ///< "eth0", in the container, which may call it something else
  std::string host_interface;  ///< the host's end of the pair; empty with macvlan and ipvlan
  int index = 0;               ///< of the interface in the container with these; 0: it is being made
  std::string subnet;          ///< "10.88.0.0/16"
  std::string address;         ///< "10.88.0.2"
  std::string gateway;
  std::string mac;  ///< "02:42:0a:58:00:02"
  int prefix = 0;
  std::string subnet6;   ///< "fd00::/64"; this and what follows are empty where the network has no IPv6
  std::string address6;  ///< "fd00::2"
  std::string gateway6;
  int prefix6 = 0;
  bool routed6 = false;            ///< others reach address6 itself
  bool internal = false;           ///< the network has no way out
  std::vector<std::string> names;  ///< by which it is found on the network
  /// Of either family.
  [[nodiscard]] std::vector<std::string> addresses() const;
};

/// What a container has of all its networks: its note in its run directory.
struct Presence {
  std::vector<Endpoint> endpoints;          ///< in the order in which it came to them
  std::vector<state::PublishedPort> ports;  ///< that it has of the host, on whatever network it is; never 0 there
  /// The one that the default route leads by; nullptr: none does. Where there are published ports it is theirs, as what
  /// comes to them from elsewhere has to find back.
  [[nodiscard]] const Endpoint* outward() const noexcept;
  [[nodiscard]] const Endpoint* outward6() const noexcept;
  /// The one that published ports lead by: with macvlan and ipvlan a container has all ports of its own address.
  [[nodiscard]] const Endpoint* publishing() const noexcept;
  [[nodiscard]] const Endpoint* publishing6() const noexcept;
  /// Those of the ports that lead to the container: none while no network of its publishes any, and SCTP at IPv6
  /// addresses only while one of them has IPv6.
  [[nodiscard]] std::vector<state::PublishedPort> published_ports() const;
};

/// What keeps the host's ports from everybody else as long as it is open.
struct Lease {
  std::string container_id;
  Presence presence;
  std::vector<Fd> ports;
};

/// Throws Error{Conflict} naming the holder when a port is taken, and Error when there is no address left or the note
/// cannot be written.
[[nodiscard]] Lease reserve(const Directories& directories, const Station& station);
/// Makes interfaces, addresses, routes and rules for the process `pid`, which has a network namespace of its own.
/// Throws Error, naming what the host lacks where it cannot.
void connect(const Directories& directories, const Lease& lease, pid_t pid);
/// Puts a container that runs on another network: what reserve() and connect() do, all or nothing. Its note may be
/// missing, if it is on none. Returns what it has of all its networks then. Throws Error as they do.
Presence attach(const Directories& directories, const Station& station, const state::NetworkAttachment& wanted,
                pid_t pid);
/// Takes a container that runs from a network, if it is on it: its ports and default routes lead by another then, if
/// there is one. Returns what it has left. Throws Error.
Presence detach(const Directories& directories, const std::string& container_id, const std::string& network, pid_t pid);
/// Throws Error when something cannot be removed.
void release(const Directories& directories, const std::string& container_id);

/// An address that a container has by its claim alone: its note is gone, as somebody has removed its run directory.
struct Stray {
  std::string network;
  std::string address;
  std::string container_id;
};
[[nodiscard]] std::vector<Stray> find_strays(const Directories& directories);
/// Gives it back, with the names that it has. Idempotent. Throws Error.
void release_stray(const Directories& directories, const Stray& stray);

/// nullopt when the container has none.
[[nodiscard]] std::optional<Presence> load_presence(const std::string& run_directory);
/// Has a container that runs found by another name, on networks that know names. Throws Error.
void rename(const Directories& directories, const std::string& container_id, const std::string& old_name,
            const std::string& new_name);

/// The containers that run on a network, and the address of each there. `run_containers` as in Directories.
struct Inhabitant {
  std::string id;
  Endpoint endpoint;
};
[[nodiscard]] std::vector<Inhabitant> list_inhabitants(const std::string& run_containers, const std::string& network);
/// Takes a network of one's own away with its bridge. Throws Error{Conflict} naming them while containers are on it.
void undefine(const Directories& directories, const std::string& name);
/// Empty when there is no such network, or its definition cannot be read.
[[nodiscard]] std::string network_id(const Directories& directories, const std::string& name);
/// What the default network is like; chosen on the first use since the boot.
[[nodiscard]] Definition describe_default(const Directories& directories);

}  // namespace myct::network
