#include "digest.hpp"

#include <array>

#include "myct/base/error.hpp"
#include "myct/base/hex.hpp"
#include "myct/base/units.hpp"

namespace myct::registry {
namespace {

constexpr std::string_view kSha256 = "sha256:";
constexpr std::string_view kSha512 = "sha512:";

bool is_of(std::string_view text, std::string_view algorithm, size_t bytes) noexcept {
  return text.starts_with(algorithm) && text.size() == algorithm.size() + 2 * bytes &&
         is_hex(text.substr(algorithm.size()));
}

std::string finish(sha256_ctx& context) {
  std::array<uint8_t, SHA256_DIGEST_SIZE> raw;
  sha256_digest(&context, raw.size(), raw.data());
  return std::string(kSha256) + hex_text(raw);
}

std::string finish(sha512_ctx& context) {
  std::array<uint8_t, SHA512_DIGEST_SIZE> raw;
  sha512_digest(&context, raw.size(), raw.data());
  return std::string(kSha512) + hex_text(raw);
}

void add(sha256_ctx& context, Bytes bytes) noexcept { sha256_update(&context, bytes.size(), bytes.data()); }
void add(sha512_ctx& context, Bytes bytes) noexcept { sha512_update(&context, bytes.size(), bytes.data()); }

}  // namespace

bool is_digest(std::string_view text) noexcept {
  return is_of(text, kSha256, SHA256_DIGEST_SIZE) || is_of(text, kSha512, SHA512_DIGEST_SIZE);
}

std::string digest_of(std::string_view document) {
  sha256_ctx context;
  sha256_init(&context);
  add(context, {reinterpret_cast<const uint8_t*>(document.data()), document.size()});
  return finish(context);
}

DigestCheck::DigestCheck(std::string expected) : expected_(std::move(expected)) {
  if (!is_digest(expected_)) throw_error(ErrorKind::Invalid, "digest '{}' is of no known form", expected_);
  if (expected_.starts_with(kSha512))
    sha512_init(&context_.emplace<sha512_ctx>());
  else
    sha256_init(&context_.emplace<sha256_ctx>());
}

void DigestCheck::update(Bytes bytes) noexcept {
  std::visit([&](auto& context) { add(context, bytes); }, context_);
}

void DigestCheck::verify(std::string_view what) {
  const std::string found = std::visit([](auto& context) { return finish(context); }, context_);
  if (found != expected_)
    throw_error(ErrorKind::Invalid, "{}: the registry sent something else: its digest is {}", what, found);
}

}  // namespace myct::registry
