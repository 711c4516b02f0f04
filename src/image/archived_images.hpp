// What an archive says of the images in it: index.json of an OCI image layout (image-layout.md), manifest.json of
// docker save, or both, as docker has written since 25.
#pragma once

#include <string>
#include <vector>

#include "image_files.hpp"
#include "myct/image/ingest.hpp"

namespace myct::image {

struct ArchivedLayer {
  std::string file;
  LayerRequest request;
};

/// Without a manifest, one is to be made of the layers when they have been put.
struct ArchivedImage {
  ImageDocuments documents;
  std::vector<ArchivedLayer> layers;  ///< lowest first
};

/// Throws Error{Invalid} for documents that are missing, damaged or larger than they may be.
[[nodiscard]] std::vector<ArchivedImage> read_archived_images(ImageFiles& files);

}  // namespace myct::image
