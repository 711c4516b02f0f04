// Bringing images into the store: what pull, load, import and commit share.
//
//   Ingest ingest(paths);
//   for each layer, on as many threads as you like:  ingest.put_layer({descriptor, diff_id}, source, progress);
//   ingest.commit({.manifest = bytes, .config = bytes, .names = {"alpine:3.20"}});
//
// Layers become part of the store one by one, as soon as their digests have proved right; the image appears with
// commit(), whole or not at all. What an ingest has asked for or put stays while it lives, although no image has it
// yet; what is left over when it ends, or its process dies, is removed by the next ingest or removal.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "myct/base/fd.hpp"
#include "myct/spec/image_spec.hpp"
#include "myct/state/paths.hpp"

namespace myct::image {

/// Where bytes come from, read once from their beginning to their end, by one thread.
struct ByteSource {
  /// Fills `buffer` from its front and returns how many bytes that were; 0 is the end. Throws Error.
  std::function<size_t(std::span<uint8_t> buffer)> read;
  /// What read() may wait for. It is polled beforehand, so that who needs no more bytes need not wait for them.
  std::optional<FdRef> descriptor = std::nullopt;
};

/// An open file, pipe or socket, from its current position; it must outlive the source.
[[nodiscard]] ByteSource bytes_of(FdRef fd);

/// A file of an ingest's own, for bytes that come before it is known what they are. It goes with the ingest, and need
/// not be open.
struct SpoolFile {
  std::string name;
  Fd fd;
};

struct LayerRequest {
  /// media_type, digest and size; an empty digest: not known beforehand, and then neither is the rest.
  oci::Descriptor blob;
  std::string diff_id;  ///< empty: not known beforehand
  /// Of imports: the directory in the archive that becomes the root, if one wraps everything; "": recognised by
  /// itself. nullopt, for layers of images: the archive is taken as it is.
  std::optional<std::string> wrapping_directory = std::nullopt;
};

struct LayerResult {
  oci::Descriptor blob;  ///< as it is kept, for the manifest
  std::string diff_id;
  bool already_there = false;  ///< nothing was read from the source
};

/// An image's documents, which are kept byte for byte.
struct ImageDocuments {
  std::string manifest;             ///< OCI's, or Docker's schema 2
  std::string manifest_media_type;  ///< empty: as the manifest says, or else OCI's
  std::string config;
  std::vector<std::string> names;  ///< parse_reference() has taken them; they move to this image. None: by id only
  std::string index_digest = {};   ///< of the index of several platforms that named the manifest, if one did
};

class Ingest {
 public:
  /// Clears away what dead processes have left. Throws Error.
  explicit Ingest(const state::Paths& paths);
  ~Ingest();
  Ingest(const Ingest&) = delete;
  Ingest& operator=(const Ingest&) = delete;

  /// Whether the layer is unpacked, or the blob is kept, already; if so, it stays. Any thread. Throws Error{Invalid}
  /// for what is no sha256 digest.
  [[nodiscard]] bool has_layer(const std::string& diff_id);
  [[nodiscard]] bool has_blob(const std::string& digest);

  /// Keeps the layer's blob and unpacks it, whichever is missing; `source` is read by a thread of its own, and is left
  /// alone when neither is, or when the blob is there to be unpacked. While another process puts the same layer, this
  /// waits for it before it touches the source: sources of several layers must not wait for each other. `progress` gets
  /// the bytes read so far, in the calling thread, about each quarter of a megabyte. May be called by several threads
  /// at once. Throws Error: what the source threw; Error{Invalid} when a digest or the size is another, or the
  /// archive is bad. A source that blocks without a descriptor is waited for, even when the
  /// unpacking has failed.
  LayerResult put_layer(const LayerRequest& layer, const ByteSource& source,
                        const std::function<void(uint64_t bytes_read)>& progress = {});

  /// The same from a file that was filled before; it becomes the kept blob without being copied.
  LayerResult put_layer(const LayerRequest& layer, SpoolFile file,
                        const std::function<void(uint64_t bytes_read)>& progress = {});
  /// A new empty file, open for reading and writing. Any thread.
  [[nodiscard]] SpoolFile spool();
  /// Opens one again that was closed, at its beginning: an archive may have more files than a process may open.
  void reopen(SpoolFile& file);

  /// Makes the image visible. Every layer must have been put, or been there. Returns the image's id. Several images may
  /// be committed one after another. Throws Error{Invalid} for documents that do not fit each other or the layers.
  std::string commit(const ImageDocuments& image);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Verifies and reads the size bounds of documents (oci::kLargestManifest, kLargestConfig, kMostLayers). Throws
/// Error{Invalid}.
struct CheckedImage {
  oci::Manifest manifest;
  oci::Image image;
};
[[nodiscard]] CheckedImage check_documents(std::string_view manifest, std::string_view config);

}  // namespace myct::image
