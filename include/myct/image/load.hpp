// Images from archives of docker save, podman save and skopeo, and from OCI image layouts.
#pragma once

#include <string>
#include <vector>

#include "myct/image/store.hpp"
#include "myct/state/paths.hpp"

namespace myct::image {

struct LoadedImage {
  std::string id;
  std::vector<std::string> names;  ///< normalised; none: the archive has no name for it
};

struct LoadRequest {
  std::string source;  ///< an archive, plain or compressed; the directory of an OCI image layout; "-": standard input
  Progress progress;   ///< of reading the archive; may be empty
};

/// Loads every image that the source has, each whole or not at all; layers that are there already are not unpacked
/// again. Of an index of several platforms, the machine's own is taken. Throws Error naming the source.
std::vector<LoadedImage> load(const state::Paths& paths, const LoadRequest& request);

}  // namespace myct::image
