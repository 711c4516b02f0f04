// All that the store knows about one image.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "myct/spec/image_spec.hpp"
#include "myct/state/paths.hpp"

namespace myct::image {

struct ImageDetails {
  std::string id;                       ///< "sha256:…"
  std::vector<std::string> references;  ///< "alpine:latest"; all that it has
  oci::Image image;
  uint64_t size = 0;  ///< bytes of the unpacked layers
};

/// By name, id, or a beginning of the id that no other image has. nullopt when there is none; throws Error when the
/// beginning is ambiguous, or the image cannot be read. Imports nothing.
[[nodiscard]] std::optional<ImageDetails> try_inspect(const state::Paths& paths, const std::string& image);

/// Bytes of the unpacked layers of the image with this id; 0 when it is gone.
[[nodiscard]] uint64_t unpacked_size(const state::Paths& paths, const std::string& id);

}  // namespace myct::image
