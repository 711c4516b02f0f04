// Netlink (netlink(7)): composing requests, sending them, and reading what the kernel answers.
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "myct/base/fd.hpp"

namespace myct::network {

/// A request while it is composed: the header, the family's own structure, and attributes (type, length, value).
class NetlinkRequest {
 public:
  enum class Answer : uint8_t { Wanted, None };
  /// NLM_F_REQUEST is added to `flags`, and NLM_F_ACK when an answer is wanted.
  NetlinkRequest(uint16_t type, uint16_t flags, Answer answer = Answer::Wanted);

  /// Appends a structure of the family, such as ifinfomsg.
  template <typename Structure>
  NetlinkRequest& put_structure(const Structure& structure) {
    append(&structure, sizeof structure);
    return *this;
  }
  NetlinkRequest& put(uint16_t type, std::span<const uint8_t> value);
  /// With the zero at its end that the kernel wants.
  NetlinkRequest& put_text(uint16_t type, std::string_view text);
  template <typename Number>
  NetlinkRequest& put_number(uint16_t type, Number number) {
    uint8_t bytes[sizeof number];
    std::memcpy(bytes, &number, sizeof number);
    return put(type, bytes);
  }
  /// An attribute that holds what `fill` puts.
  NetlinkRequest& put_nested(uint16_t type, const std::function<void()>& fill);

  /// The message, its length filled in.
  [[nodiscard]] std::span<const uint8_t> bytes();
  void set_sequence(uint32_t number);
  [[nodiscard]] bool wants_answer() const noexcept { return answer_ == Answer::Wanted; }

 private:
  void append(const void* data, size_t size);
  std::vector<uint8_t> bytes_;
  Answer answer_;
};

/// The attributes of a message, found by type.
class NetlinkAttributes {
 public:
  explicit NetlinkAttributes(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  [[nodiscard]] std::optional<std::span<const uint8_t>> find(uint16_t type) const;
  /// Up to the zero; nullopt when absent.
  [[nodiscard]] std::optional<std::string> text(uint16_t type) const;
  [[nodiscard]] std::optional<uint32_t> number(uint16_t type) const;
  /// In their order, as lists hold several of one type.
  void for_each(const std::function<void(const NetlinkAttributes& value)>& take) const;

 private:
  std::span<const uint8_t> bytes_;
};

/// A message of an answer: its type, the family's structure and the attributes after it.
struct NetlinkMessage {
  uint16_t type = 0;
  std::span<const uint8_t> payload;

  /// The structure at the payload's beginning; nullopt when it is too short.
  template <typename Structure>
  [[nodiscard]] std::optional<Structure> structure() const {
    if (payload.size() < sizeof(Structure)) return std::nullopt;
    Structure value;
    std::memcpy(&value, payload.data(), sizeof value);
    return value;
  }
  template <typename Structure>
  [[nodiscard]] NetlinkAttributes attributes() const {
    const size_t size = NLMSG_ALIGN(sizeof(Structure));
    return NetlinkAttributes(payload.size() < size ? std::span<const uint8_t>() : payload.subspan(size));
  }
};

/// What the kernel refused a request with.
struct NetlinkError {
  int errnum = 0;       ///< 0: it did not
  std::string message;  ///< the kernel's own words (extended acknowledgement), or empty
};

/// A conversation with the kernel about the network namespace in which it was opened.
class NetlinkSocket {
 public:
  /// `protocol`: NETLINK_ROUTE or NETLINK_NETFILTER. Throws Error.
  [[nodiscard]] static NetlinkSocket open(int protocol);

  /// Sends it and waits for the acknowledgement. Throws Error with `what`, errno and the kernel's own words.
  void request(NetlinkRequest& request, std::string_view what);
  /// The same, for refusals that are expected.
  [[nodiscard]] NetlinkError try_request(NetlinkRequest& request);
  /// Hands each message of the answer to `take`. Throws Error.
  void query(NetlinkRequest& request, std::string_view what, const std::function<void(const NetlinkMessage&)>& take);
  /// The same; refusals are returned.
  [[nodiscard]] NetlinkError try_query(NetlinkRequest& request, const std::function<void(const NetlinkMessage&)>& take);
  /// Sends a batch as one datagram, as nf_tables wants its transactions; returns the first refusal.
  [[nodiscard]] NetlinkError try_transaction(std::span<NetlinkRequest> requests);

 private:
  explicit NetlinkSocket(Fd socket) : socket_(std::move(socket)) {}
  void send(std::span<const uint8_t> bytes);
  [[nodiscard]] NetlinkError receive(uint32_t sequence, const std::function<void(const NetlinkMessage&)>& take);

  Fd socket_;
  uint32_t sequence_ = 0;
  std::vector<uint8_t> buffer_;
};

/// A request of nf_tables (NFT_MSG_…) about tables of a family (NFPROTO_…), without attributes yet.
[[nodiscard]] NetlinkRequest nftables_request(uint16_t message, uint16_t flags, uint8_t family);
/// Has nf_tables carry out all of the requests or none; returns the first refusal.
[[nodiscard]] NetlinkError try_nftables_transaction(NetlinkSocket& netfilter, std::vector<NetlinkRequest> requests);

/// Throws `what` with a refusal's errno and the kernel's own words, if it is one.
void throw_if_refused(const NetlinkError& error, std::string_view what);

}  // namespace myct::network
