// A container's network: a bridge with NAT for all that ask for no other.
//
//   reserve   claims an address and the host's ports, and notes in the container's run directory what it will have
//   connect   makes the interfaces; the container's init waits meanwhile
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
#include "myct/state/port.hpp"

namespace myct::network {

/// The one network that there is without being made.
constexpr const char* kDefaultNetwork = "bridge";

/// Where networks keep what dies with the boot.
struct Directories {
  std::string networks;        ///< of all networks
  std::string run_containers;  ///< the run directories of all containers
  std::string run_directory;   ///< of the container
};

/// What a container has of a network while it runs.
struct Endpoint {
  std::string network;
  std::string bridge;          ///< the host's interface that the container hangs on
  std::string host_interface;  ///< the host's end of the pair
  std::string subnet;          ///< "10.88.0.0/16"
  std::string address;         ///< "10.88.0.2"
  std::string gateway;
  std::string mac;  ///< "02:42:0a:58:00:02"
  int prefix = 0;
  std::vector<state::PublishedPort> ports;  ///< their host's ports are never 0
};

/// What keeps the host's ports from everybody else as long as it is open.
struct Lease {
  Endpoint endpoint;
  Directories directories;
  std::string directory;  ///< the network's
  std::vector<Fd> ports;
};

/// Throws Error{Conflict} naming the holder when a port is taken, and Error when there is no address left or the note
/// cannot be written.
[[nodiscard]] Lease reserve(const Directories& directories, const std::string& container_id,
                            const std::vector<state::PublishedPort>& ports);
/// Makes interfaces, addresses, routes and rules for the process `pid`, which has a network namespace of its own.
/// Throws Error, naming what the host lacks where it cannot.
void connect(const Lease& lease, pid_t pid);
/// Throws Error when something cannot be removed.
void release(const Directories& directories, const std::string& container_id);

/// nullopt when the container has none.
[[nodiscard]] std::optional<Endpoint> load_endpoint(const std::string& run_directory);

}  // namespace myct::network
