#include "digest.hpp"

#include <algorithm>

#include "myct/base/error.hpp"

namespace myct::image {
namespace {

constexpr std::string_view kPrefix = "sha256:";
constexpr size_t kHexDigits = 64;

}  // namespace

std::string Sha256::digest() {
  uint8_t raw[SHA256_DIGEST_SIZE];
  sha256_digest(&context_, sizeof raw, raw);
  std::string text(kPrefix);
  for (const uint8_t byte : raw) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string digest_of(std::string_view document) {
  Sha256 hash;
  hash.update({reinterpret_cast<const uint8_t*>(document.data()), document.size()});
  return hash.digest();
}

std::string hex_of(std::string_view digest) {
  if (!digest.starts_with(kPrefix) || digest.size() != kPrefix.size() + kHexDigits ||
      !is_hex(digest.substr(kPrefix.size())))
    throw_error(ErrorKind::Invalid, "digest '{}' is not sha256:<64 hex digits>", digest);
  return std::string(digest.substr(kPrefix.size()));
}

}  // namespace myct::image
