// Messages over a SOCK_SEQPACKET pair between two processes of ours, with a descriptor beside the bytes (unix(7)).
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "myct/base/fd.hpp"

namespace myct {

struct SocketPair {
  Fd one;
  Fd other;
};
/// Two connected ends; what is sent in one call is received in one. Throws Error.
[[nodiscard]] SocketPair make_socket_pair();

/// A stream socket that is connected to the one at `path`, however long that is. Throws Error.
[[nodiscard]] Fd connect_stream(const std::string& path);

/// As sendmsg(2), again after a signal, with `fd` for the other side if there is one. Never raises SIGPIPE.
[[nodiscard]] ssize_t send_message(FdRef socket, std::span<iovec> parts, std::optional<FdRef> fd, int flags) noexcept;

/// As recvmsg(2) into `buffer`, again after a signal; a descriptor that came along goes into `fd`. Where the other side
/// died with something of ours unread, the kernel says so once (ECONNRESET): that is passed over, as what it had sent
/// before is still to be read.
[[nodiscard]] ssize_t receive_message(FdRef socket, std::span<char> buffer, Fd& fd, int flags) noexcept;

}  // namespace myct
