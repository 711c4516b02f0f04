#include "datagram_relay.hpp"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "myct/base/error.hpp"

namespace myct::network {
namespace {

/// As Docker's.
constexpr std::chrono::seconds kIdle{90};
constexpr size_t kMostSessions = 4096;
/// Then the other descriptors have their turn.
constexpr int kDatagramsAtOnce = 64;
constexpr size_t kLargestDatagram = size_t{64} * 1024;
char g_datagram[kLargestDatagram];

/// Half of the descriptors stay for connections, whatever strangers send.
size_t most_sessions() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == -1) return kMostSessions;
  return std::clamp<size_t>(limit.rlim_cur / 2, 1, kMostSessions);
}

/// Where a datagram was sent to; the interface counts only where the address does not tell it.
in6_pktinfo destination_of(msghdr& message) {
  in6_pktinfo own{};
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part))
    if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO)
      std::memcpy(&own, CMSG_DATA(part), sizeof own);
  if (!IN6_IS_ADDR_LINKLOCAL(&own.ipi6_addr)) own.ipi6_ifindex = 0;
  return own;
}

union Control {
  cmsghdr alignment;
  std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))> bytes;
};

/// What cannot be sent is lost, as datagrams are.
void send_from(const Fd& door, in6_pktinfo own, SocketAddress client, size_t size) {
  iovec part{.iov_base = g_datagram, .iov_len = size};
  Control control{};
  msghdr message{.msg_name = client.storage(),
                 .msg_namelen = client.size(),
                 .msg_iov = &part,
                 .msg_iovlen = 1,
                 .msg_control = control.bytes.data(),
                 .msg_controllen = control.bytes.size(),
                 .msg_flags = 0};
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = IPPROTO_IPV6;
  header->cmsg_type = IPV6_PKTINFO;
  header->cmsg_len = CMSG_LEN(sizeof own);
  std::memcpy(CMSG_DATA(header), &own, sizeof own);
  ::sendmsg(door.get(), &message, MSG_DONTWAIT);
}

}  // namespace

std::string DatagramRelay::Parties::key() const {
  std::string key(reinterpret_cast<const char*>(client.name()), client.size());
  key.append(reinterpret_cast<const char*>(&own), sizeof own);
  return key.append(reinterpret_cast<const char*>(&door), sizeof door);
}

DatagramRelay::DatagramRelay(Poller& poller, Kinds kinds, FindTarget find_target)
    : poller_(poller), kinds_(kinds), find_target_(std::move(find_target)), most_(most_sessions()) {}

void DatagramRelay::add(Fd door, uint16_t container_port) {
  poller_.add(door.ref(), EPOLLIN, {.kind = kinds_.door, .slot = static_cast<uint16_t>(doors_.size())});
  doors_.push_back({.socket = std::move(door), .container_port = container_port});
}

void DatagramRelay::handle(const Event& event) {
  const uint16_t slot = event.tag.slot;
  if (event.tag.kind == kinds_.door) return read_door(slot);
  if (sessions_[slot].generation == event.tag.generation) read_session(slot);
}

void DatagramRelay::read_door(uint16_t index) {
  for (int count = 0; count < kDatagramsAtOnce; ++count) {
    Parties parties{.client = {}, .own = {}, .door = index};
    iovec part{.iov_base = g_datagram, .iov_len = sizeof g_datagram};
    Control control{};
    msghdr message{.msg_name = parties.client.storage(),
                   .msg_namelen = SocketAddress::kStorageSize,
                   .msg_iov = &part,
                   .msg_iovlen = 1,
                   .msg_control = control.bytes.data(),
                   .msg_controllen = control.bytes.size(),
                   .msg_flags = 0};
    const ssize_t size = ::recvmsg(doors_[index].socket.get(), &message, 0);
    if (size == -1) return;
    parties.own = destination_of(message);
    const Session* const session = find_or_begin(parties);
    if (session == nullptr) continue;
    // An error is what has become of an earlier datagram: nobody listened then.
    const auto send = [&] { return ::send(session->socket.get(), g_datagram, static_cast<size_t>(size), 0) != -1; };
    if (!send() && errno == ECONNREFUSED) (void)send();
  }
}

DatagramRelay::Session* DatagramRelay::find_or_begin(const Parties& parties) {
  const auto found = by_parties_.find(parties.key());
  return found == by_parties_.end() ? begin(parties) : &sessions_[found->second];
}

/// An invalid one when no way leads there, or no descriptor is left.
Fd DatagramRelay::connect_to_program(uint16_t container_port) {
  try {
    const std::optional<SocketAddress> target = find_target_(container_port);
    if (!target) return Fd();
    Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket.valid() || ::connect(socket.get(), target->name(), target->size()) == -1) return Fd();
    return socket;
  } catch (const Error&) {
    return Fd();  // no descriptor to read the note with
  }
}

/// nullptr: the datagram is lost.
DatagramRelay::Session* DatagramRelay::begin(const Parties& parties) {
  if (by_parties_.size() >= most_) end(by_deadline_.front());
  Fd socket = connect_to_program(doors_[parties.door].container_port);
  if (!socket.valid() && !by_deadline_.empty()) {  // for want of a descriptor, perhaps
    end(by_deadline_.front());
    socket = connect_to_program(doors_[parties.door].container_port);
  }
  if (!socket.valid()) return nullptr;
  if (free_.empty()) {
    free_.push_back(static_cast<uint16_t>(sessions_.size()));
    sessions_.emplace_back();
  }
  const uint16_t slot = free_.back();
  Session& session = sessions_[slot];
  if (!poller_.try_add(socket.ref(), EPOLLIN, {.kind = kinds_.session, .slot = slot, .generation = session.generation}))
    return nullptr;
  free_.pop_back();
  session.socket = std::move(socket);
  session.parties = parties;
  session.place = by_deadline_.insert(by_deadline_.end(), slot);
  session.deadline = Clock::now() + kIdle;
  by_parties_[parties.key()] = slot;
  return &session;
}

void DatagramRelay::read_session(uint16_t slot) {
  Session& session = sessions_[slot];
  for (int count = 0; count < kDatagramsAtOnce; ++count) {
    const ssize_t size = ::recv(session.socket.get(), g_datagram, sizeof g_datagram, 0);
    if (size == -1 && errno == EAGAIN) return;
    if (size == -1) return end(slot);  // nobody listens there; what listens next time may be elsewhere
    send_from(doors_[session.parties.door].socket, session.parties.own, session.parties.client,
              static_cast<size_t>(size));
    renew(session);
  }
}

void DatagramRelay::renew(Session& session) {
  session.deadline = Clock::now() + kIdle;
  by_deadline_.splice(by_deadline_.end(), by_deadline_, session.place);
}

void DatagramRelay::end(uint16_t slot) {
  Session& session = sessions_[slot];
  session.socket.reset();
  by_parties_.erase(session.parties.key());
  by_deadline_.erase(session.place);
  ++session.generation;
  free_.push_back(slot);
}

void DatagramRelay::expire() {
  const Clock::time_point now = Clock::now();
  while (!by_deadline_.empty() && sessions_[by_deadline_.front()].deadline <= now) end(by_deadline_.front());
}

int DatagramRelay::milliseconds_to_wait() const {
  if (by_deadline_.empty()) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(sessions_[by_deadline_.front()].deadline - Clock::now());
  return static_cast<int>(std::max<int64_t>(left.count(), 0));
}

}  // namespace myct::network
