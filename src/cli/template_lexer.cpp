#include "template_lexer.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "myct/base/error.hpp"
#include "output.hpp"

namespace myct::cli::syntax {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kOpen = "{{";
constexpr std::string_view kClose = "}}";
constexpr size_t kShown = 80;  // of a template, in messages

bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
}
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_word(char c) noexcept { return is_letter(c) || is_digit(c); }

void append_utf8(std::string& text, uint32_t rune) {
  if (rune < 0x80) {
    text += static_cast<char>(rune);
  } else if (rune < 0x800) {
    text += static_cast<char>(0xc0 | (rune >> 6));
    text += static_cast<char>(0x80 | (rune & 0x3f));
  } else if (rune < 0x10000) {
    text += static_cast<char>(0xe0 | (rune >> 12));
    text += static_cast<char>(0x80 | ((rune >> 6) & 0x3f));
    text += static_cast<char>(0x80 | (rune & 0x3f));
  } else {
    text += static_cast<char>(0xf0 | ((rune >> 18) & 0x07));
    text += static_cast<char>(0x80 | ((rune >> 12) & 0x3f));
    text += static_cast<char>(0x80 | ((rune >> 6) & 0x3f));
    text += static_cast<char>(0x80 | (rune & 0x3f));
  }
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<Token> run() {
    while (at_ < text_.size()) {
      const size_t open = std::min(text_.find(kOpen, at_), text_.size());
      std::string_view literal = text_.substr(at_, open - at_);
      if (trim_next_) literal.remove_prefix(std::min(literal.find_first_not_of(kBlanks), literal.size()));
      const bool trims = starts_trim(open);
      if (trims) literal = literal.substr(0, literal.find_last_not_of(kBlanks) + 1);
      if (!literal.empty()) push(Token::Kind::Text, std::string(literal), at_);
      at_ = open;
      trim_next_ = false;
      if (open < text_.size()) read_action(trims);
    }
    push(Token::Kind::End, {}, text_.size());
    return std::move(tokens_);
  }

 private:
  [[nodiscard]] char peek(size_t ahead = 0) const noexcept {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  [[nodiscard]] bool is_blank(size_t offset) const noexcept {
    return offset < text_.size() && kBlanks.find(text_[offset]) != std::string_view::npos;
  }
  /// "{{- ": the blank tells it from a negative number.
  [[nodiscard]] bool starts_trim(size_t open) const noexcept {
    return open + 2 < text_.size() && text_[open + 2] == '-' && is_blank(open + 3);
  }

  void push(Token::Kind kind, std::string text, size_t offset, Json literal = nullptr) {
    tokens_.push_back({kind, std::move(text), std::move(literal), offset, blank_});
    blank_ = false;
  }

  void read_action(bool trims) {
    const size_t start = at_;
    at_ += trims ? 3 : 2;
    if (skip_comment(start)) return;
    push(Token::Kind::Open, {}, start);
    for (;;) {
      while (is_blank(at_)) {
        ++at_;
        blank_ = true;
      }
      if (at_ >= text_.size()) throw_syntax(text_, start, "unclosed action");
      trim_next_ = blank_ && peek() == '-' && text_.substr(at_ + 1).starts_with(kClose);
      if (trim_next_) ++at_;
      if (text_.substr(at_).starts_with(kClose)) {
        push(Token::Kind::Close, {}, at_);
        at_ += kClose.size();
        return;
      }
      read_token();
    }
  }

  bool skip_comment(size_t start) {
    size_t begin = at_;
    while (is_blank(begin)) ++begin;
    if (!text_.substr(begin).starts_with("/*")) return false;
    const size_t end = text_.find("*/", begin + 2);
    if (end == std::string_view::npos) throw_syntax(text_, start, "unclosed comment");
    at_ = end + 2;
    while (is_blank(at_)) ++at_;
    trim_next_ = is_blank(at_ - 1) && peek() == '-';
    if (trim_next_) ++at_;
    if (!text_.substr(at_).starts_with(kClose)) throw_syntax(text_, start, "comment ends before closing delimiter");
    at_ += kClose.size();
    return true;
  }

  std::string take_word() {
    const size_t start = at_;
    while (is_word(peek())) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  void read_token() {
    const size_t start = at_;
    const char c = peek();
    if (c == '.' && is_letter(peek(1))) {
      ++at_;
      push(Token::Kind::Field, take_word(), start);
    } else if (c == '.' && !is_digit(peek(1))) {
      ++at_;
      push(Token::Kind::Dot, ".", start);
    } else if (c == '$') {
      ++at_;
      push(Token::Kind::Variable, fmt::format("${}", take_word()), start);
    } else if (is_letter(c)) {
      push(Token::Kind::Word, take_word(), start);
    } else if (is_digit(c) || c == '+' || c == '-' || c == '.') {
      read_number();
    } else if (c == '"') {
      read_string();
    } else if (c == '`') {
      const size_t end = text_.find('`', start + 1);
      if (end == std::string_view::npos) throw_syntax(text_, start, "unterminated raw quoted string");
      at_ = end + 1;
      push(Token::Kind::Literal, {}, start, std::string(text_.substr(start + 1, end - start - 1)));
    } else {
      read_punctuation();
    }
  }

  void read_punctuation() {
    for (const std::string_view mark : {":=", "=", "(", ")", "|", ","})
      if (text_.substr(at_).starts_with(mark)) {
        push(Token::Kind::Punctuation, std::string(mark), at_);
        at_ += mark.size();
        return;
      }
    throw_syntax(text_, at_, fmt::format("unexpected character '{}'", peek()));
  }

  void read_number() {
    const size_t start = at_;
    if (peek() == '+' || peek() == '-') ++at_;
    while (is_word(peek()) || peek() == '.' || ((peek() == '+' || peek() == '-') && (text_[at_ - 1] | 0x20) == 'e'))
      ++at_;
    const std::string_view word = text_.substr(start, at_ - start);
    const bool negative = word.starts_with('-');
    std::string_view digits = word.substr(negative || word.starts_with('+') ? 1 : 0);
    const bool hex = digits.starts_with("0x") || digits.starts_with("0X");
    if (hex) digits.remove_prefix(2);
    int64_t whole = 0;
    const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), whole, hex ? 16 : 10);
    if (!digits.empty() && error == std::errc{} && rest == digits.data() + digits.size()) {
      push(Token::Kind::Literal, {}, start, negative ? -whole : whole);
      return;
    }
    double real = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), real);
    if (hex || digits.empty() || failed != std::errc{} || end != digits.data() + digits.size())
      throw_syntax(text_, start, fmt::format("bad number '{}'", word));
    push(Token::Kind::Literal, {}, start, negative ? -real : real);
  }

  void read_string() {
    const size_t start = at_++;
    std::string value;
    while (peek() != '"') {
      if (at_ >= text_.size() || peek() == '\n') throw_syntax(text_, start, "unterminated quoted string");
      if (peek() == '\\') {
        ++at_;
        read_escape(value);
      } else {
        value += text_[at_++];
      }
    }
    ++at_;
    push(Token::Kind::Literal, {}, start, std::move(value));
  }

  void read_escape(std::string& value) {
    constexpr std::string_view kNames = "abfnrtv\\\"";
    constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\\"";
    const char c = peek();
    if (const size_t known = kNames.find(c); c != '\0' && known != std::string_view::npos) {
      value += kMeanings[known];
      ++at_;
      return;
    }
    const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 3;
    const size_t first = digits == 3 ? at_ : at_ + 1;
    uint32_t rune = 0;
    const std::string_view number = text_.substr(std::min(first, text_.size()), digits);
    const auto [rest, error] =
        std::from_chars(number.data(), number.data() + number.size(), rune, digits == 3 ? 8 : 16);
    if (number.size() != digits || error != std::errc{} || rest != number.data() + digits || rune > 0x10ffff)
      throw_syntax(text_, at_ - 1, "bad escape in a quoted string");
    if (digits <= 3)
      value += static_cast<char>(rune);
    else
      append_utf8(value, rune);
    at_ = first + digits;
  }

  std::string_view text_;
  size_t at_ = 0;
  bool trim_next_ = false;
  bool blank_ = false;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view text) { return Lexer(text).run(); }

void throw_syntax(std::string_view text, size_t offset, const std::string& why) {
  Error error(ErrorKind::Usage,
              fmt::format("parse template '{}': column {}: {}", ellipsis(std::string(text), kShown), offset + 1, why));
  error.set_exit_status(kExitBadTemplate);
  throw error;
}

}  // namespace myct::cli::syntax
