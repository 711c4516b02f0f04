#include "test_layer.hpp"

#include <algorithm>
#include <cstring>

#include "digest.hpp"

namespace myct::image::test {

TestLayer::TestLayer(const TarBuilder& archive) : tar(archive.finish()), blob(gzip(tar)) {}

LayerRequest TestLayer::request() const {
  return {.blob = {.media_type = std::string(oci::kDockerTypeLayerGzip),
                   .digest = digest_of(blob),
                   .size = blob.size(),
                   .annotations = {}},
          .diff_id = digest_of(tar)};
}

ByteSource source_of(const std::string& bytes) {
  return {.read = [&bytes, position = size_t{0}](std::span<uint8_t> buffer) mutable {
    const size_t count = std::min(buffer.size(), bytes.size() - position);
    std::memcpy(buffer.data(), bytes.data() + position, count);
    position += count;
    return count;
  }};
}

ImageDocuments documents_of(const std::vector<TestLayer>& layers, std::vector<std::string> names) {
  oci::Image image{.created = "2024-01-02T03:04:05Z", .architecture = "amd64", .config = {}, .diff_ids = {}};
  oci::Manifest manifest{.config = {}, .layers = {}, .annotations = {}};
  for (const TestLayer& layer : layers) {
    image.diff_ids.push_back(layer.request().diff_id);
    manifest.layers.push_back(layer.request().blob);
  }
  // A blank that no serialiser would put there: the documents must stay as they came.
  const std::string config = " " + oci::to_json(image);
  manifest.config = {.media_type = std::string(oci::kDockerTypeConfig),
                     .digest = digest_of(config),
                     .size = config.size(),
                     .annotations = {}};
  manifest.media_type = oci::kDockerTypeManifest;
  return {.manifest = oci::to_json(manifest) + "\n",
          .manifest_media_type = {},
          .config = config,
          .names = std::move(names)};
}

std::string put_image(Ingest& ingest, const std::vector<TestLayer>& layers, const std::string& name) {
  for (const TestLayer& layer : layers) (void)ingest.put_layer(layer.request(), source_of(layer.blob));
  return ingest.commit(documents_of(layers, {name}));
}

}  // namespace myct::image::test
