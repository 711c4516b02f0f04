// Digests of the OCI image specification (descriptor.md), checked while the bytes come.
#pragma once

#include <nettle/sha2.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace myct::registry {

using Bytes = std::span<const uint8_t>;

/// Whether `text` is "sha256:<64 hex>" or "sha512:<128 hex>", the registered algorithms.
[[nodiscard]] bool is_digest(std::string_view text) noexcept;

/// "sha256:<hex>" of a document.
[[nodiscard]] std::string digest_of(std::string_view document);

/// Compares bytes with the digest that they should have.
class DigestCheck {
 public:
  /// Throws Error{Invalid} when `expected` is no digest: it may come from somebody else's document.
  explicit DigestCheck(std::string expected);
  void update(Bytes bytes) noexcept;
  /// Throws Error{Invalid} naming `what` and both digests when they differ.
  void verify(std::string_view what);

 private:
  std::string expected_;
  std::variant<sha256_ctx, sha512_ctx> context_;
};

}  // namespace myct::registry
