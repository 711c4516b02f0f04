#include "decompress.hpp"

#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "myct/base/error.hpp"

namespace myct::image {
namespace {

/// Enough for `xz -9` (65 MiB). A header may ask for 4 GiB, which a hostile file would then fill.
constexpr uint64_t kXzMemoryLimit = 192ULL << 20;
/// `zstd --long`; more takes `--ultra --long=28` and above, which zstd itself refuses to unpack unasked.
constexpr int kZstdWindowLog = 27;

[[noreturn]] void throw_damaged(Compression compression) {
  throw_error(ErrorKind::Invalid, "damaged {} input", compression_name(compression));
}
[[noreturn]] void throw_truncated(Compression compression) {
  throw_error(ErrorKind::Invalid, "truncated {} input", compression_name(compression));
}
[[noreturn]] void throw_no_memory(Compression compression) {
  throw_error(ErrorKind::System, "unpack {} input: not enough memory", compression_name(compression));
}

unsigned bounded(size_t size) noexcept {
  return static_cast<unsigned>(std::min<size_t>(size, std::numeric_limits<int>::max()));
}

class Plain final : public Decompressor {
 public:
  void run(Bytes& input, std::span<uint8_t>& output) override {
    const size_t count = std::min(input.size(), output.size());
    if (count != 0) std::memcpy(output.data(), input.data(), count);
    input = input.subspan(count);
    output = output.subspan(count);
  }
  void finish(std::span<uint8_t>&) override {}
  [[nodiscard]] bool done() const noexcept override { return false; }
};

class Gzip final : public Decompressor {
 public:
  Gzip() {
    constexpr int kGzipOnly = 16;
    if (::inflateInit2(&stream_, MAX_WBITS + kGzipOnly) != Z_OK) throw_no_memory(Compression::Gzip);
  }
  ~Gzip() override { ::inflateEnd(&stream_); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  void run(Bytes& input, std::span<uint8_t>& output) override {
    while (!input.empty() && !output.empty() && !done_) {
      if (between_members_) {
        // Members may follow one another (gzip(1)); anything else after one is padding and ignored, as gzip does.
        if (input.front() != 0x1f) {
          done_ = true;
          return;
        }
        ::inflateReset(&stream_);
        between_members_ = false;
      }
      step(input, output);
    }
  }
  void finish(std::span<uint8_t>& output) override {
    Bytes nothing;
    if (!between_members_ && !done_ && !output.empty()) step(nothing, output);
    if (!output.empty() && !between_members_ && !done_) throw_truncated(Compression::Gzip);
  }
  [[nodiscard]] bool done() const noexcept override { return done_; }

 private:
  void step(Bytes& input, std::span<uint8_t>& output) {
    stream_.next_in = const_cast<Bytef*>(input.data());
    stream_.avail_in = bounded(input.size());
    stream_.next_out = output.data();
    stream_.avail_out = bounded(output.size());
    const unsigned offered_in = stream_.avail_in;
    const unsigned offered_out = stream_.avail_out;
    const int result = ::inflate(&stream_, Z_NO_FLUSH);
    input = input.subspan(offered_in - stream_.avail_in);
    output = output.subspan(offered_out - stream_.avail_out);
    if (result == Z_STREAM_END)
      between_members_ = true;
    else if (result == Z_MEM_ERROR)
      throw_no_memory(Compression::Gzip);
    else if (result != Z_OK && result != Z_BUF_ERROR)
      throw_damaged(Compression::Gzip);
  }

  z_stream stream_{};
  bool between_members_ = false;
  bool done_ = false;
};

class Xz final : public Decompressor {
 public:
  Xz() {
    if (::lzma_stream_decoder(&stream_, kXzMemoryLimit, LZMA_CONCATENATED) != LZMA_OK) throw_no_memory(Compression::Xz);
  }
  ~Xz() override { ::lzma_end(&stream_); }
  Xz(const Xz&) = delete;
  Xz& operator=(const Xz&) = delete;

  void run(Bytes& input, std::span<uint8_t>& output) override {
    while (!input.empty() && !output.empty() && !done_) step(input, output, LZMA_RUN);
  }
  void finish(std::span<uint8_t>& output) override {
    Bytes nothing;
    while (!output.empty() && !done_) step(nothing, output, LZMA_FINISH);
  }
  [[nodiscard]] bool done() const noexcept override { return done_; }

 private:
  void step(Bytes& input, std::span<uint8_t>& output, lzma_action action) {
    stream_.next_in = input.data();
    stream_.avail_in = input.size();
    stream_.next_out = output.data();
    stream_.avail_out = output.size();
    const lzma_ret result = ::lzma_code(&stream_, action);
    input = input.last(stream_.avail_in);
    output = output.last(stream_.avail_out);
    if (result == LZMA_STREAM_END)
      done_ = true;
    else if (result == LZMA_BUF_ERROR && action == LZMA_FINISH)
      throw_truncated(Compression::Xz);
    else if (result == LZMA_MEM_ERROR)
      throw_no_memory(Compression::Xz);
    else if (result == LZMA_MEMLIMIT_ERROR)
      throw_error(ErrorKind::Unsupported, "xz input needs more than {} MiB of memory to unpack", kXzMemoryLimit >> 20);
    else if (result != LZMA_OK && result != LZMA_BUF_ERROR)
      throw_damaged(Compression::Xz);
  }

  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool done_ = false;
};

class Zstd final : public Decompressor {
 public:
  Zstd() : stream_(::ZSTD_createDStream()) {
    if (stream_ == nullptr) throw_no_memory(Compression::Zstd);
    ::ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, kZstdWindowLog);
  }
  ~Zstd() override { ::ZSTD_freeDStream(stream_); }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;

  void run(Bytes& input, std::span<uint8_t>& output) override {
    while (!input.empty() && !output.empty() && !done_) {
      // 0x28 begins a frame, 0x50 to 0x5f a skippable one (RFC 8878); anything else after a frame is padding.
      if (between_frames_ && input.front() != 0x28 && (input.front() & 0xf0) != 0x50) {
        done_ = true;
        return;
      }
      step(input, output);
    }
  }
  void finish(std::span<uint8_t>& output) override {
    Bytes nothing;
    if (!between_frames_ && !done_ && !output.empty()) step(nothing, output);
    if (!output.empty() && !between_frames_ && !done_) throw_truncated(Compression::Zstd);
  }
  [[nodiscard]] bool done() const noexcept override { return done_; }

 private:
  void step(Bytes& input, std::span<uint8_t>& output) {
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    ZSTD_outBuffer out{output.data(), output.size(), 0};
    const size_t result = ::ZSTD_decompressStream(stream_, &out, &in);
    if (::ZSTD_isError(result) != 0) throw_damaged(Compression::Zstd);
    between_frames_ = result == 0;
    input = input.subspan(in.pos);
    output = output.subspan(out.pos);
  }

  ZSTD_DStream* stream_;
  bool between_frames_ = false;
  bool done_ = false;
};

class Bzip2 final : public Decompressor {
 public:
  Bzip2() { start(); }
  ~Bzip2() override { ::BZ2_bzDecompressEnd(&stream_); }
  Bzip2(const Bzip2&) = delete;
  Bzip2& operator=(const Bzip2&) = delete;

  void run(Bytes& input, std::span<uint8_t>& output) override {
    while (!input.empty() && !output.empty() && !done_) {
      if (between_streams_) {
        if (input.front() != 'B') {
          done_ = true;
          return;
        }
        ::BZ2_bzDecompressEnd(&stream_);
        start();
      }
      step(input, output);
    }
  }
  void finish(std::span<uint8_t>& output) override {
    Bytes nothing;
    if (!between_streams_ && !done_ && !output.empty()) step(nothing, output);
    if (!output.empty() && !between_streams_ && !done_) throw_truncated(Compression::Bzip2);
  }
  [[nodiscard]] bool done() const noexcept override { return done_; }

 private:
  void start() {
    stream_ = {};
    between_streams_ = false;
    if (::BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK) throw_no_memory(Compression::Bzip2);
  }
  void step(Bytes& input, std::span<uint8_t>& output) {
    // bzlib takes its input through a pointer to non-const, and leaves it alone.
    stream_.next_in = const_cast<char*>(reinterpret_cast<const char*>(input.data()));
    stream_.avail_in = bounded(input.size());
    stream_.next_out = reinterpret_cast<char*>(output.data());
    stream_.avail_out = bounded(output.size());
    const unsigned offered_in = stream_.avail_in;
    const unsigned offered_out = stream_.avail_out;
    const int result = ::BZ2_bzDecompress(&stream_);
    input = input.subspan(offered_in - stream_.avail_in);
    output = output.subspan(offered_out - stream_.avail_out);
    if (result == BZ_STREAM_END)
      between_streams_ = true;
    else if (result == BZ_MEM_ERROR)
      throw_no_memory(Compression::Bzip2);
    else if (result != BZ_OK)
      throw_damaged(Compression::Bzip2);
  }

  bz_stream stream_{};
  bool between_streams_ = false;
  bool done_ = false;
};

bool begins_with(Bytes bytes, std::string_view magic) noexcept {
  return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

}  // namespace

Compression detect_compression(Bytes beginning) noexcept {
  using namespace std::string_view_literals;
  if (begins_with(beginning, "\x1f\x8b"sv)) return Compression::Gzip;
  if (begins_with(beginning, "\xfd\x37\x7a\x58\x5a\0"sv)) return Compression::Xz;
  if (begins_with(beginning, "\x28\xb5\x2f\xfd"sv)) return Compression::Zstd;
  // pzstd begins with a skippable frame: any of sixteen magic numbers.
  if (!beginning.empty() && (beginning[0] & 0xf0) == 0x50 && begins_with(beginning.subspan(1), "\x2a\x4d\x18"sv))
    return Compression::Zstd;
  if (begins_with(beginning, "BZh"sv)) return Compression::Bzip2;
  return Compression::None;
}

std::string_view compression_name(Compression compression) noexcept {
  constexpr std::array<std::string_view, 5> kNames{"tar", "gzip", "xz", "zstd", "bzip2"};
  return kNames[static_cast<size_t>(compression)];
}

std::unique_ptr<Decompressor> make_decompressor(Compression compression) {
  switch (compression) {
    case Compression::Gzip:
      return std::make_unique<Gzip>();
    case Compression::Xz:
      return std::make_unique<Xz>();
    case Compression::Zstd:
      return std::make_unique<Zstd>();
    case Compression::Bzip2:
      return std::make_unique<Bzip2>();
    case Compression::None:
      break;
  }
  return std::make_unique<Plain>();
}

}  // namespace myct::image
