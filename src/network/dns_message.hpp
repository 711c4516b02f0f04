// DNS messages (RFC 1035, RFC 6891): reading a question, composing an answer, and looking at what a server has
// answered. Pure, and strict, as what comes is written by strangers.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace myct::network::dns {

using Bytes = std::span<const uint8_t>;

constexpr size_t kHeaderSize = 12;
/// What a datagram may hold for a client that says nothing about it.
constexpr size_t kSmallestLimit = 512;
/// What we promise to take, and the most that we send in a datagram: no fragments on any path (RFC 9715).
constexpr uint16_t kOwnLimit = 1232;

enum class Rcode : uint16_t {
  NoError = 0,
  FormErr = 1,
  ServFail = 2,
  NxDomain = 3,
  NotImp = 4,
  Refused = 5,
  BadVers = 16
};
enum class Type : uint16_t { A = 1, Ptr = 12, Aaaa = 28, Opt = 41 };
constexpr uint16_t kInternet = 1;

/// A question as far as it could be read.
struct Query {
  uint16_t id = 0;
  uint8_t opcode = 0;
  bool recursion_desired = false;
  bool checking_disabled = false;
  std::vector<uint8_t> question;  ///< name, type and class as they came; empty when they make no sense
  std::string name;               ///< in lower case, without the last dot; empty when a host's name has no such bytes
  uint16_t type = 0;
  uint16_t class_ = 0;
  std::optional<uint16_t> payload;  ///< EDNS: how large a datagram the client takes
};

/// How a message that asks something is to be met.
struct ParsedQuery {
  Query query;
  Rcode rcode = Rcode::NoError;  ///< otherwise what it is to be refused with
};
/// nullopt for what gets no answer at all: too short for a header, or an answer itself, lest two servers talk for ever.
[[nodiscard]] std::optional<ParsedQuery> parse_query(Bytes message);

/// The most that goes into a datagram for this client.
[[nodiscard]] size_t datagram_limit(const Query& query);
/// No datagram: what its length can say.
constexpr size_t kStreamLimit = 65535;

/// A record about the name that was asked for, of the type that was asked for.
struct Record {
  std::vector<uint8_t> data;
};
/// The data of a record that holds a name. `name` must be one that normalize_name() makes.
[[nodiscard]] Record record_of_name(std::string_view name);

/// An answer of at most `limit` bytes; records that do not fit are left out, and the client is told so (TC).
/// `time_to_live` is of each record, in seconds.
[[nodiscard]] std::vector<uint8_t> compose_answer(const Query& query, Rcode rcode, std::span<const Record> records,
                                                  uint32_t time_to_live, size_t limit);
/// An answer with nothing in it but that it does not fit.
[[nodiscard]] std::vector<uint8_t> compose_truncated(const Query& query);

/// The address that a name of in-addr.arpa or ip6.arpa stands for, as text; nullopt for any other name.
[[nodiscard]] std::optional<std::string> address_of_pointer(std::string_view name);

/// What there is to know of a server's answer to pass it on; nullopt when it is no answer to that question: another id,
/// another question, no answer.
struct Reply {
  Rcode rcode = Rcode::NoError;
  bool truncated = false;
};
[[nodiscard]] std::optional<Reply> parse_reply(Bytes message, uint16_t id, const Query& query);

/// Gives a message another id.
void set_id(std::span<uint8_t> message, uint16_t id);

}  // namespace myct::network::dns
