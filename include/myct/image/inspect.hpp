// All that the store knows about one image.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "myct/spec/image_spec.hpp"
#include "myct/state/paths.hpp"

namespace myct::image {

struct ImageLayer {
  std::string diff_id;
  std::string directory;  ///< where it lies unpacked
  uint64_t size = 0;      ///< bytes of its files
  oci::Descriptor blob;
};

struct ImageDetails {
  std::string id;                       ///< "sha256:…"
  std::vector<std::string> references;  ///< "alpine:latest"; all that it has
  std::vector<std::string> digests;     ///< "alpine@sha256:…": its manifest's, and that of the index it came from
  oci::Image image;
  std::vector<ImageLayer> layers;    ///< lowest first
  std::optional<std::string> cover;  ///< a directory of directories above all layers: what these do not say of theirs
  uint64_t size = 0;                 ///< bytes of the unpacked layers
};

/// By name, id, or a beginning of the id that no other image has. nullopt when there is none; throws Error when the
/// beginning is ambiguous, or the image cannot be read. Imports nothing.
[[nodiscard]] std::optional<ImageDetails> try_inspect(const state::Paths& paths, const std::string& image);

/// Bytes of the unpacked layers of the image with this id; 0 when it is gone.
[[nodiscard]] uint64_t unpacked_size(const state::Paths& paths, const std::string& id);

/// What images take on the disk.
struct StoreUsage {
  struct Image {
    uint64_t shared = 0;  ///< bytes that other images have, too
    uint64_t unique = 0;
  };
  std::map<std::string, Image> images;  ///< by id
  uint64_t bytes = 0;                   ///< in all, what is shared counted once
};
[[nodiscard]] StoreUsage measure_store(const state::Paths& paths);

}  // namespace myct::image
