#include "stream_relay.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "myct/base/error.hpp"

namespace myct::network {
namespace {

/// Every change is told once, so that neither side's end, told for ever, keeps us busy while the other is slow.
constexpr uint32_t kEveryChange = EPOLLIN | EPOLLOUT | EPOLLET;
constexpr size_t kMostConnections = std::numeric_limits<uint16_t>::max();
/// Then the other connections have their turn.
constexpr int kBuffersAtOnce = 8;
/// After which it is tried again to accept where there was no descriptor left and none of ours has been closed.
constexpr std::chrono::milliseconds kPause{500};
/// Shared by all: only what a side does not take is kept.
constexpr size_t kBufferSize = size_t{128} * 1024;
char g_buffer[kBufferSize];

bool is_shortage(int errnum) { return errnum == EMFILE || errnum == ENFILE || errnum == ENOMEM || errnum == ENOBUFS; }

void set_option(const Fd& socket, int level, int option) {
  const int on = 1;
  ::setsockopt(socket.get(), level, option, &on, sizeof on);  // works as well without
}

/// The other side sees that the connection broke (RST), not that it ended.
void reset_connection(Fd& socket) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  socket.reset();
}

}  // namespace

StreamRelay::StreamRelay(Poller& poller, Kinds kinds, FindTarget find_target)
    : poller_(poller), kinds_(kinds), find_target_(std::move(find_target)) {}

void StreamRelay::add(Fd listener, uint16_t container_port) {
  poller_.add(listener.ref(), EPOLLIN, {.kind = kinds_.listener, .slot = static_cast<uint16_t>(listeners_.size())});
  listeners_.push_back({.socket = std::move(listener), .container_port = container_port});
}

void StreamRelay::handle(const Event& event) {
  if (event.tag.kind == kinds_.listener)
    accept(event.tag.slot);
  else
    handle_side(event);
}

/// All that takes a descriptor comes before the client does: one that has been accepted is served.
void StreamRelay::accept(uint16_t index) {
  if (paused_until_) return;
  const Listener& listener = listeners_[index];
  std::optional<SocketAddress> target;
  try {
    target = find_target_(listener.container_port);
  } catch (const Error& error) {
    if (is_shortage(error.errnum())) return pause();
  }
  Fd server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!server.valid()) return pause();
  Fd client(::accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!client.valid() && is_shortage(errno)) return pause();
  if (!client.valid()) return;  // it has gone
  if (!target) return reset_connection(client);
  begin(std::move(client), std::move(server), *target);
}

void StreamRelay::begin(Fd client, Fd server, const SocketAddress& target) {
  for (const Fd* socket : {&client, &server}) set_option(*socket, IPPROTO_TCP, TCP_NODELAY);
  set_option(client, SOL_SOCKET, SO_KEEPALIVE);  // a client whose machine is gone does not keep it for ever
  const bool is_begun = ::connect(server.get(), target.name(), target.size()) == 0 || errno == EINPROGRESS;
  const std::optional<uint16_t> slot = is_begun ? take_slot() : std::nullopt;
  if (!slot) return reset_connection(client);
  Connection& connection = connections_[*slot];
  connection.client = std::move(client);
  connection.server = std::move(server);
  connection.is_connecting = true;
  const uint32_t generation = connection.generation;
  const bool are_watched = poller_.try_add(connection.client.ref(), kEveryChange,
                                           {.kind = kinds_.client, .slot = *slot, .generation = generation}) &&
                           poller_.try_add(connection.server.ref(), kEveryChange,
                                           {.kind = kinds_.server, .slot = *slot, .generation = generation});
  if (!are_watched) abort(*slot);
}

std::optional<uint16_t> StreamRelay::take_slot() {
  if (!free_.empty()) {
    const uint16_t slot = free_.back();
    free_.pop_back();
    return slot;
  }
  if (connections_.size() == kMostConnections) return std::nullopt;
  connections_.emplace_back();
  return static_cast<uint16_t>(connections_.size() - 1);
}

void StreamRelay::handle_side(const Event& event) {
  const uint16_t slot = event.tag.slot;
  Connection& connection = connections_[slot];
  if (connection.generation != event.tag.generation) return;
  const bool is_server = event.tag.kind == kinds_.server;
  const bool is_broken = (event.what & EPOLLERR) != 0;
  if (connection.is_connecting) {
    if (is_broken) return abort(slot);
    if (!is_server || (event.what & EPOLLOUT) == 0) return;
    connection.is_connecting = false;
  }
  // Else its error is met after what it had sent before.
  const Flow& from = is_server ? connection.to_client : connection.to_server;
  if (is_broken && from.is_read_out) return abort(slot);
  pump(slot);
}

void StreamRelay::pump(uint16_t slot) {
  Connection& connection = connections_[slot];
  const Outcome there = pump(connection.to_server, connection.client, connection.server);
  const Outcome back = pump(connection.to_client, connection.server, connection.client);
  if (there == Outcome::Broken || back == Outcome::Broken) return abort(slot);
  if (connection.to_server.is_ended && connection.to_client.is_ended) return close(slot);
  const bool has_more = there == Outcome::HasMore || back == Outcome::HasMore;
  if (!has_more || connection.is_queued) return;
  connection.is_queued = true;
  unfinished_.push_back(slot);
}

StreamRelay::Outcome StreamRelay::pump(Flow& flow, const Fd& from, const Fd& to) {
  for (int buffers = 0; buffers < kBuffersAtOnce; ++buffers) {
    if (!flow.waiting.empty()) {
      const ssize_t sent = ::send(to.get(), flow.waiting.data(), flow.waiting.size(), MSG_NOSIGNAL);
      if (sent == -1) return errno == EAGAIN ? Outcome::Waits : Outcome::Broken;
      flow.waiting.erase(flow.waiting.begin(), flow.waiting.begin() + sent);
      if (flow.waiting.empty()) flow.waiting = {};  // an idle connection has no buffer
      continue;
    }
    if (flow.is_read_out) {
      if (!flow.is_ended && ::shutdown(to.get(), SHUT_WR) == -1) return Outcome::Broken;
      flow.is_ended = true;
      return Outcome::Waits;
    }
    const ssize_t got = ::recv(from.get(), g_buffer, sizeof g_buffer, 0);
    if (got == -1) return errno == EAGAIN ? Outcome::Waits : Outcome::Broken;
    flow.is_read_out = got == 0;
    const ssize_t sent = got == 0 ? 0 : ::send(to.get(), g_buffer, static_cast<size_t>(got), MSG_NOSIGNAL);
    if (sent == -1 && errno != EAGAIN) return Outcome::Broken;
    flow.waiting.assign(g_buffer + std::max<ssize_t>(sent, 0), g_buffer + got);
  }
  return Outcome::HasMore;
}

void StreamRelay::abort(uint16_t slot) {
  reset_connection(connections_[slot].client);
  reset_connection(connections_[slot].server);
  close(slot);
}

void StreamRelay::close(uint16_t slot) {
  Connection& connection = connections_[slot];
  connection.client.reset();
  connection.server.reset();
  connection.to_server = {};
  connection.to_client = {};
  ++connection.generation;
  free_.push_back(slot);
  listen_again();
}

void StreamRelay::go_on() {
  for (const uint16_t slot : std::exchange(unfinished_, {})) {
    Connection& connection = connections_[slot];  // another one by now, perhaps
    connection.is_queued = false;
    if (connection.client.valid() && !connection.is_connecting) pump(slot);
  }
  if (paused_until_ && *paused_until_ <= Clock::now()) listen_again();
}

int StreamRelay::milliseconds_to_wait() const {
  if (!unfinished_.empty()) return 0;
  if (!paused_until_) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*paused_until_ - Clock::now());
  return static_cast<int>(std::max<int64_t>(left.count(), 0));
}

void StreamRelay::pause() {
  paused_until_ = Clock::now() + kPause;
  for (uint16_t index = 0; index < listeners_.size(); ++index)
    poller_.change(listeners_[index].socket.ref(), 0, {.kind = kinds_.listener, .slot = index});
}

void StreamRelay::listen_again() {
  if (!paused_until_) return;
  paused_until_.reset();
  for (uint16_t index = 0; index < listeners_.size(); ++index)
    poller_.change(listeners_[index].socket.ref(), EPOLLIN, {.kind = kinds_.listener, .slot = index});
}

}  // namespace myct::network
