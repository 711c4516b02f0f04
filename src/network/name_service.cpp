#include "name_service.hpp"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/network/resolver.hpp"

namespace myct::network {
namespace {

constexpr uint16_t kPort = 53;
/// A question is a name of 255 bytes and a few options.
constexpr size_t kLargestQuestion = 4096;
constexpr size_t kLengthSize = 2;
constexpr size_t kMostConnections = 64;
constexpr std::chrono::seconds kIdle{10};
/// A change is seen at once, as nobody keeps an answer.
constexpr uint32_t kTimeToLive = 0;
/// Then the other descriptors have their turn.
constexpr int kDatagramsAtOnce = 64;

std::vector<Subnet> ranges_of(const NameServer& server) {
  std::vector<Subnet> ranges;
  for (const std::string& subnet : server.subnets)
    if (const std::optional<Subnet> range = parse_subnet(subnet)) ranges.push_back(*range);
  return ranges;
}

std::string host_resolv_conf() {
  std::string text = try_read_file("/etc/resolv.conf").value_or("");
  if (is_systemd_stub(text)) text = try_read_file("/run/systemd/resolve/resolv.conf").value_or("");
  return text;
}

}  // namespace

NameService::NameService(const NameServer& server, std::vector<Listener> listeners)
    : server_(server),
      ranges_(ranges_of(server)),
      listeners_(std::move(listeners)),
      forwarder_(poller_, kForwarder,
                 [this](const Origin& origin, std::span<uint8_t> message) { reply(origin, message); }),
      connections_(kMostConnections) {
  for (uint16_t slot = 0; slot < listeners_.size(); ++slot) {
    poller_.add(listeners_[slot].datagrams.ref(), EPOLLIN, {.kind = kDatagrams, .slot = slot});
    poller_.add(listeners_[slot].connections.ref(), EPOLLIN, {.kind = kAccept, .slot = slot});
  }
}

void NameService::run(FdRef watch, const std::function<bool()>& is_over) {
  poller_.add(watch, EPOLLIN, {.kind = kWatch});
  for (;;) {
    for (const Event& event : poller_.wait(milliseconds_to_wait())) {
      if (event.tag.kind != kWatch)
        handle(event);
      else if (is_over())
        return;
    }
    forwarder_.expire();
    close_idle();
  }
}

void NameService::handle(const Event& event) {
  switch (event.tag.kind) {
    case kDatagrams:
      return read_datagrams(event.tag.slot);
    case kAccept:
      return accept_connections(event.tag.slot);
    case kConnection:
      return handle_connection(event);
    default:
      return forwarder_.handle(event);
  }
}

int NameService::milliseconds_to_wait() const {
  int wait = forwarder_.milliseconds_to_wait();
  const Clock::time_point now = Clock::now();
  for (const Connection& connection : connections_) {
    if (!connection.socket.valid() || connection.is_waiting) continue;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(connection.last_used + kIdle - now);
    const int milliseconds = static_cast<int>(std::max<int64_t>(left.count(), 0));
    wait = wait == -1 ? milliseconds : std::min(wait, milliseconds);
  }
  return wait;
}

bool NameService::is_of_the_network(const SocketAddress& client) const {
  const std::optional<Address> address = from_wire(client.bytes().data(), client.bytes().size());
  return std::any_of(ranges_.begin(), ranges_.end(),
                     [&](const Subnet& range) { return address && range.contains(*address); });
}

std::vector<SocketAddress> NameService::servers_for(const Asker& asker) const {
  std::string text;
  if (!asker.container_id.empty())
    text = try_read_file(server_.run_containers + "/" + asker.container_id + "/" + kResolversFile).value_or("");
  if (text.empty()) text = host_resolv_conf();
  std::vector<SocketAddress> servers;
  for (const std::string& word : name_servers(text)) {
    const std::optional<SocketAddress> server = SocketAddress::parse(word, kPort);
    // A question to ourselves would come back for ever.
    const auto is_it = [&](const Listener& listener) { return listener.address.has_same_address(*server); };
    if (server && std::none_of(listeners_.begin(), listeners_.end(), is_it)) servers.push_back(*server);
  }
  return servers;
}

void NameService::answer(dns::Bytes message, const Origin& origin) {
  if (!is_of_the_network(origin.client)) return;
  std::optional<dns::ParsedQuery> parsed = dns::parse_query(message);
  if (!parsed) return;
  const size_t limit = origin.is_connection ? dns::kStreamLimit : dns::datagram_limit(parsed->query);
  const auto tell = [&](dns::Rcode rcode, std::span<const dns::Record> records) {
    reply(origin, dns::compose_answer(parsed->query, rcode, records, kTimeToLive, limit));
  };
  if (parsed->rcode != dns::Rcode::NoError) return tell(parsed->rcode, {});
  try {
    const Asker asker = identify_asker(server_, ranges_, origin.client.text());
    if (const std::optional<OwnAnswer> own = asker.find(parsed->query)) return tell(own->rcode, own->records);
    if (asker.forwarding == Forwarding::No) return tell(dns::Rcode::NxDomain, {});
    forwarder_.start(std::move(parsed->query), message, origin, servers_for(asker));
  } catch (const Error&) {
    tell(dns::Rcode::ServFail, {});  // no descriptors or no memory for a moment, or a table that is being taken away
  }
}

void NameService::reply(const Origin& origin, dns::Bytes message) {
  if (!origin.is_connection) {
    // What cannot be sent is lost as any datagram may be.
    (void)::sendto(listeners_[origin.slot].datagrams.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                   origin.client.name(), origin.client.size());
    return;
  }
  Connection& connection = connections_[origin.slot];
  if (connection.generation != origin.connection || !connection.socket.valid()) return;
  connection.output = {static_cast<uint8_t>(message.size() >> 8U), static_cast<uint8_t>(message.size())};
  connection.output.insert(connection.output.end(), message.begin(), message.end());
  connection.is_waiting = false;
  connection.last_used = Clock::now();
  poller_.change(connection.socket.ref(), EPOLLOUT,
                 {.kind = kConnection, .slot = origin.slot, .generation = connection.generation});
}

void NameService::read_datagrams(uint16_t slot) {
  uint8_t buffer[kLargestQuestion];
  for (int count = 0; count < kDatagramsAtOnce; ++count) {
    Origin origin{.client = {}, .slot = slot};
    socklen_t size = SocketAddress::kStorageSize;
    const ssize_t length = ::recvfrom(listeners_[slot].datagrams.get(), buffer, sizeof buffer, MSG_DONTWAIT | MSG_TRUNC,
                                      origin.client.storage(), &size);
    if (length == -1) return;
    if (static_cast<size_t>(length) <= sizeof buffer) answer({buffer, static_cast<size_t>(length)}, origin);
  }
}

void NameService::accept_connections(uint16_t slot) {
  SocketAddress client;
  socklen_t size = SocketAddress::kStorageSize;
  Fd socket(::accept4(listeners_[slot].connections.get(), client.storage(), &size, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket.valid() || !is_of_the_network(client)) return;
  // A free place, or that of the one that has been idle for longest.
  const auto place = std::ranges::min_element(connections_, {}, [](const Connection& connection) {
    return connection.socket.valid() ? connection.last_used : Clock::time_point::min();
  });
  const uint32_t generation = place->generation + 1;
  *place = Connection{};
  place->socket = std::move(socket);
  place->client = client;
  place->last_used = Clock::now();
  place->generation = generation;
  const EventTag tag{
      .kind = kConnection, .slot = static_cast<uint16_t>(place - connections_.begin()), .generation = generation};
  if (!poller_.try_add(place->socket.ref(), EPOLLIN, tag)) place->socket.reset();
}

void NameService::handle_connection(const Event& event) {
  Connection& connection = connections_[event.tag.slot];
  if (!connection.socket.valid() || connection.generation != event.tag.generation) return;
  // Nothing is read while a question is under way: one at a time, so that a client cannot fill our memory.
  const bool goes_on = connection.is_waiting        ? false
                       : !connection.output.empty() ? write_connection(connection)
                                                    : read_connection(connection);
  if (!goes_on) return connection.socket.reset();
  if (!connection.output.empty()) return;
  poller_.change(connection.socket.ref(), EPOLLIN, event.tag);
  take_question_of(event.tag.slot);
}

bool NameService::read_connection(Connection& connection) {
  uint8_t buffer[kLargestQuestion];
  const ssize_t size = ::recv(connection.socket.get(), buffer, sizeof buffer, 0);
  if (size == -1) return errno == EAGAIN || errno == EINTR;
  connection.input.insert(connection.input.end(), buffer, buffer + size);
  connection.last_used = Clock::now();
  return size > 0;
}

bool NameService::write_connection(Connection& connection) {
  const ssize_t size =
      ::send(connection.socket.get(), connection.output.data(), connection.output.size(), MSG_NOSIGNAL);
  if (size == -1) return errno == EAGAIN || errno == EINTR;
  connection.output.erase(connection.output.begin(), connection.output.begin() + size);
  return true;
}

void NameService::take_question_of(uint16_t slot) {
  Connection& connection = connections_[slot];
  std::vector<uint8_t>& input = connection.input;
  if (input.size() < kLengthSize) return;
  const size_t size = (size_t{input[0]} << 8U) | input[1];
  if (size < dns::kHeaderSize || size > kLargestQuestion) return connection.socket.reset();
  if (input.size() < kLengthSize + size) return;
  const std::vector<uint8_t> message(input.begin() + kLengthSize,
                                     input.begin() + static_cast<ptrdiff_t>(kLengthSize + size));
  input.erase(input.begin(), input.begin() + static_cast<ptrdiff_t>(kLengthSize + size));
  connection.is_waiting = true;
  const uint32_t generation = connection.generation;
  // Only that it is gone is still of interest.
  poller_.change(connection.socket.ref(), 0, {.kind = kConnection, .slot = slot, .generation = generation});
  answer(message, {.client = connection.client, .slot = slot, .connection = generation, .is_connection = true});
  if (connection.is_waiting && connection.generation == generation && !dns::parse_query(message))
    connection.socket.reset();  // it gets no answer
}

void NameService::close_idle() {
  const Clock::time_point now = Clock::now();
  for (Connection& connection : connections_)
    if (connection.socket.valid() && !connection.is_waiting && connection.last_used + kIdle <= now)
      connection.socket.reset();
}

}  // namespace myct::network
