#include "ports.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <iterator>
#include <memory>
#include <sstream>

#include "background.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/units.hpp"
#include "socket_address.hpp"

namespace myct::network {
namespace {

constexpr const char* kEveryIpv6 = "::";
/// What a container's owner opens beside the sockets of its ports. The program inherits what is allowed for all, which
/// is the user's limit but for hundreds of ports.
constexpr size_t kOtherDescriptors = 100;
/// How many times a port of the kernel's choice may be taken in the other family.
constexpr int kTries = 100;

int socket_type(state::Protocol protocol) {
  switch (protocol) {
    case state::Protocol::Tcp:
      return SOCK_STREAM;
    case state::Protocol::Udp:
      return SOCK_DGRAM;
    case state::Protocol::Sctp:
      break;
  }
  return SOCK_SEQPACKET;
}

/// The inode of the socket that has the port, from /proc/net/tcp and the like (proc(5)); empty when it is not there.
std::string socket_at(const state::PublishedPort& port) {
  const std::string wanted = fmt::format(":{:04X}", port.host_port);
  for (const std::string version : {"", "6"}) {
    if (state::is_ipv6(port) && version.empty()) continue;  // an IPv6 socket may have an IPv4 port, but not vice versa
    std::istringstream table(
        try_read_file(fmt::format("/proc/net/{}{}", state::protocol_word(port.protocol), version)).value_or(""));
    std::string line;
    std::getline(table, line);
    while (std::getline(table, line)) {
      std::istringstream fields(line);
      std::string field;
      std::string local;
      fields >> field >> local;
      for (int skipped = 0; skipped < 7; ++skipped) fields >> field;
      std::string inode;
      fields >> inode;
      if (local.ends_with(wanted) && inode != "0") return inode;
    }
  }
  return {};
}

bool has_socket(const std::string& process, const std::string& inode) {
  const std::string directory = "/proc/" + process + "/fd";
  const Directory stream(::opendir(directory.c_str()));
  if (!stream) return false;
  const std::string wanted = "socket:[" + inode + "]";
  while (const dirent* entry = ::readdir(stream.get())) {
    char target[PATH_MAX];
    const ssize_t size = ::readlinkat(::dirfd(stream.get()), entry->d_name, target, sizeof target);
    if (size > 0 && std::string_view(target, static_cast<size_t>(size)) == wanted) return true;
  }
  return false;
}

/// "nginx (process 12)", or empty: only on the way to an error, as it looks at every process.
std::string holder_of(const state::PublishedPort& port) {
  const std::string inode = socket_at(port);
  if (inode.empty()) return {};
  for (const std::string& process : list_directory("/proc", Hidden::LeaveOut)) {
    if (!parse_unsigned(process) || !has_socket(process, inode)) continue;
    std::string name = try_read_file("/proc/" + process + "/comm").value_or("");
    if (name.ends_with('\n')) name.pop_back();
    return fmt::format("{} (process {})", name, process);
  }
  return {};
}

[[noreturn]] void throw_taken(const state::PublishedPort& port, int errnum, const FindPublisher& find_publisher) {
  const std::string what = fmt::format("publish port {}:{}/{}", state::address_text(port), port.host_port,
                                       state::protocol_word(port.protocol));
  if (errnum == EADDRNOTAVAIL)
    throw Error(ErrorKind::Invalid, what, errnum, "the host has no such address: see 'ip address'");
  std::string hint;
  if (errnum == EADDRINUSE) {
    std::string holder = find_publisher(port);
    if (holder.empty()) holder = holder_of(port);
    hint = !holder.empty() ? holder + " has it"
           : port.protocol == state::Protocol::Tcp
               ? "nobody listens there: connections that are over keep it for a minute"
               : "";
  }
  throw Error(kind_of_errno(errnum), what, errnum, hint);
}

/// Whether the host has an IPv6 address, be it ::1 alone.
bool has_ipv6() { return !try_read_file("/proc/net/if_inet6").value_or("").empty(); }

void set_option(const Fd& socket, int level, int option) {
  const int on = 1;
  if (::setsockopt(socket.get(), level, option, &on, sizeof on) == -1) throw_errno("set option {} of a port", option);
}

/// IPv4 has a socket of its own, and the relay needs more; see relay.hpp.
void prepare_for_ipv6(const Fd& socket, state::Protocol protocol) {
  set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY);
  // The last run's connections may not be over yet. Two that do so may bind the same port, but only one can listen.
  if (protocol == state::Protocol::Tcp) set_option(socket, SOL_SOCKET, SO_REUSEADDR);
  if (protocol == state::Protocol::Udp) set_option(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO);
}

[[noreturn]] void throw_without_socket(const state::PublishedPort& port, int errnum) {
  const bool is_unknown = errnum == EPROTONOSUPPORT || errnum == ESOCKTNOSUPPORT;
  throw Error(is_unknown ? ErrorKind::Unsupported : kind_of_errno(errnum),
              fmt::format("make a socket for a {} port", state::protocol_word(port.protocol)), errnum,
              is_unknown ? fmt::format("the kernel lacks {0} (module {0})", state::protocol_word(port.protocol)) : "");
}

/// Where connections that are over (TIME_WAIT) have the port of a program that would share it with its like. Who shares
/// may bind beside who shares, too, and only one can listen: so it is listened for a moment, which tells whether nobody
/// else has the port, and from then on it is shared with nobody. Returns as bind(2).
int bind_beside_ended(const Fd& socket, const SocketAddress& address) {
  constexpr int kOn = 1;
  constexpr int kOff = 0;
  const auto share = [&](const int& value) {
    return ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &value, sizeof value);
  };
  if (share(kOn) == -1 || ::bind(socket.get(), address.name(), address.size()) == -1) return -1;
  if (::listen(socket.get(), 0) == -1 || share(kOff) == -1) return -1;
  return ::shutdown(socket.get(), SHUT_RDWR);  // it stays bound
}

/// An invalid one, with errno, when the port cannot be had.
Fd try_bind(state::PublishedPort& port) {
  std::optional<SocketAddress> address =
      SocketAddress::parse(port.host_address.empty() ? "0.0.0.0" : port.host_address, port.host_port);
  if (!address) throw_error(ErrorKind::Invalid, "'{}' is not an address", port.host_address);
  const int protocol = port.protocol == state::Protocol::Sctp ? IPPROTO_SCTP : 0;
  Fd socket(::socket(address->family(), socket_type(port.protocol) | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  if (!socket.valid()) throw_without_socket(port, errno);
  const bool is_of_ipv6 = state::is_ipv6(port);
  if (is_of_ipv6) prepare_for_ipv6(socket, port.protocol);
  int result = ::bind(socket.get(), address->name(), address->size());
  if (result == -1 && errno == EADDRINUSE && !is_of_ipv6 && port.protocol == state::Protocol::Tcp)
    result = bind_beside_ended(socket, *address);
  if (result == -1) return Fd();
  if (is_of_ipv6 && port.protocol == state::Protocol::Tcp && ::listen(socket.get(), SOMAXCONN) == -1) return Fd();
  socklen_t size = SocketAddress::kStorageSize;
  if (::getsockname(socket.get(), address->storage(), &size) == -1) throw_errno("ask for a port");
  port.host_port = address->port();
  return socket;
}

/// To select(2), which libnftables uses, and which knows no others. Where the user allows too few it stays as it is.
void leave_low_numbers(Fd& socket) {
  const int moved = ::fcntl(socket.get(), F_DUPFD_CLOEXEC, FD_SETSIZE);
  if (moved != -1) socket = Fd(moved);
}

/// A published port at its addresses of either family, with a socket for each.
struct Bound {
  std::vector<state::PublishedPort> faces;
  std::vector<Fd> sockets;
};

std::vector<state::PublishedPort> faces_of(const state::PublishedPort& port, bool with_ipv6) {
  std::vector<state::PublishedPort> faces = {port};
  faces.front().last_host_port = 0;
  if (!with_ipv6 || !port.host_address.empty()) return faces;
  faces.push_back(faces.front());
  faces.back().host_address = kEveryIpv6;
  return faces;
}

/// The host's port of the first face for all. Returns 0, or the errno of the first face that has no socket then.
int try_bind_all(Bound& bound) {
  bound.sockets.clear();
  for (state::PublishedPort& face : bound.faces) {
    face.host_port = bound.faces.front().host_port;
    Fd socket = try_bind(face);
    if (!socket.valid()) return errno;
    bound.sockets.push_back(std::move(socket));
  }
  return 0;
}

Bound bind_port(const state::PublishedPort& port, bool with_ipv6, const FindPublisher& find_publisher,
                const MakeRoom& make_room) {
  if (state::is_ipv6(port) && !with_ipv6) throw_taken(port, EADDRNOTAVAIL, find_publisher);
  Bound bound{.faces = faces_of(port, with_ipv6), .sockets = {}};
  uint16_t& host_port = bound.faces.front().host_port;
  for (int tries = 0;; ++tries) {
    const int errnum = try_bind_all(bound);
    if (errnum == 0) return bound;
    const bool is_any = port.host_port == 0 && !bound.sockets.empty() && tries < kTries;
    if (errnum != EADDRINUSE || (!is_any && host_port >= port.last_host_port)) {
      const state::PublishedPort& face = bound.faces[bound.sockets.size()];
      if (errnum == EADDRINUSE && make_room(face)) continue;
      throw_taken(face, errnum, find_publisher);
    }
    host_port = is_any ? uint16_t{0} : static_cast<uint16_t>(host_port + 1);
  }
}

}  // namespace

bool is_port_taken(const state::PublishedPort& port) {
  state::PublishedPort wanted = port;
  return !try_bind(wanted).valid() && errno == EADDRINUSE;
}

std::vector<Fd> bind_ports(std::vector<state::PublishedPort>& ports, const FindPublisher& find_publisher,
                           const MakeRoom& make_room) {
  std::vector<Fd> sockets;
  std::vector<state::PublishedPort> all;
  const bool with_ipv6 = !ports.empty() && has_ipv6();
  const size_t count = ports.size() * (with_ipv6 ? 2 : 1);
  const bool are_many = kOtherDescriptors + count > FD_SETSIZE;
  allow_descriptors(kOtherDescriptors + count + (are_many ? FD_SETSIZE : 0));
  for (const state::PublishedPort& port : ports) {
    Bound bound = bind_port(port, with_ipv6, find_publisher, make_room);
    std::ranges::move(bound.faces, std::back_inserter(all));
    if (are_many) std::ranges::for_each(bound.sockets, leave_low_numbers);
    std::ranges::move(bound.sockets, std::back_inserter(sockets));
  }
  ports = std::move(all);
  return sockets;
}

}  // namespace myct::network
