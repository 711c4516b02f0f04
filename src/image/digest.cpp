#include "digest.hpp"

#include <unistd.h>

#include <vector>

#include "myct/base/error.hpp"
#include "myct/base/hex.hpp"

namespace myct::image {
namespace {

constexpr std::string_view kPrefix = "sha256:";
constexpr size_t kHexDigits = 64;

}  // namespace

std::string Sha256::digest() {
  uint8_t raw[SHA256_DIGEST_SIZE];
  sha256_digest(&context_, sizeof raw, raw);
  return std::string(kPrefix) + hex_text(raw);
}

std::string digest_of(std::string_view document) {
  Sha256 hash;
  hash.update({reinterpret_cast<const uint8_t*>(document.data()), document.size()});
  return hash.digest();
}

std::string digest_of_file(FdRef fd) {
  Sha256 hash;
  std::vector<uint8_t> buffer(256 << 10);
  for (off_t offset = 0;;) {
    const ssize_t got = ::pread(fd.get(), buffer.data(), buffer.size(), offset);
    if (got == 0) return hash.digest();
    if (got == -1 && errno != EINTR) throw_errno("read");
    if (got == -1) continue;
    hash.update({buffer.data(), static_cast<size_t>(got)});
    offset += got;
  }
}

std::string hex_of(std::string_view digest) {
  if (!digest.starts_with(kPrefix) || digest.size() != kPrefix.size() + kHexDigits ||
      !is_hex(digest.substr(kPrefix.size())))
    throw_error(ErrorKind::Invalid, "digest '{}' is not sha256:<64 hex digits>", digest);
  return std::string(digest.substr(kPrefix.size()));
}

}  // namespace myct::image
