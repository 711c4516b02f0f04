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
  if (text.empty()) return keys;
  std::string_view rest = text;
  for (;;) {
    const size_t comma = rest.find(',');
    keys += parse_key(rest.substr(0, comma), text);
    if (comma == std::string_view::npos) return keys;
    rest.remove_prefix(comma + 1);
  }
}

std::string DetachMatcher::feed(std::string_view typed) {
  if (keys_.empty()) return std::string(typed);
  std::string passed;
  for (const char c : typed) {
    if (detached()) break;
    held_ += c;
    // What was held back was no beginning after all; a later part of it may be.
    size_t broken = 0;
    while (!keys_.starts_with(std::string_view(held_).substr(broken))) ++broken;
    passed.append(held_, 0, broken);
    held_.erase(0, broken);
  }
  return passed;
}

}  // namespace myct::supervisor
