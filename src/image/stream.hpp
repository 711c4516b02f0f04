// A tarball as a stream of plain tar bytes, decompressed and hashed by a thread of its own.
//
// The reader thread reads the file, hashes it as it is (the blob's digest), decompresses it, hashes the result (the
// diff id) and puts it into a ring of chunks; the caller's thread takes them out and writes files meanwhile. The ring
// is all the memory there is: a slow disk stops the reader, an archive of any size takes the same few megabytes.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "decompress.hpp"
#include "digest.hpp"
#include "myct/base/fd.hpp"
#include "myct/image/ingest.hpp"

namespace myct::image {

/// What a tarball amounted to.
struct StreamTotals {
  Compression compression = Compression::None;
  std::string blob_digest;  ///< of the file as it is
  uint64_t blob_size = 0;
  std::string diff_id;  ///< digest of the uncompressed tar
  uint64_t tar_size = 0;
};

/// Whether anybody wants the digests; without them a stream costs a third less.
enum class Digests : uint8_t { LeaveOut, Compute };

using TarSink = std::function<void(Compression compression, Bytes bytes)>;

class TarStream {
 public:
  /// Reads `source`, in a thread of its own, to its end.
  /// `on_tar`, if there is one, gets the uncompressed bytes as well, in that thread.
  explicit TarStream(ByteSource source, Digests digests = Digests::Compute, TarSink on_tar = {});
  /// Stops the reader and waits for it.
  ~TarStream();
  TarStream(const TarStream&) = delete;
  TarStream& operator=(const TarStream&) = delete;

  /// The next piece, valid until the next call; empty at the end. All but the last are multiples of 512 bytes.
  /// Throws what the reader met: Error{Invalid} for damaged or truncated input.
  [[nodiscard]] Bytes next();
  /// After next() has returned an empty piece.
  [[nodiscard]] const StreamTotals& totals() const noexcept { return totals_; }
  /// Bytes of the file read so far.
  [[nodiscard]] uint64_t bytes_read() const noexcept { return bytes_read_.load(std::memory_order_relaxed); }

 private:
  struct Chunk {
    std::unique_ptr<uint8_t[]> data;
    size_t size = 0;
  };

  void run() noexcept;
  void read_and_decompress();
  Bytes read_block();
  std::span<uint8_t> wait_for_free_chunk();
  void publish_chunk(size_t size);

  ByteSource source_;
  TarSink on_tar_;
  Fd cancel_event_;  ///< eventfd(2): wakes a reader that waits for a pipe
  std::vector<uint8_t> input_;
  bool hash_tar_;
  Sha256 blob_hash_;
  bool hash_blob_ = true;  ///< false once the file is known to be plain: then both digests are the same
  Sha256 tar_hash_;
  StreamTotals totals_;
  std::atomic<uint64_t> bytes_read_{0};

  std::vector<Chunk> ring_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_. Chunk number n lies in ring_[n % size].
  uint64_t filled_ = 0;
  uint64_t emptied_ = 0;
  bool finished_ = false;  ///< the reader puts no more in; failure_ and totals_ are final
  bool cancelled_ = false;
  std::exception_ptr failure_;

  bool holding_ = false;  ///< the caller still looks at chunk number emptied_
  std::thread reader_;
};

}  // namespace myct::image
