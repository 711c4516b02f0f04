// Images as archives that docker load, podman load and skopeo take.
#pragma once

#include <string>
#include <vector>

#include "myct/base/fd.hpp"
#include "myct/spec/image_spec.hpp"
#include "myct/state/paths.hpp"

namespace myct::image {

/// Docker: docker's manifest.json and an OCI image layout in one archive, as docker save has made them since 25.
/// Oci: the image layout alone.
enum class ArchiveFormat : uint8_t { Docker, Oci };

struct SaveRequest {
  std::vector<std::string> images;  ///< names or ids; by a name, the archive has that name, by an id, none
  ArchiveFormat format = ArchiveFormat::Docker;
};

/// Writes the images into one tar archive; what they share is in it once, and everything as it came into the store. The
/// same images give the same bytes. Throws Error{NotFound} before anything is written, or Error naming the image whose
/// layer was imported by a version that did not keep it.
void save(const state::Paths& paths, const SaveRequest& request, FdRef out);

/// What a registry is given of an image.
struct KeptImage {
  oci::Descriptor descriptor;  ///< of the manifest
  std::string document;        ///< the manifest, byte for byte
  oci::Manifest manifest;
};
/// By name or id. Throws Error{NotFound}.
[[nodiscard]] KeptImage load_kept(const state::Paths& paths, const std::string& image);
/// A layer's blob or a configuration as it came, for reading. Throws Error{NotFound} that names `image` where it was
/// not kept.
[[nodiscard]] Fd open_kept_blob(const state::Paths& paths, const std::string& digest, const std::string& image);

}  // namespace myct::image
