#include "stream.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

#include "myct/base/error.hpp"

namespace myct::image {
namespace {

constexpr size_t kInputSize = 256 << 10;
constexpr size_t kChunkSize = 256 << 10;
constexpr size_t kChunks = 16;

/// Thrown inside the reader when nobody wants its output any more.
struct Cancelled {};

/// Blocks every signal while it lives, so that a thread started meanwhile never runs a handler.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &saved_);
  }
  ~AllSignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &saved_, nullptr); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  sigset_t saved_{};
};

}  // namespace

ByteSource bytes_of(FdRef fd) {
  ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  const auto read = [fd](std::span<uint8_t> buffer) {
    for (;;) {
      const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
      if (got >= 0) return static_cast<size_t>(got);
      if (errno != EINTR) throw_errno("read");
    }
  };
  return {.read = read, .descriptor = fd};
}

TarStream::TarStream(ByteSource source, Digests digests, TarSink on_tar)
    : source_(std::move(source)),
      on_tar_(std::move(on_tar)),
      cancel_event_(::eventfd(0, EFD_CLOEXEC)),
      input_(kInputSize),
      hash_tar_(digests == Digests::Compute),
      hash_blob_(hash_tar_),
      ring_(kChunks) {
  if (!cancel_event_.valid()) throw_errno("make an eventfd");
  for (Chunk& chunk : ring_) chunk.data = std::make_unique_for_overwrite<uint8_t[]>(kChunkSize);
  const AllSignalsBlocked blocked;
  reader_ = std::thread([this] { run(); });
}

TarStream::~TarStream() {
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
  }
  changed_.notify_all();
  ::eventfd_write(cancel_event_.get(), 1);
  reader_.join();
}

Bytes TarStream::next() {
  std::unique_lock lock(mutex_);
  if (std::exchange(holding_, false)) {
    ++emptied_;
    changed_.notify_all();
  }
  changed_.wait(lock, [this] { return filled_ != emptied_ || finished_; });
  if (filled_ != emptied_) {
    holding_ = true;
    const Chunk& chunk = ring_[emptied_ % kChunks];
    return {chunk.data.get(), chunk.size};
  }
  if (failure_) std::rethrow_exception(failure_);
  return {};
}

void TarStream::run() noexcept {
  std::exception_ptr failure;
  try {
    read_and_decompress();
  } catch (const Cancelled&) {
    return;
  } catch (...) {
    failure = std::current_exception();  // travels to the caller's thread, which rethrows it
  }
  {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(failure);
    finished_ = true;
  }
  changed_.notify_all();
}

void TarStream::read_and_decompress() {
  Bytes input = read_block();
  if (input.empty()) throw_error(ErrorKind::Invalid, "empty file");
  totals_.compression = detect_compression(input);
  if (totals_.compression == Compression::None) hash_blob_ = false;
  const std::unique_ptr<Decompressor> decompressor = make_decompressor(totals_.compression);

  bool at_end = false;
  while (!at_end) {
    const std::span<uint8_t> chunk = wait_for_free_chunk();
    std::span<uint8_t> room = chunk;
    while (!room.empty() && !at_end) {
      if (input.empty()) input = read_block();
      const bool no_more_input = input.empty();
      if (no_more_input)
        decompressor->finish(room);
      else
        decompressor->run(input, room);
      at_end = decompressor->done() || (no_more_input && !room.empty());
    }
    const size_t size = chunk.size() - room.size();
    totals_.tar_size += size;
    if (hash_tar_) tar_hash_.update({chunk.data(), size});
    if (on_tar_) on_tar_(totals_.compression, {chunk.data(), size});
    if (size != 0) publish_chunk(size);
  }
  // What follows the compressed data belongs to the file and its digest all the same.
  while (!read_block().empty()) {
  }
  totals_.blob_size = bytes_read();
  if (!hash_tar_) return;
  totals_.diff_id = tar_hash_.digest();
  totals_.blob_digest = hash_blob_ ? blob_hash_.digest() : totals_.diff_id;
}

Bytes TarStream::read_block() {
  // poll(2) leaves out a descriptor of -1.
  pollfd waiting[2] = {{.fd = source_.descriptor ? source_.descriptor->get() : -1, .events = POLLIN, .revents = 0},
                       {.fd = cancel_event_.get(), .events = POLLIN, .revents = 0}};
  while (::poll(waiting, 2, source_.descriptor ? -1 : 0) == -1)
    if (errno != EINTR) throw_errno("wait for input");
  if (waiting[1].revents != 0) throw Cancelled{};
  const Bytes bytes(input_.data(), source_.read(input_));
  if (hash_blob_) blob_hash_.update(bytes);
  bytes_read_.fetch_add(bytes.size(), std::memory_order_relaxed);
  return bytes;
}

std::span<uint8_t> TarStream::wait_for_free_chunk() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return filled_ - emptied_ < kChunks || cancelled_; });
  if (cancelled_) throw Cancelled{};
  return {ring_[filled_ % kChunks].data.get(), kChunkSize};
}

void TarStream::publish_chunk(size_t size) {
  {
    const std::lock_guard lock(mutex_);
    ring_[filled_ % kChunks].size = size;
    ++filled_;
  }
  changed_.notify_all();
}

}  // namespace myct::image
