#include "myct/base/overlay_option.hpp"

namespace myct {

std::string escape_overlay_path(const std::string& path) {
  std::string text;
  for (const char c : path) {
    if (c == ':' || c == ',' || c == '\\') text += '\\';
    text += c;
  }
  return text;
}

}  // namespace myct
