// Starting and ending a container's relay; see myct/network/relay.hpp.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "myct/network/network.hpp"

namespace myct::network {

/// Whether the port is handed on by a relay where its network has no IPv6: not SCTP, which has more to hand on than one
/// stream each way.
[[nodiscard]] bool is_relayed(const state::PublishedPort& port) noexcept;
/// A relay's command line, and the descriptors that it names.
struct RelayInvocation {
  std::vector<std::string> arguments;
  std::vector<int> descriptors;
};
/// `ports` has a socket for each of the presence's ports, in their order; those that are not relayed may be invalid.
[[nodiscard]] RelayInvocation invocation_of_relay(const std::string& run_directory, const std::string& container_id,
                                                  const Presence& presence, const std::vector<Fd>& ports,
                                                  const Fd& init);
/// Starts the relay of a container whose init is `init`, as a child of this process, and notes it in the container's
/// run directory. Does nothing when no port is published at IPv6 addresses. Throws Error.
void start_relay(const std::string& run_directory, const Lease& lease, pid_t init);
/// Returns when the noted one is gone, and its sockets with it. Idempotent. Throws Error.
void end_relay(const std::string& run_directory);

/// Whether the noted one is gone, and the container and its owner, which has the sockets still, are there.
[[nodiscard]] bool has_lost_relay(const std::string& run_directory);
/// Starts it again with the owner's sockets, as nobody's child, if it is lost. Waits for what is under way with the
/// rules. Throws Error, among others when this process may not take another's descriptors (CAP_SYS_PTRACE).
void restart_relay(const Directories& directories, const std::string& container_id);
/// The same for this one and a few others, each time other ones, so that it costs a start the same beside three
/// containers and beside a thousand; failures are warnings.
void restart_lost_relays(const Directories& directories, const std::string& container_id);

}  // namespace myct::network
