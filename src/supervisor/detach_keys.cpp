#include "myct/supervisor/detach_keys.hpp"

#include "myct/base/error.hpp"

namespace myct::supervisor {
namespace {

constexpr char kDelete = 0x7f;

char parse_key(std::string_view key, std::string_view text) {
  constexpr std::string_view kControl = "ctrl-";
  if (key == "DEL") return kDelete;
  if (key.size() == 1) return key.front();
  if (key.starts_with(kControl) && key.size() == kControl.size() + 1) {
    const char last = key.back();
    if (last >= 'a' && last <= 'z') return static_cast<char>(last - 'a' + 1);
    if (last == '@' || (last >= '[' && last <= '_')) return static_cast<char>(last - '@');
  }
  throw_error(ErrorKind::Usage,
              "invalid detach keys '{}': '{}' is neither a character nor ctrl- and one of a-z @ [ \\ ] ^ _", text, key);
}

}  // namespace

std::string parse_detach_keys(std::string_view text) {
  std::string keys;
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    keys += parse_key(rest.substr(0, comma), text);
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  return keys;
}

std::string DetachMatcher::feed(std::string_view typed) {
  if (keys_.empty()) return std::string(typed);
  std::string passed;
  for (const char c : typed) {
    if (detached()) break;
    if (c == keys_[matched_]) {
      ++matched_;
      continue;
    }
    // What was held back was no beginning after all; this key may be one anew.
    passed.append(keys_, 0, matched_);
    matched_ = c == keys_.front() ? 1 : 0;
    if (matched_ == 0) passed += c;
  }
  return passed;
}

}  // namespace myct::supervisor
