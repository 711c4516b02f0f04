// The sockets on which a network's name server is asked.
#include <netinet/in.h>
#include <sys/socket.h>

#include "myct/base/error.hpp"
#include "name_service.hpp"

namespace myct::network {
namespace {

constexpr uint16_t kPort = 53;
constexpr int kBacklog = 64;
constexpr int kTries = 20;

void set_option(const Fd& socket, int level, int option, int value) {
  if (::setsockopt(socket.get(), level, option, &value, sizeof value) == -1) throw_errno("set option {}", option);
}

/// An invalid one, with errno EADDRINUSE, when another program has the port.
Fd try_bind(const NameServer& server, SocketAddress& address, int type) {
  Fd socket(::socket(address.family(), type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) throw_errno("make a socket for the name server");
  // A packet for the address that comes by another interface is not from a container of this network.
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, server.bridge.c_str(),
                   static_cast<socklen_t>(server.bridge.size())) == -1)
    throw_errno("listen on interface '{}'", server.bridge);
  // An IPv6 address can be used a second after it was given to a bridge; not so long waits the first container.
  if (address.family() == AF_INET)
    set_option(socket, IPPROTO_IP, IP_FREEBIND, 1);
  else
    set_option(socket, IPPROTO_IPV6, IPV6_FREEBIND, 1);
  if (type == SOCK_STREAM) set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1);  // connections of the last server's
  const bool is_bound = ::bind(socket.get(), address.name(), address.size()) == 0 &&
                        (type != SOCK_STREAM || ::listen(socket.get(), kBacklog) == 0);
  if (!is_bound && errno == EADDRINUSE) return Fd();
  if (!is_bound) throw_errno("listen on port {} of {}", address.port(), address.text());
  socklen_t size = SocketAddress::kStorageSize;
  if (::getsockname(socket.get(), address.storage(), &size) == -1) throw_errno("ask for a port");
  return socket;
}

/// The same port for both.
std::optional<Listener> try_listen(const NameServer& server, SocketAddress address) {
  Listener listener{.address = address, .datagrams = {}, .connections = {}};
  listener.datagrams = try_bind(server, listener.address, SOCK_DGRAM);
  if (!listener.datagrams.valid()) return std::nullopt;
  listener.connections = try_bind(server, listener.address, SOCK_STREAM);
  if (!listener.connections.valid()) return std::nullopt;
  return listener;
}

/// Where it is listened when another program has port 53; the rules lead there (add_detours).
Listener listen_elsewhere(const NameServer& server, SocketAddress address) {
  address.set_port(0);
  for (int tries = 0; tries < kTries; ++tries)
    if (std::optional<Listener> listener = try_listen(server, address)) return std::move(*listener);
  throw_error(ErrorKind::Conflict, "listen on {}: no port is free", address.text());
}

}  // namespace

std::vector<Listener> listen_for_questions(const NameServer& server) {
  std::vector<Listener> listeners;
  for (const std::string& gateway : server.gateways) {
    const std::optional<SocketAddress> address = SocketAddress::parse(gateway, kPort);
    if (!address) throw_error(ErrorKind::Invalid, "'{}' is not an address", gateway);
    if (std::optional<Listener> listener = try_listen(server, *address))
      listeners.push_back(std::move(*listener));
    else if (address->family() == AF_INET)
      listeners.push_back(listen_elsewhere(server, *address));
    else if (server.gateways.size() == 1)  // else the other family's address is asked
      throw Error(ErrorKind::Conflict, fmt::format("listen on port {} of {}", kPort, gateway), EADDRINUSE,
                  "make the program that has it listen on its own addresses only: see 'ss -lnp sport = :53'");
  }
  return listeners;
}

}  // namespace myct::network
