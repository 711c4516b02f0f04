#include "json_record.hpp"

#include <algorithm>
#include <array>

namespace myct::supervisor {
namespace {

constexpr std::string_view kHead = R"({"log":")";
constexpr std::string_view kBeforeStream = R"(","stream":")";
constexpr std::string_view kBeforeTime = R"(","time":")";
constexpr std::string_view kEnd = R"("})";
constexpr size_t kStreamLength = 6;  // both words have six letters
constexpr size_t kTimeLength = 30;   // format_time's, in a year of four digits
constexpr size_t kTailLength = kBeforeStream.size() + kStreamLength + kBeforeTime.size() + kTimeLength + kEnd.size();

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD
constexpr std::string_view kEscapedReplacement = R"(\ufffd)";

// How a byte is written: as it is, as "\uXXXX", as the letter of a short escape, or as UTF-8 demands.
constexpr char kPlain = 0;
constexpr char kHex = 'u';
constexpr char kMultibyte = 1;

constexpr std::array<char, 256> make_escapes() {
  std::array<char, 256> escapes{};
  for (size_t byte = 0; byte < 0x20; ++byte) escapes[byte] = kHex;
  for (size_t byte = 0x80; byte < 0x100; ++byte) escapes[byte] = kMultibyte;
  escapes['"'] = '"';
  escapes['\\'] = '\\';
  escapes['\n'] = 'n';
  escapes['\r'] = 'r';
  escapes['\t'] = 't';
  return escapes;
}
constexpr std::array<char, 256> kEscapes = make_escapes();

constexpr size_t index_of(char byte) noexcept { return static_cast<unsigned char>(byte); }

/// The length of the UTF-8 sequence at the beginning of `text`, whose first byte is not ASCII; 0 when it is none
/// (Unicode, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF).
size_t multibyte_length(std::string_view text) noexcept {
  const size_t first = index_of(text.front());
  if (first < 0xc2 || first > 0xf4) return 0;
  const size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (text.size() < length) return 0;
  const size_t lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const size_t highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (index_of(text[1]) < lowest || index_of(text[1]) > highest) return 0;
  for (size_t index = 2; index < length; ++index)
    if ((index_of(text[index]) & 0xc0) != 0x80) return 0;
  return length;
}

/// How many bytes at the beginning of `text` can be copied as they are.
size_t plain_length(std::string_view text) noexcept {
  size_t end = 0;
  while (end < text.size()) {
    const char escape = kEscapes[index_of(text[end])];
    if (escape == kPlain) {
      ++end;
      continue;
    }
    if (escape != kMultibyte) return end;
    const size_t length = multibyte_length(text.substr(end));
    if (length == 0) return end;
    end += length;
  }
  return end;
}

void append_escaped_byte(std::string& out, char byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const char escape = kEscapes[index_of(byte)];
  if (escape == kMultibyte) {
    out += kEscapedReplacement;
  } else if (escape == kHex) {
    out += R"(\u00)";
    out += kDigits[index_of(byte) >> 4];
    out += kDigits[index_of(byte) & 15];
  } else {
    out += '\\';
    out += escape;
  }
}

void append_escaped(std::string& out, std::string_view text) {
  for (;;) {
    const size_t plain = plain_length(text);
    out.append(text.data(), plain);
    if (plain == text.size()) return;
    append_escaped_byte(out, text[plain]);
    text.remove_prefix(plain + 1);
  }
}

/// Reads the escape at the beginning of `text`: what it stands for, and its length in `length`. nullopt: not one that
/// append_escaped writes.
std::optional<std::string_view> read_escape(std::string_view text, size_t& length) noexcept {
  static constexpr std::string_view kControls(
      "\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24\25\26\27\30\31\32\33\34\35\36\37", 32);
  constexpr std::string_view kHexDigits = "0123456789abcdef";
  constexpr std::string_view kControl = R"(\u00)";
  length = 2;
  if (text.starts_with(R"(\n)")) return "\n";
  if (text.starts_with(R"(\t)")) return "\t";
  if (text.starts_with(R"(\r)")) return "\r";
  if (text.starts_with(R"(\")")) return "\"";
  if (text.starts_with(R"(\\)")) return "\\";
  length = kEscapedReplacement.size();
  if (text.starts_with(kEscapedReplacement)) return kReplacement;
  if (!text.starts_with(kControl) || text.size() < length) return std::nullopt;
  const size_t high = kHexDigits.find(text[4]);
  const size_t low = kHexDigits.find(text[5]);
  if (high > 1 || low == std::string_view::npos) return std::nullopt;
  return kControls.substr(high * 16 + low, 1);
}

bool is_escaped_text(std::string_view text) noexcept {
  for (;;) {
    text.remove_prefix(plain_length(text));
    if (text.empty()) return true;
    size_t length = 0;
    if (text.front() != '\\' || !read_escape(text, length)) return false;
    text.remove_prefix(length);
  }
}

/// Whether a text has the form "2024-05-01T10:00:00.123456789Z".
bool is_time(std::string_view text) noexcept {
  constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:dd.dddddddddZ";
  for (size_t index = 0; index < kForm.size(); ++index) {
    const bool digit = text[index] >= '0' && text[index] <= '9';
    if (kForm[index] == 'd' ? !digit : text[index] != kForm[index]) return false;
  }
  return true;
}

std::optional<Stream> stream_from_word(std::string_view word) noexcept {
  if (word == "stdout") return Stream::Stdout;
  if (word == "stderr") return Stream::Stderr;
  return std::nullopt;
}

/// Takes `expected` from the beginning of `text`; false when something else is there.
bool take(std::string_view& text, std::string_view expected) noexcept {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

}  // namespace

void append_record(std::string& out, std::string_view text, Ending ending, Stream stream, std::string_view time) {
  out += kHead;
  append_escaped(out, text);
  if (ending == Ending::Newline) out += R"(\n)";
  out += kBeforeStream;
  out += stream == Stream::Stdout ? "stdout" : "stderr";
  out += kBeforeTime;
  out += time;
  out += kEnd;
  out += '\n';
}

std::optional<LogRecord> parse_record(std::string_view line) noexcept {
  if (line.size() < kHead.size() + kTailLength || !line.starts_with(kHead)) return std::nullopt;
  std::string_view tail = line.substr(line.size() - kTailLength);
  LogRecord record{.text = line.substr(kHead.size(), line.size() - kHead.size() - kTailLength)};
  if (!take(tail, kBeforeStream)) return std::nullopt;
  const std::optional<Stream> stream = stream_from_word(tail.substr(0, kStreamLength));
  if (!stream) return std::nullopt;
  record.stream = *stream;
  tail.remove_prefix(kStreamLength);
  if (!take(tail, kBeforeTime)) return std::nullopt;
  record.time = tail.substr(0, kTimeLength);
  if (!is_time(record.time) || tail.substr(kTimeLength) != kEnd || !is_escaped_text(record.text)) return std::nullopt;
  return record;
}

void append_unescaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const size_t plain = std::min(text.find('\\'), text.size());
    out.append(text.data(), plain);
    text.remove_prefix(plain);
    size_t length = 0;
    if (text.empty()) return;
    out += read_escape(text, length).value_or("");
    text.remove_prefix(std::min(length, text.size()));
  }
}

}  // namespace myct::supervisor
