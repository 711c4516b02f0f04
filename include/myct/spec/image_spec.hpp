// The OCI image specification's documents that the store keeps: configuration, manifest and index
// (config.md, manifest.md, image-index.md). Members carry the specification's names.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace myct::oci {

inline constexpr std::string_view kMediaTypeManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kMediaTypeConfig = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view kMediaTypeIndex = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view kMediaTypeLayer = "application/vnd.oci.image.layer.v1.tar";  // + "+gzip", "+zstd"
/// index.json's annotation that carries a name, e.g. "docker.io/library/alpine:latest".
inline constexpr std::string_view kAnnotationRefName = "org.opencontainers.image.ref.name";

struct Descriptor {
  std::string media_type;
  std::string digest;  ///< "sha256:<64 hex>"
  uint64_t size = 0;
  std::map<std::string, std::string> annotations;
};

/// The part of an image's configuration that a container starts from ("config" in config.md).
struct ImageConfig {
  std::string user;
  std::vector<std::string> env;
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::string working_dir;
  std::vector<std::string> exposed_ports;  ///< "80/tcp"
  std::vector<std::string> volumes;
  std::map<std::string, std::string> labels;
  std::string stop_signal;
};

struct Image {
  std::string created;  ///< RFC 3339
  std::string architecture;
  std::string os = "linux";
  ImageConfig config;
  std::vector<std::string> diff_ids;  ///< digests of the uncompressed layers, lowest first
};

struct Manifest {
  Descriptor config;
  std::vector<Descriptor> layers;  ///< lowest first
  std::map<std::string, std::string> annotations;
};

struct Index {
  std::vector<Descriptor> manifests;
};

[[nodiscard]] std::string to_json(const Image& image);
[[nodiscard]] std::string to_json(const Manifest& manifest);
[[nodiscard]] std::string to_json(const Index& index);
/// Throw Error{Invalid}; `name` is the document's name for the message.
[[nodiscard]] Image image_from_json(std::string_view text, std::string_view name);
[[nodiscard]] Manifest manifest_from_json(std::string_view text, std::string_view name);
[[nodiscard]] Index index_from_json(std::string_view text, std::string_view name);

}  // namespace myct::oci
