// The relay of a container that has published ports, where the host has IPv6: it takes connections and datagrams on the
// host's IPv6 addresses and hands them on to the container's IPv4 address. For IPv4 the firewall's rules do that. It is
// this program executed anew, one small process per container, which ends when the container's init does or when its
// parent, the container's owner, dies.
#pragma once

namespace myct::network {

/// argv[0] of a relay, which tells it from a command.
constexpr const char* kRelayName = "myct-relay";

/// What main does when it is called by kRelayName. Returns the process's exit status.
int relay_ports(int argc, char** argv) noexcept;

}  // namespace myct::network
