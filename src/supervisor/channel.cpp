#include "myct/supervisor/channel.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "myct/base/file.hpp"
#include "myct/base/socket.hpp"

namespace myct::supervisor {
namespace {

constexpr const char* kSocketName = "attach";
constexpr char kSeparator = '\x1f';

struct Address {
  Fd directory;  ///< what the name leads through; must outlive the use
  sockaddr_un name{};
};

/// A socket's name has room for 108 bytes, and a run directory's path may be longer: so by its descriptor.
std::optional<Address> address_in(const std::string& run_directory) {
  std::optional<Fd> directory = try_open_path(run_directory, O_PATH | O_DIRECTORY);
  if (!directory) return std::nullopt;
  Address address;
  address.directory = std::move(*directory);
  address.name.sun_family = AF_UNIX;
  const std::string path = fmt::format("/proc/self/fd/{}/{}", address.directory.get(), kSocketName);
  std::memcpy(address.name.sun_path, path.c_str(), path.size() + 1);
  return address;
}

Fd make_socket(int flags) {
  Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0));
  if (!socket.valid()) throw_errno("make a socket");
  return socket;
}

}  // namespace

Channel::Sent Channel::try_send(Kind kind, std::string_view payload, std::optional<FdRef> fd) const noexcept {
  std::array<iovec, 2> data = {iovec{.iov_base = &kind, .iov_len = sizeof kind},
                               iovec{.iov_base = const_cast<char*>(payload.data()), .iov_len = payload.size()}};
  if (send_message(socket_.ref(), data, fd, MSG_DONTWAIT) != -1) return Sent::Yes;
  return errno == EAGAIN || errno == ENOBUFS ? Sent::Full : Sent::Gone;
}

void Channel::send(Kind kind, std::string_view payload, std::optional<FdRef> fd) const {
  for (;;) {
    const Sent sent = try_send(kind, payload, fd);
    if (sent == Sent::Yes) return;
    if (sent == Sent::Gone) throw_error(ErrorKind::System, "the other side of the conversation is gone");
    pollfd room{.fd = socket_.get(), .events = POLLOUT, .revents = 0};
    if (::poll(&room, 1, -1) == -1 && errno != EINTR) throw_errno("wait for room in a socket");
  }
}

std::optional<Message> Channel::receive(MessageBuffer& buffer, Wait wait) const {
  buffer.resize(kLongestPayload + 1);
  Message received;
  const ssize_t got = receive_message(socket_.ref(), buffer, received.fd, wait == Wait::No ? MSG_DONTWAIT : 0);
  if (got == -1 && errno == EAGAIN) return std::nullopt;
  if (got <= 0) {
    at_end_ = true;
    return std::nullopt;
  }
  received.kind = static_cast<Kind>(buffer.front());
  received.payload = std::string_view(buffer.data() + 1, static_cast<size_t>(got) - 1);
  return received;
}

ChannelPair make_channel() {
  SocketPair pair = make_socket_pair();
  return {Channel(std::move(pair.one)), Channel(std::move(pair.other))};
}

std::string pack_numbers(std::initializer_list<int> numbers) {
  std::string payload(numbers.size() * sizeof(int), '\0');
  std::memcpy(payload.data(), numbers.begin(), payload.size());
  return payload;
}

std::vector<int> unpack_numbers(std::string_view payload, size_t count) {
  if (payload.size() != count * sizeof(int)) throw_error(ErrorKind::Internal, "malformed message");
  std::vector<int> numbers(count);
  std::memcpy(numbers.data(), payload.data(), payload.size());
  return numbers;
}

std::string pack_error(const Error& error) {
  std::string payload = pack_numbers({static_cast<int>(error.kind()), error.errnum(), error.exit_status()});
  payload.append(error.subject()).push_back(kSeparator);
  payload.append(error.hint());
  return payload.substr(0, kLongestPayload);
}

Error unpack_error(std::string_view payload) {
  constexpr size_t kNumbers = 3;
  constexpr size_t kHead = kNumbers * sizeof(int);
  if (payload.size() < kHead) return {ErrorKind::Internal, "malformed message"};
  const std::vector<int> numbers = unpack_numbers(payload.substr(0, kHead), kNumbers);
  const std::string_view text = payload.substr(kHead);
  const size_t separator = text.find(kSeparator);
  const std::string_view hint = separator == std::string_view::npos ? std::string_view() : text.substr(separator + 1);
  Error error(static_cast<ErrorKind>(numbers[0]), std::string(text.substr(0, separator)), numbers[1],
              std::string(hint));
  error.set_exit_status(numbers[2]);
  return error;
}

Fd listen_for_clients(const std::string& run_directory) {
  constexpr int kBacklog = 64;
  remove_file(run_directory + "/" + kSocketName);  // of a supervisor that was killed
  const std::optional<Address> address = address_in(run_directory);
  if (!address) throw_error(ErrorKind::NotFound, "no directory '{}'", run_directory);
  Fd socket = make_socket(SOCK_NONBLOCK);
  const auto* name = reinterpret_cast<const sockaddr*>(&address->name);
  if (::bind(socket.get(), name, sizeof address->name) == -1 || ::listen(socket.get(), kBacklog) == -1)
    throw_errno("listen on '{}/{}'", run_directory, kSocketName);
  return socket;
}

std::optional<Channel> connect_to_supervisor(const std::string& run_directory) {
  const std::optional<Address> address = address_in(run_directory);
  if (!address) return std::nullopt;
  Fd socket = make_socket(0);
  const auto* name = reinterpret_cast<const sockaddr*>(&address->name);
  if (::connect(socket.get(), name, sizeof address->name) == -1) {
    if (errno == ENOENT || errno == ECONNREFUSED) return std::nullopt;
    throw_errno("connect to '{}/{}'", run_directory, kSocketName);
  }
  return Channel(std::move(socket));
}

}  // namespace myct::supervisor
