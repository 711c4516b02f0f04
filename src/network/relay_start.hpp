// Starting and ending a container's relay; see myct/network/relay.hpp.
#pragma once

#include <sys/types.h>

#include <string>

#include "myct/network/network.hpp"

namespace myct::network {

/// Whether the port is handed on by a relay where its network has no IPv6: not SCTP, which has more to hand on than one
/// stream each way.
[[nodiscard]] bool is_relayed(const state::PublishedPort& port) noexcept;
/// Starts the relay of a container whose init is `init`, as a child of this process, and notes it in the container's
/// run directory. Does nothing when no port is published at IPv6 addresses. Throws Error.
void start_relay(const std::string& run_directory, const Lease& lease, pid_t init);
/// Returns when the noted one is gone, and its sockets with it. Idempotent. Throws Error.
void end_relay(const std::string& run_directory);

}  // namespace myct::network
