// SHA-256 of streams and documents, in the "sha256:<hex>" form of the OCI image specification.
#pragma once

#include <nettle/sha2.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "myct/base/fd.hpp"
#include "myct/base/units.hpp"

namespace myct::image {

using Bytes = std::span<const uint8_t>;

class Sha256 {
 public:
  Sha256() noexcept { sha256_init(&context_); }
  void update(Bytes bytes) noexcept { sha256_update(&context_, bytes.size(), bytes.data()); }
  /// "sha256:<64 hex>" of everything so far; starts anew.
  [[nodiscard]] std::string digest();

 private:
  sha256_ctx context_{};
};

[[nodiscard]] std::string digest_of(std::string_view document);
/// Of a whole file, wherever its position is. Throws Error.
[[nodiscard]] std::string digest_of_file(FdRef fd);

/// The 64 hex digits of "sha256:<hex>". Throws Error{Invalid} for anything else: digests come from documents that
/// others may have written, and become file names.
[[nodiscard]] std::string hex_of(std::string_view digest);

}  // namespace myct::image
