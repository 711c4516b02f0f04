#include "netlink.hpp"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "myct/base/error.hpp"

namespace myct::network {
namespace {

constexpr size_t kReceiveSize = 64 * 1024;
/// What a socket of any kernel sends at once without being told.
constexpr int kSendSize = 64 * 1024;

size_t aligned(size_t size) { return NLMSG_ALIGN(size); }

/// The kernel's own words, after an error (NETLINK_EXT_ACK). `payload` is that of the NLMSG_ERROR message.
std::string words_of(const nlmsghdr& header, std::span<const uint8_t> payload) {
  if ((header.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return {};
  nlmsgerr error{};
  std::memcpy(&error, payload.data(), sizeof error);
  size_t size = sizeof error;
  // Without NETLINK_CAP_ACK the request follows its header.
  if ((header.nlmsg_flags & NLM_F_CAPPED) == 0) size += error.msg.nlmsg_len - sizeof(nlmsghdr);
  size = aligned(size);
  if (payload.size() <= size) return {};
  return NetlinkAttributes(payload.subspan(size)).text(NLMSGERR_ATTR_MSG).value_or("");
}

}  // namespace

NetlinkRequest::NetlinkRequest(uint16_t type, uint16_t flags, Answer answer) : answer_(answer) {
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<uint16_t>(flags | NLM_F_REQUEST | (answer == Answer::Wanted ? NLM_F_ACK : 0));
  append(&header, sizeof header);
}

void NetlinkRequest::append(const void* data, size_t size) {
  const auto* begin = static_cast<const uint8_t*>(data);
  bytes_.insert(bytes_.end(), begin, begin + size);
  bytes_.resize(aligned(bytes_.size()));
}

NetlinkRequest& NetlinkRequest::put(uint16_t type, std::span<const uint8_t> value) {
  nlattr attribute{};
  attribute.nla_len = static_cast<uint16_t>(sizeof attribute + value.size());
  attribute.nla_type = type;
  const auto* begin = reinterpret_cast<const uint8_t*>(&attribute);
  bytes_.insert(bytes_.end(), begin, begin + sizeof attribute);
  append(value.data(), value.size());
  return *this;
}

NetlinkRequest& NetlinkRequest::put_text(uint16_t type, std::string_view text) {
  std::vector<uint8_t> value(text.begin(), text.end());
  value.push_back(0);
  return put(type, value);
}

NetlinkRequest& NetlinkRequest::put_nested(uint16_t type, const std::function<void()>& fill) {
  const size_t begin = bytes_.size();
  nlattr attribute{};
  attribute.nla_type = static_cast<uint16_t>(type | NLA_F_NESTED);
  append(&attribute, sizeof attribute);
  fill();
  attribute.nla_len = static_cast<uint16_t>(bytes_.size() - begin);
  std::memcpy(bytes_.data() + begin, &attribute, sizeof attribute);
  return *this;
}

std::span<const uint8_t> NetlinkRequest::bytes() {
  const auto length = static_cast<uint32_t>(bytes_.size());
  std::memcpy(bytes_.data() + offsetof(nlmsghdr, nlmsg_len), &length, sizeof length);
  return bytes_;
}

void NetlinkRequest::set_sequence(uint32_t number) {
  std::memcpy(bytes_.data() + offsetof(nlmsghdr, nlmsg_seq), &number, sizeof number);
}

namespace {

struct Attribute {
  uint16_t type = 0;
  std::span<const uint8_t> value;
};

/// Takes the first one off; nullopt at the end, and at one that is cut short.
std::optional<Attribute> take_attribute(std::span<const uint8_t>& rest) {
  nlattr head{};
  if (rest.size() < sizeof head) return std::nullopt;
  std::memcpy(&head, rest.data(), sizeof head);
  if (head.nla_len < sizeof head || head.nla_len > rest.size()) return std::nullopt;
  const Attribute attribute{.type = static_cast<uint16_t>(head.nla_type & NLA_TYPE_MASK),
                            .value = rest.subspan(sizeof head, head.nla_len - sizeof head)};
  rest = rest.subspan(std::min(rest.size(), aligned(head.nla_len)));
  return attribute;
}

}  // namespace

std::optional<std::span<const uint8_t>> NetlinkAttributes::find(uint16_t type) const {
  std::span<const uint8_t> rest = bytes_;
  while (const std::optional<Attribute> attribute = take_attribute(rest))
    if (attribute->type == type) return attribute->value;
  return std::nullopt;
}

void NetlinkAttributes::for_each(const std::function<void(const NetlinkAttributes& value)>& take) const {
  std::span<const uint8_t> rest = bytes_;
  while (const std::optional<Attribute> attribute = take_attribute(rest)) take(NetlinkAttributes(attribute->value));
}

std::optional<std::string> NetlinkAttributes::text(uint16_t type) const {
  const std::optional<std::span<const uint8_t>> value = find(type);
  if (!value) return std::nullopt;
  const char* begin = reinterpret_cast<const char*>(value->data());
  return std::string(begin, ::strnlen(begin, value->size()));
}

std::optional<uint32_t> NetlinkAttributes::number(uint16_t type) const {
  const std::optional<std::span<const uint8_t>> value = find(type);
  if (!value || value->size() < sizeof(uint32_t)) return std::nullopt;
  uint32_t number = 0;
  std::memcpy(&number, value->data(), sizeof number);
  return number;
}

NetlinkSocket NetlinkSocket::open(int protocol) {
  Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!socket.valid()) throw_errno("make a netlink socket");
  // The kernel explains a refusal, and does not repeat the request with it. Both are refused by old kernels only.
  const int yes = 1;
  ::setsockopt(socket.get(), SOL_NETLINK, NETLINK_EXT_ACK, &yes, sizeof yes);
  ::setsockopt(socket.get(), SOL_NETLINK, NETLINK_CAP_ACK, &yes, sizeof yes);
  return NetlinkSocket(std::move(socket));
}

void NetlinkSocket::send(std::span<const uint8_t> bytes) {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  while (::sendto(socket_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&kernel),
                  sizeof kernel) == -1)
    if (errno != EINTR) throw_errno("send to the kernel by netlink");
}

NetlinkError NetlinkSocket::receive(uint32_t sequence, const std::function<void(const NetlinkMessage&)>& take) {
  buffer_.resize(kReceiveSize);
  for (;;) {
    const ssize_t got = ::recv(socket_.get(), buffer_.data(), buffer_.size(), 0);
    if (got == -1 && errno == EINTR) continue;
    if (got == -1) throw_errno("receive from the kernel by netlink");
    std::span<const uint8_t> rest(buffer_.data(), static_cast<size_t>(got));
    while (rest.size() >= sizeof(nlmsghdr)) {
      nlmsghdr header{};
      std::memcpy(&header, rest.data(), sizeof header);
      if (header.nlmsg_len < sizeof header || header.nlmsg_len > rest.size()) break;
      const std::span<const uint8_t> payload = rest.subspan(sizeof header, header.nlmsg_len - sizeof header);
      rest = rest.subspan(std::min(rest.size(), aligned(header.nlmsg_len)));
      if (header.nlmsg_seq != sequence) continue;  // of an earlier request that was given up
      if (header.nlmsg_type == NLMSG_DONE) return {};
      if (header.nlmsg_type != NLMSG_ERROR) {
        take({.type = header.nlmsg_type, .payload = payload});
        continue;
      }
      int error = 0;
      std::memcpy(&error, payload.data(), sizeof error);
      return {.errnum = -error, .message = error == 0 ? std::string() : words_of(header, payload)};
    }
  }
}

NetlinkError NetlinkSocket::try_query(NetlinkRequest& request, const std::function<void(const NetlinkMessage&)>& take) {
  request.set_sequence(++sequence_);
  send(request.bytes());
  return receive(sequence_, take);
}

void NetlinkSocket::query(NetlinkRequest& request, std::string_view what,
                          const std::function<void(const NetlinkMessage&)>& take) {
  throw_if_refused(try_query(request, take), what);
}

NetlinkError NetlinkSocket::try_request(NetlinkRequest& request) {
  return try_query(request, [](const NetlinkMessage&) {});
}

void NetlinkSocket::request(NetlinkRequest& request, std::string_view what) {
  throw_if_refused(try_request(request), what);
}

NetlinkError NetlinkSocket::try_transaction(std::span<NetlinkRequest> requests) {
  std::vector<uint8_t> batch;
  std::vector<uint32_t> awaited;
  for (NetlinkRequest& request : requests) {
    request.set_sequence(++sequence_);
    if (request.wants_answer()) awaited.push_back(sequence_);
    const std::span<const uint8_t> bytes = request.bytes();
    batch.insert(batch.end(), bytes.begin(), bytes.end());
  }
  // The kernel takes no message that is larger than the buffer, which others may not enlarge.
  if (const int size = static_cast<int>(batch.size()); size > kSendSize)
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
  send(batch);
  NetlinkError result;
  for (const uint32_t sequence : awaited) {
    NetlinkError error = receive(sequence, [](const NetlinkMessage&) {});
    if (error.errnum != 0 && result.errnum == 0) result = std::move(error);
  }
  return result;
}

NetlinkRequest nftables_request(uint16_t message, uint16_t flags, uint8_t family) {
  NetlinkRequest request(static_cast<uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | message), flags);
  request.put_structure(nfgenmsg{.nfgen_family = family, .version = NFNETLINK_V0, .res_id = 0});
  return request;
}

NetlinkError try_nftables_transaction(NetlinkSocket& netfilter, std::vector<NetlinkRequest> requests) {
  const auto mark = [](uint16_t type) {
    NetlinkRequest request(type, 0, NetlinkRequest::Answer::None);
    request.put_structure(
        nfgenmsg{.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_NFTABLES)});
    return request;
  };
  requests.insert(requests.begin(), mark(NFNL_MSG_BATCH_BEGIN));
  requests.push_back(mark(NFNL_MSG_BATCH_END));
  return netfilter.try_transaction(requests);
}

void throw_if_refused(const NetlinkError& error, std::string_view what) {
  if (error.errnum == 0) return;
  throw Error(kind_of_errno(error.errnum), std::string(what), error.errnum, error.message);
}

}  // namespace myct::network
