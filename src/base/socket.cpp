#include "myct/base/socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"

namespace myct {
namespace {

/// Room for one descriptor.
struct Control {
  alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof(int))] = {};
};

}  // namespace

SocketPair make_socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1) throw_errno("make a socket pair");
  return {Fd(ends[0]), Fd(ends[1])};
}

Fd connect_stream(const std::string& path) {
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) throw_errno("make a socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // A long path is reached by the descriptor of what it leads to (unix(7): 108 bytes).
  Fd place;
  std::string name = path;
  if (name.size() >= sizeof address.sun_path) {
    place = open_path(path, O_PATH);
    name = fmt::format("/proc/self/fd/{}", place.get());
  }
  std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == -1)
    throw_errno("connect to '{}'", path);
  return socket;
}

ssize_t send_message(FdRef socket, std::span<iovec> parts, std::optional<FdRef> fd, int flags) noexcept {
  Control control;
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  if (fd) {
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    const int number = fd->get();
    std::memcpy(CMSG_DATA(header), &number, sizeof number);
  }
  for (;;) {
    const ssize_t sent = ::sendmsg(socket.get(), &message, flags | MSG_NOSIGNAL);
    if (sent != -1 || errno != EINTR) return sent;
  }
}

ssize_t receive_message(FdRef socket, std::span<char> buffer, Fd& fd, int flags) noexcept {
  Control control;
  iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket.get(), &message, flags | MSG_CMSG_CLOEXEC);
  } while (got == -1 && (errno == EINTR || errno == ECONNRESET));
  if (got == -1) return got;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    int number = -1;
    std::memcpy(&number, CMSG_DATA(header), sizeof number);
    fd = Fd(number);
  }
  return got;
}

}  // namespace myct
