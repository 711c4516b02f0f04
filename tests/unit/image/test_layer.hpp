// Layers and images as a registry would have them, made in memory.
#pragma once

#include <string>
#include <vector>

#include "myct/image/ingest.hpp"
#include "tar_builder.hpp"

namespace myct::image::test {

struct TestLayer {
  explicit TestLayer(const TarBuilder& archive);
  [[nodiscard]] LayerRequest request() const;

  std::string tar;
  std::string blob;  ///< the same, compressed
};

/// `bytes` must outlive it.
[[nodiscard]] ByteSource source_of(const std::string& bytes);
[[nodiscard]] ImageDocuments documents_of(const std::vector<TestLayer>& layers, std::vector<std::string> names);
/// Returns the image's id.
std::string put_image(Ingest& ingest, const std::vector<TestLayer>& layers, const std::string& name);

}  // namespace myct::image::test
