#include "dns_message.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace myct::network::dns {
namespace {

constexpr uint8_t kLongestLabel = 63;
constexpr size_t kLongestName = 255;
constexpr uint8_t kPointer = 0xc0;
/// More than OPT, a signature and a cookie nobody sends.
constexpr unsigned kMostAdditional = 8;

// The bits of the header's third and fourth byte.
constexpr uint16_t kResponse = 0x8000;
constexpr uint16_t kAuthoritative = 0x0400;
constexpr uint16_t kTruncated = 0x0200;
constexpr uint16_t kRecursionDesired = 0x0100;
constexpr uint16_t kRecursionAvailable = 0x0080;
constexpr uint16_t kCheckingDisabled = 0x0010;
constexpr unsigned kOpcodeShift = 11;
constexpr uint16_t kOpcodeMask = 0xf;
constexpr uint16_t kRcodeMask = 0xf;

/// Goes through a message and never beyond its end: what is missing reads as 0, and `failed` stays.
class Reader {
 public:
  explicit Reader(Bytes bytes) : bytes_(bytes) {}

  uint8_t byte() { return need(1) ? bytes_[position_++] : 0; }
  uint16_t number() {
    const uint16_t high = byte();
    return static_cast<uint16_t>((high << 8U) | byte());
  }
  void skip(size_t size) {
    if (need(size)) position_ += size;
  }
  [[nodiscard]] size_t position() const { return position_; }
  [[nodiscard]] bool at_end() const { return position_ == bytes_.size(); }
  [[nodiscard]] bool failed() const { return failed_; }
  void fail() { failed_ = true; }

 private:
  bool need(size_t size) {
    if (bytes_.size() - position_ < size) failed_ = true;
    return !failed_;
  }
  Bytes bytes_;
  size_t position_ = 0;
  bool failed_ = false;
};

bool is_host_byte(uint8_t byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_' || byte == '-';
}

uint8_t to_lower(uint8_t byte) { return byte >= 'A' && byte <= 'Z' ? static_cast<uint8_t>(byte - 'A' + 'a') : byte; }

/// A name without compression, for which there is nothing to point to before the first name. Empty when a byte in it
/// could be taken for something else as text.
std::string read_name(Reader& reader) {
  std::string name;
  bool is_host = true;
  const size_t begin = reader.position();
  for (uint8_t size = reader.byte(); size != 0; size = reader.byte()) {
    if (size > kLongestLabel) reader.fail();
    if (reader.failed()) return {};
    if (!name.empty()) name.push_back('.');
    for (; size > 0; --size) {
      const uint8_t byte = to_lower(reader.byte());
      is_host = is_host && is_host_byte(byte);
      name.push_back(static_cast<char>(byte));
    }
    if (reader.position() - begin >= kLongestName) reader.fail();
  }
  return is_host ? name : std::string();
}

/// Of EDNS, which is named by the root as all that a client without a key adds.
void read_additional(Reader& reader, Query& query, Rcode& rcode) {
  if (reader.byte() != 0) reader.fail();
  const uint16_t type = reader.number();
  const uint16_t payload = reader.number();
  reader.skip(1);  // the higher bits of the result
  const uint8_t version = reader.byte();
  reader.skip(2);
  reader.skip(reader.number());
  if (type != static_cast<uint16_t>(Type::Opt) || reader.failed()) return;
  if (query.payload) reader.fail();  // there is one at most
  query.payload = payload;
  if (version != 0) rcode = Rcode::BadVers;
}

void put_number(std::vector<uint8_t>& bytes, uint16_t number) {
  bytes.push_back(static_cast<uint8_t>(number >> 8U));
  bytes.push_back(static_cast<uint8_t>(number));
}

void replace_number(std::vector<uint8_t>& bytes, size_t position, uint16_t number) {
  bytes[position] = static_cast<uint8_t>(number >> 8U);
  bytes[position + 1] = static_cast<uint8_t>(number);
}

constexpr size_t kFlagsPosition = 2;
constexpr size_t kAnswersPosition = 6;
constexpr size_t kOptionsSize = 11;

/// Header and question.
std::vector<uint8_t> begin_answer(const Query& query, Rcode rcode, uint16_t flags) {
  std::vector<uint8_t> bytes;
  put_number(bytes, query.id);
  flags |= kResponse | kRecursionAvailable;
  flags |= static_cast<uint16_t>(query.opcode << kOpcodeShift);
  if (query.recursion_desired) flags |= kRecursionDesired;
  if (query.checking_disabled) flags |= kCheckingDisabled;
  put_number(bytes, static_cast<uint16_t>(flags | (static_cast<uint16_t>(rcode) & kRcodeMask)));
  put_number(bytes, query.question.empty() ? 0 : 1);
  put_number(bytes, 0);
  put_number(bytes, 0);
  put_number(bytes, query.payload ? 1 : 0);
  bytes.insert(bytes.end(), query.question.begin(), query.question.end());
  return bytes;
}

void end_answer(std::vector<uint8_t>& bytes, const Query& query, Rcode rcode) {
  if (!query.payload) return;
  bytes.push_back(0);
  put_number(bytes, static_cast<uint16_t>(Type::Opt));
  put_number(bytes, kOwnLimit);
  bytes.push_back(static_cast<uint8_t>(static_cast<uint16_t>(rcode) >> 4U));
  bytes.push_back(0);
  put_number(bytes, 0);
  put_number(bytes, 0);
}

void put_record(std::vector<uint8_t>& bytes, const Query& query, const Record& record, uint32_t time_to_live) {
  bytes.push_back(kPointer);  // the name of the question
  bytes.push_back(kHeaderSize);
  put_number(bytes, query.type);
  put_number(bytes, kInternet);
  put_number(bytes, static_cast<uint16_t>(time_to_live >> 16U));
  put_number(bytes, static_cast<uint16_t>(time_to_live));
  put_number(bytes, static_cast<uint16_t>(record.data.size()));
  bytes.insert(bytes.end(), record.data.begin(), record.data.end());
}

/// The labels of a name in reverse order.
std::vector<std::string_view> labels_from_the_end(std::string_view name) {
  std::vector<std::string_view> labels;
  while (!name.empty()) {
    const size_t dot = name.rfind('.');
    labels.push_back(dot == std::string_view::npos ? name : name.substr(dot + 1));
    name = dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
  }
  return labels;
}

/// The same text as everybody else writes the address.
std::optional<std::string> canonical(int family, const std::string& text) {
  std::array<uint8_t, 16> bytes{};
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (::inet_pton(family, text.c_str(), bytes.data()) != 1) return std::nullopt;
  return ::inet_ntop(family, bytes.data(), buffer.data(), buffer.size());
}

bool is_same_question(Bytes one, Bytes other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [](uint8_t left, uint8_t right) { return to_lower(left) == to_lower(right); });
}

}  // namespace

std::optional<ParsedQuery> parse_query(Bytes message) {
  if (message.size() < kHeaderSize) return std::nullopt;
  ParsedQuery parsed;
  Query& query = parsed.query;
  Reader reader(message);
  query.id = reader.number();
  const uint16_t flags = reader.number();
  if ((flags & kResponse) != 0) return std::nullopt;
  query.opcode = (flags >> kOpcodeShift) & kOpcodeMask;
  query.recursion_desired = (flags & kRecursionDesired) != 0;
  query.checking_disabled = (flags & kCheckingDisabled) != 0;
  if (query.opcode != 0) {
    parsed.rcode = Rcode::NotImp;
    return parsed;
  }
  const uint16_t questions = reader.number();
  const uint16_t others = reader.number() | reader.number();
  const uint16_t additional = reader.number();
  parsed.rcode = Rcode::FormErr;
  if (questions != 1 || others != 0 || additional > kMostAdditional) return parsed;
  query.name = read_name(reader);
  query.type = reader.number();
  query.class_ = reader.number();
  if (reader.failed()) return parsed;
  query.question.assign(message.begin() + kHeaderSize, message.begin() + static_cast<ptrdiff_t>(reader.position()));
  Rcode rcode = Rcode::NoError;
  for (unsigned index = 0; index < additional && !reader.failed(); ++index) read_additional(reader, query, rcode);
  if (!reader.failed() && reader.at_end()) parsed.rcode = rcode;
  return parsed;
}

size_t datagram_limit(const Query& query) {
  if (!query.payload) return kSmallestLimit;
  return std::clamp<size_t>(*query.payload, kSmallestLimit, kOwnLimit);
}

Record record_of_name(std::string_view name) {
  Record record;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    record.data.push_back(static_cast<uint8_t>(label.size()));
    record.data.insert(record.data.end(), label.begin(), label.end());
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  record.data.push_back(0);
  return record;
}

std::vector<uint8_t> compose_answer(const Query& query, Rcode rcode, std::span<const Record> records,
                                    uint32_t time_to_live, size_t limit) {
  constexpr size_t kRecordSize = 12;  // without its data
  const bool is_answer = rcode == Rcode::NoError || rcode == Rcode::NxDomain;
  std::vector<uint8_t> bytes = begin_answer(query, rcode, is_answer ? kAuthoritative : 0);
  const size_t reserved = query.payload ? kOptionsSize : 0;
  uint16_t count = 0;
  for (const Record& record : records) {
    if (bytes.size() + kRecordSize + record.data.size() + reserved > limit) {
      replace_number(bytes, kFlagsPosition,
                     static_cast<uint16_t>((bytes[kFlagsPosition] << 8U) | bytes[kFlagsPosition + 1] | kTruncated));
      break;
    }
    put_record(bytes, query, record, time_to_live);
    ++count;
  }
  replace_number(bytes, kAnswersPosition, count);
  end_answer(bytes, query, rcode);
  return bytes;
}

std::vector<uint8_t> compose_truncated(const Query& query) {
  std::vector<uint8_t> bytes = begin_answer(query, Rcode::NoError, kTruncated);
  end_answer(bytes, query, Rcode::NoError);
  return bytes;
}

std::optional<std::string> address_of_pointer(std::string_view name) {
  constexpr size_t kBytes = 4;
  constexpr size_t kNibbles = 32;
  const std::vector<std::string_view> labels = labels_from_the_end(name);
  if (labels.size() < 2 || labels[0] != "arpa") return std::nullopt;
  std::string text;
  if (labels[1] == "in-addr" && labels.size() == 2 + kBytes) {
    for (size_t index = 2; index < labels.size(); ++index) text.append(index > 2 ? "." : "").append(labels[index]);
    return canonical(AF_INET, text);
  }
  if (labels[1] != "ip6" || labels.size() != 2 + kNibbles) return std::nullopt;
  for (size_t index = 0; index < kNibbles; ++index) {
    if (labels[index + 2].size() != 1) return std::nullopt;
    if (index > 0 && index % 4 == 0) text.push_back(':');
    text.append(labels[index + 2]);
  }
  return canonical(AF_INET6, text);
}

std::optional<Reply> parse_reply(Bytes message, uint16_t id, const Query& query) {
  if (message.size() < kHeaderSize) return std::nullopt;
  Reader reader(message);
  if (reader.number() != id) return std::nullopt;
  const uint16_t flags = reader.number();
  if ((flags & kResponse) == 0 || ((flags >> kOpcodeShift) & kOpcodeMask) != 0) return std::nullopt;
  const Reply reply{.rcode = static_cast<Rcode>(flags & kRcodeMask), .truncated = (flags & kTruncated) != 0};
  const uint16_t questions = reader.number();
  // A server that could not read the question need not repeat it.
  if (questions == 0 && reply.rcode != Rcode::NoError && reply.rcode != Rcode::NxDomain) return reply;
  const Bytes rest = message.subspan(kHeaderSize);
  if (questions != 1 || rest.size() < query.question.size()) return std::nullopt;
  if (!is_same_question(rest.first(query.question.size()), query.question)) return std::nullopt;
  return reply;
}

void set_id(std::span<uint8_t> message, uint16_t id) {
  message[0] = static_cast<uint8_t>(id >> 8U);
  message[1] = static_cast<uint8_t>(id);
}

}  // namespace myct::network::dns
