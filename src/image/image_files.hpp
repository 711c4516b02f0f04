// The files that images are in when they are not in the store: members of an archive, or a directory's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "myct/base/fd.hpp"
#include "myct/image/ingest.hpp"

namespace myct::image {

using BytesRead = std::function<void(uint64_t bytes_read)>;

class ImageFiles {
 public:
  virtual ~ImageFiles() = default;
  /// nullopt when there is no such file. Throws Error{Invalid} for one of more than `largest` bytes.
  [[nodiscard]] virtual std::optional<std::string> try_read(const std::string& name, uint64_t largest) = 0;
  /// Puts the file into the store as a layer, once; any thread. Throws Error, also when there is no such file.
  virtual LayerResult put_layer(Ingest& ingest, const std::string& name, const LayerRequest& request) = 0;
};

/// Reads an archive to its end: its members are copied into files of the ingest's own, but for blobs that the store
/// has. A pipe can be read only once, and what an image consists of may come last. Throws Error{Invalid} for a bad
/// archive.
[[nodiscard]] std::unique_ptr<ImageFiles> spool_archive(FdRef in, Ingest& ingest, const BytesRead& progress);

/// A directory, which nothing leads out of.
[[nodiscard]] std::unique_ptr<ImageFiles> open_layout(Fd directory);

/// "blobs/sha256/<hex>". Throws Error for what is no sha256 digest.
[[nodiscard]] std::string blob_file_name(std::string_view digest);

}  // namespace myct::image
