// A layer's blob on its way into the store: a file in an ingest's directory that becomes blobs/sha256/<hex>.
#pragma once

#include <cstdint>
#include <string>

#include "decompress.hpp"
#include "digest.hpp"
#include "myct/base/fd.hpp"
#include "myct/image/ingest.hpp"

namespace myct::image {

class BlobFile {
 public:
  /// `directory` must outlive it. `largest`: more bytes than that are refused; 0: as many as there are.
  [[nodiscard]] static BlobFile create(FdRef directory, uint64_t largest);
  /// One that has its content already.
  [[nodiscard]] static BlobFile adopt(FdRef directory, SpoolFile file);
  /// Removes the file unless it became a blob.
  ~BlobFile();
  BlobFile(BlobFile&& other) noexcept;
  BlobFile& operator=(BlobFile&&) = delete;

  /// The same bytes as `source`, which this file has, too, when they have been read. The file must outlive what is
  /// returned.
  [[nodiscard]] ByteSource keep(const ByteSource& source);
  /// Takes uncompressed bytes of the source in place of what keep() has taken, if nobody but us could read that: image
  /// layers are plain, or compressed by gzip or zstd.
  void keep_plain(Compression compression, Bytes bytes);
  [[nodiscard]] bool is_plain() const noexcept { return plain_; }
  /// Replaces the content by an archive of the tree at `root`.
  void fill_from_tree(FdRef root);

  /// Of the whole file. Throws Error.
  [[nodiscard]] std::string digest() const;
  [[nodiscard]] uint64_t size() const;

  /// Closes the file; throws Error when the kernel could not write it.
  void finish();
  /// Renames it to `target`; one that is there already stays.
  void become(const std::string& target);

 private:
  BlobFile(FdRef directory, std::string name, Fd fd, uint64_t largest) noexcept
      : directory_(directory), name_(std::move(name)), fd_(std::move(fd)), largest_(largest) {}
  /// Whether the file now shares the blocks of `source`'s, which is a whole file at its beginning.
  [[nodiscard]] bool try_clone(FdRef source);
  void append(Bytes bytes);
  void write(Bytes bytes);
  void empty();

  FdRef directory_;
  std::string name_;
  Fd fd_;
  uint64_t largest_;
  uint64_t written_ = 0;
  uint64_t in_file_ = 0;         ///< bytes
  uint64_t handed_to_disk_ = 0;  ///< of them
  bool adopted_ = false;
  bool plain_ = false;  ///< holds what keep_plain() was given
};

}  // namespace myct::image
