#include "forwarder.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "myct/base/error.hpp"

namespace myct::network {
namespace {

constexpr size_t kMostQuestions = 2048;
constexpr unsigned kMostOfOneClient = 1024;
/// Each may hold an answer of 64 KiB.
constexpr unsigned kMostStreams = 128;
/// glibc asks again after five seconds: by then two silent servers have been passed over.
constexpr std::chrono::milliseconds kPatience{2000};
/// A server that has been silent is asked after the others for so long.
constexpr std::chrono::seconds kSilence{10};
constexpr size_t kMostSilent = 8;
/// A datagram may have been lost.
constexpr size_t kRounds = 2;
constexpr size_t kLengthSize = 2;
constexpr size_t kLargestMessage = 65535;

uint8_t g_datagram[kLargestMessage];  // NOLINT: of one thread

uint16_t random_id() {
  uint16_t id = 0;
  // As much as that is there at once as soon as the kernel's generator is set up, which it is when containers run.
  if (::getrandom(&id, sizeof id, 0) != sizeof id) throw_errno("get a random number");
  return id;
}

/// Whether another server may know better.
bool is_refusal(dns::Rcode rcode) {
  return rcode == dns::Rcode::ServFail || rcode == dns::Rcode::Refused || rcode == dns::Rcode::NotImp;
}

}  // namespace

Forwarder::Forwarder(Poller& poller, uint8_t kind, Reply reply)
    : poller_(poller), kind_(kind), reply_(std::move(reply)) {}

void Forwarder::refuse(const dns::Query& query, const Origin& origin) {
  std::vector<uint8_t> answer = dns::compose_answer(query, dns::Rcode::ServFail, {}, 0, dns::kSmallestLimit);
  reply_(origin, answer);
}

uint16_t Forwarder::take_slot() {
  if (free_.empty()) {
    questions_.emplace_back();
    return static_cast<uint16_t>(questions_.size() - 1);
  }
  const uint16_t slot = free_.back();
  free_.pop_back();
  return slot;
}

void Forwarder::start(dns::Query query, dns::Bytes message, const Origin& origin, std::vector<SocketAddress> servers) {
  const bool is_full = questions_.size() - free_.size() >= kMostQuestions;
  if (servers.empty() || is_full) return refuse(query, origin);
  unsigned& count = per_client_[origin.client.text()];
  if (count >= kMostOfOneClient) return refuse(query, origin);
  ++count;
  const uint16_t slot = take_slot();
  Question& question = questions_[slot];
  const uint32_t generation = question.generation + 1;
  question = Question{};
  question.generation = generation;
  question.is_free = false;
  question.query = std::move(query);
  question.message.assign(message.begin(), message.end());
  question.origin = origin;
  question.servers = std::move(servers);
  put_silent_last(question.servers);
  question.is_stream = origin.is_connection;
  question.place = by_deadline_.insert(by_deadline_.end(), slot);
  ask_next(slot);
}

void Forwarder::ask_next(uint16_t slot) {
  Question& question = questions_[slot];
  while (question.turn < question.servers.size() * kRounds) {
    const bool is_second_round = question.turn >= question.servers.size();
    if (is_second_round && !question.otherwise.empty()) break;  // all have had their say
    const SocketAddress& server = question.servers[question.turn++ % question.servers.size()];
    if (try_ask(slot, server)) return;
  }
  finish(slot, question.otherwise);
}

bool Forwarder::try_ask(uint16_t slot, const SocketAddress& server) {
  Question& question = questions_[slot];
  close_socket(question);
  if (question.is_stream && streams_ >= kMostStreams) return false;
  const int type = question.is_stream ? SOCK_STREAM : SOCK_DGRAM;
  Fd socket(::socket(server.family(), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return false;
  if (::connect(socket.get(), server.name(), server.size()) == -1 && errno != EINPROGRESS) return false;
  question.id = random_id();
  dns::set_id(question.message, question.id);
  if (question.is_stream) {
    const size_t size = question.message.size();
    question.buffer = {static_cast<uint8_t>(size >> 8U), static_cast<uint8_t>(size)};
    question.buffer.insert(question.buffer.end(), question.message.begin(), question.message.end());
    question.is_sent = false;
  } else if (::send(socket.get(), question.message.data(), question.message.size(), MSG_NOSIGNAL) == -1) {
    return false;
  }
  const EventTag tag{.kind = kind_, .slot = slot, .generation = question.generation};
  if (!poller_.try_add(socket.ref(), question.is_stream ? EPOLLOUT : EPOLLIN, tag)) return false;
  question.socket = std::move(socket);
  if (question.is_stream) ++streams_;
  question.deadline = Clock::now() + kPatience;
  by_deadline_.splice(by_deadline_.end(), by_deadline_, question.place);
  return true;
}

void Forwarder::close_socket(Question& question) {
  if (!question.socket.valid()) return;
  question.socket.reset();
  if (question.is_stream) --streams_;
}

const SocketAddress& Forwarder::server_of(const Question& question) {
  return question.servers[(question.turn - 1) % question.servers.size()];
}

void Forwarder::note_silence(const SocketAddress& server) {
  forget_silence(server);
  if (silent_.size() == kMostSilent) silent_.erase(silent_.begin());
  silent_.push_back({.server = server, .until = Clock::now() + kSilence});
}

void Forwarder::forget_silence(const SocketAddress& server) {
  std::erase_if(silent_, [&](const Silent& silent) { return silent.server.has_same_address(server); });
}

void Forwarder::put_silent_last(std::vector<SocketAddress>& servers) {
  const Clock::time_point now = Clock::now();
  std::erase_if(silent_, [&](const Silent& silent) { return silent.until <= now; });
  std::stable_partition(servers.begin(), servers.end(), [&](const SocketAddress& server) {
    return std::none_of(silent_.begin(), silent_.end(),
                        [&](const Silent& silent) { return silent.server.has_same_address(server); });
  });
}

Forwarder::Question* Forwarder::find(EventTag tag) {
  if (tag.slot >= questions_.size()) return nullptr;
  Question& question = questions_[tag.slot];
  const bool is_it = !question.is_free && question.generation == tag.generation && question.socket.valid();
  return is_it ? &question : nullptr;
}

void Forwarder::handle(const Event& event) {
  const Question* question = find(event.tag);
  if (question == nullptr) return;
  if (question->is_stream)
    go_on_stream(event.tag.slot, event.what);
  else
    read_datagram(event.tag.slot);
}

void Forwarder::read_datagram(uint16_t slot) {
  Question& question = questions_[slot];
  const ssize_t size = ::recv(question.socket.get(), g_datagram, sizeof g_datagram, 0);
  if (size == -1) {
    if (errno == EAGAIN || errno == EINTR) return;
    return ask_next(slot);  // nobody listens there, or no way leads there
  }
  const std::span<uint8_t> message(g_datagram, static_cast<size_t>(size));
  // What is no answer to this question is a forger's, and may be followed by the real one.
  if (const std::optional<dns::Reply> reply = dns::parse_reply(message, question.id, question.query))
    take_reply(slot, message, *reply);
}

void Forwarder::take_reply(uint16_t slot, std::span<uint8_t> message, const dns::Reply& reply) {
  Question& question = questions_[slot];
  forget_silence(server_of(question));
  if (is_refusal(reply.rcode)) {
    if (question.is_truncated) return finish(slot, question.otherwise);
    question.otherwise.assign(message.begin(), message.end());
    return ask_next(slot);
  }
  if (reply.truncated && !question.is_stream) {
    // The whole answer, which this client may have room for. If not, it gets the server's own shortened one, and
    // comes back by TCP.
    question.otherwise.assign(message.begin(), message.end());
    close_socket(question);
    question.is_stream = true;
    question.is_truncated = true;
    if (!try_ask(slot, SocketAddress(server_of(question)))) finish(slot, question.otherwise);
    return;
  }
  finish(slot, message);
}

bool Forwarder::send_stream(Question& question) {
  const ssize_t size = ::send(question.socket.get(), question.buffer.data(), question.buffer.size(), MSG_NOSIGNAL);
  if (size == -1) return errno == EAGAIN || errno == EINTR;
  question.buffer.erase(question.buffer.begin(), question.buffer.begin() + size);
  question.is_sent = question.buffer.empty();
  return true;
}

void Forwarder::go_on_stream(uint16_t slot, uint32_t what) {
  Question& question = questions_[slot];
  bool is_well = (what & EPOLLERR) == 0;
  if (is_well && !question.is_sent) {
    is_well = send_stream(question);
    if (is_well && question.is_sent)
      poller_.change(question.socket.ref(), EPOLLIN, {.kind = kind_, .slot = slot, .generation = question.generation});
    if (is_well) return;
  }
  if (is_well) return read_stream(slot);
  if (question.is_truncated) return finish(slot, question.otherwise);
  ask_next(slot);
}

void Forwarder::read_stream(uint16_t slot) {
  Question& question = questions_[slot];
  std::vector<uint8_t>& buffer = question.buffer;
  const auto wanted = [&] {
    return buffer.size() < kLengthSize ? kLengthSize : kLengthSize + ((size_t{buffer[0]} << 8U) | buffer[1]);
  };
  for (;;) {
    const ssize_t size = ::recv(question.socket.get(), g_datagram, wanted() - buffer.size(), 0);
    if (size == -1 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) return question.is_truncated ? finish(slot, question.otherwise) : ask_next(slot);
    buffer.insert(buffer.end(), g_datagram, g_datagram + size);
    if (buffer.size() < kLengthSize || buffer.size() < wanted()) continue;
    const std::span<uint8_t> message(buffer.data() + kLengthSize, buffer.size() - kLengthSize);
    const std::optional<dns::Reply> reply = dns::parse_reply(message, question.id, question.query);
    if (reply) return take_reply(slot, message, *reply);
    return question.is_truncated ? finish(slot, question.otherwise) : ask_next(slot);
  }
}

void Forwarder::finish(uint16_t slot, std::span<uint8_t> answer) {
  Question& question = questions_[slot];
  const size_t limit = std::max<size_t>(question.query.payload.value_or(0), dns::kSmallestLimit);
  const bool is_too_long = !question.origin.is_connection && answer.size() > limit;
  std::span<uint8_t> chosen = answer;
  std::vector<uint8_t> own;
  if (is_too_long && question.is_truncated && question.otherwise.size() <= limit) {
    chosen = question.otherwise;
  } else if (is_too_long) {
    own = dns::compose_truncated(question.query);
    chosen = own;
  } else if (answer.empty()) {
    own = dns::compose_answer(question.query, dns::Rcode::ServFail, {}, 0, dns::kSmallestLimit);
    chosen = own;
  }
  dns::set_id(chosen, question.query.id);
  reply_(question.origin, chosen);
  close_socket(question);
  by_deadline_.erase(question.place);
  const auto count = per_client_.find(question.origin.client.text());
  if (--count->second == 0) per_client_.erase(count);
  question.is_free = true;
  question.message = {};
  question.buffer = {};
  question.otherwise = {};
  free_.push_back(slot);
}

void Forwarder::expire() {
  const Clock::time_point now = Clock::now();
  while (!by_deadline_.empty() && questions_[by_deadline_.front()].deadline <= now) {
    const uint16_t slot = by_deadline_.front();
    note_silence(server_of(questions_[slot]));
    if (questions_[slot].is_truncated)
      finish(slot, questions_[slot].otherwise);
    else
      ask_next(slot);
  }
}

int Forwarder::milliseconds_to_wait() const {
  if (by_deadline_.empty()) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(questions_[by_deadline_.front()].deadline - Clock::now());
  return static_cast<int>(std::max<int64_t>(left.count(), 0));
}

}  // namespace myct::network
