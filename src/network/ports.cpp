#include "ports.hpp"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <climits>
#include <memory>
#include <sstream>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/units.hpp"

namespace myct::network {
namespace {

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
  for (const char* version : {"", "6"}) {
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
  const std::string what =
      fmt::format("publish port {}:{}/{}", port.host_address.empty() ? "0.0.0.0" : port.host_address, port.host_port,
                  state::protocol_word(port.protocol));
  if (errnum == EADDRNOTAVAIL)
    throw Error(ErrorKind::Invalid, what, errnum, "the host has no such address: see 'ip address'");
  std::string hint;
  if (errnum == EADDRINUSE) {
    std::string holder = find_publisher(port);
    if (holder.empty()) holder = holder_of(port);
    if (!holder.empty()) hint = holder + " has it";
  }
  throw Error(kind_of_errno(errnum), what, errnum, hint);
}

/// An invalid one, with errno, when the port cannot be had.
Fd try_bind(state::PublishedPort& port) {
  const int protocol = port.protocol == state::Protocol::Sctp ? IPPROTO_SCTP : 0;
  Fd socket(::socket(AF_INET, socket_type(port.protocol) | SOCK_CLOEXEC, protocol));
  if (!socket.valid()) throw_errno("make a socket for a {} port", state::protocol_word(port.protocol));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port.host_port);
  if (!port.host_address.empty()) (void)::inet_pton(AF_INET, port.host_address.c_str(), &name.sin_addr);
  socklen_t size = sizeof name;
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == -1) return Fd();
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&name), &size) == -1) throw_errno("ask for a port");
  port.host_port = ntohs(name.sin_port);
  return socket;
}

}  // namespace

bool is_port_taken(const state::PublishedPort& port) {
  state::PublishedPort wanted = port;
  return !try_bind(wanted).valid() && errno == EADDRINUSE;
}

std::vector<Fd> bind_ports(std::vector<state::PublishedPort>& ports, const FindPublisher& find_publisher) {
  std::vector<Fd> sockets;
  for (state::PublishedPort& port : ports) {
    Fd socket = try_bind(port);
    while (!socket.valid() && errno == EADDRINUSE && port.host_port < port.last_host_port) {
      ++port.host_port;
      socket = try_bind(port);
    }
    if (!socket.valid()) throw_taken(port, errno, find_publisher);
    port.last_host_port = 0;
    sockets.push_back(std::move(socket));
  }
  return sockets;
}

}  // namespace myct::network
