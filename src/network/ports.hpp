// Keeping the host's ports from others: a socket bound to each. On those of IPv4 nobody listens, as the rules send the
// traffic on before it comes to a socket; those of IPv6 are the relay's (relay.hpp), and listen. The kernel lets go of
// all of them however the process ends.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "myct/base/fd.hpp"
#include "myct/state/port.hpp"

namespace myct::network {

/// Names the container that has published a port; empty: none has.
using FindPublisher = std::function<std::string(const state::PublishedPort& port)>;
/// Has those of ours let go of a port that is taken; returns whether it is worth another try.
using MakeRoom = std::function<bool(const state::PublishedPort& port)>;
/// Binds each; a host's port 0 becomes one that is free. One that is for all of the host's addresses becomes two where
/// the host has IPv6: the same port at "::", too. Returns a socket for each that is then in `ports`, in their order.
/// Throws Error{Conflict} that names who has a taken one.
[[nodiscard]] std::vector<Fd> bind_ports(std::vector<state::PublishedPort>& ports, const FindPublisher& find_publisher,
                                         const MakeRoom& make_room);
/// Whether somebody has it.
[[nodiscard]] bool is_port_taken(const state::PublishedPort& port);

}  // namespace myct::network
