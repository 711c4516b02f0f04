// gzip, xz, zstd, bzip2 and plain data, told apart by their first bytes.
//
// The libraries are called directly instead of through libarchive's filters: zlib then verifies gzip's checksums
// (libarchive 3.6 does not), xz gets a memory limit, and the output lands in the caller's buffer without a copy.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "digest.hpp"

namespace myct::image {

enum class Compression : uint8_t { None, Gzip, Xz, Zstd, Bzip2 };

/// Looks at the first bytes (6 suffice).
[[nodiscard]] Compression detect_compression(Bytes beginning) noexcept;
/// "gzip"; what error lines say.
[[nodiscard]] std::string_view compression_name(Compression compression) noexcept;

class Decompressor {
 public:
  virtual ~Decompressor() = default;
  /// Takes from `input` and puts into `output`; both shrink from the front by what was used. Returns when either is
  /// empty or done() is true. Throws Error{Invalid} for damaged data.
  virtual void run(Bytes& input, std::span<uint8_t>& output) = 0;
  /// No more input: flushes what is left into `output`; throws Error{Invalid} when the data ends too early. Call
  /// until it leaves room in `output`.
  virtual void finish(std::span<uint8_t>& output) = 0;
  /// The compressed data is over, whatever follows it in the file.
  [[nodiscard]] virtual bool done() const noexcept = 0;
};

[[nodiscard]] std::unique_ptr<Decompressor> make_decompressor(Compression compression);

}  // namespace myct::image
