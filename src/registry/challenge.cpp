#include "challenge.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

namespace myct::registry {
namespace {

/// Reads the grammar from left to right.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  void skip(std::string_view characters) {
    while (at_ < text_.size() && characters.find(text_[at_]) != std::string_view::npos) ++at_;
  }
  [[nodiscard]] bool at_end() const noexcept { return at_ == text_.size(); }
  [[nodiscard]] bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  /// "" where there is none.
  std::string token() {
    const size_t start = at_;
    while (at_ < text_.size() && is_token(text_[at_])) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }
  /// A token or a quoted string; nullopt when the quote does not end.
  std::optional<std::string> value() {
    if (!take('"')) return token();
    std::string value;
    while (!at_end()) {
      char c = text_[at_++];
      if (c == '"') return value;
      if (c == '\\' && !at_end()) c = text_[at_++];
      value += c;
    }
    return std::nullopt;
  }
  [[nodiscard]] size_t position() const noexcept { return at_; }
  void go_back(size_t position) noexcept { at_ = position; }

 private:
  static bool is_token(char c) noexcept {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~/:").find(c) != std::string_view::npos;
  }
  std::string_view text_;
  size_t at_ = 0;
};

std::string to_lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// name=value pairs up to the next scheme, or the end.
void read_parameters(Reader& reader, Challenge& challenge) {
  for (;;) {
    reader.skip(" \t,");
    const size_t start = reader.position();
    const std::string name = reader.token();
    reader.skip(" \t");
    if (name.empty() || !reader.take('=')) return reader.go_back(start);  // the next scheme
    reader.skip(" \t");
    const std::optional<std::string> value = reader.value();
    if (!value) return;
    challenge.parameters.emplace(to_lower(name), *value);
  }
}

}  // namespace

std::string Challenge::parameter(const std::string& name) const {
  const auto found = parameters.find(name);
  return found == parameters.end() ? "" : found->second;
}

std::vector<Challenge> parse_challenges(std::string_view header) {
  std::vector<Challenge> challenges;
  Reader reader(header);
  for (;;) {
    reader.skip(" \t,");
    Challenge challenge{.scheme = to_lower(reader.token()), .parameters = {}};
    if (challenge.scheme.empty()) return challenges;
    read_parameters(reader, challenge);
    challenges.push_back(std::move(challenge));
  }
}

}  // namespace myct::registry
