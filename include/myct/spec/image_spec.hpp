// The OCI image specification's documents that the store keeps: configuration, manifest and index
// (config.md, manifest.md, image-index.md). Members carry the specification's names.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "myct/spec/healthcheck.hpp"

namespace myct::oci {

inline constexpr std::string_view kMediaTypeManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kMediaTypeConfig = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view kMediaTypeIndex = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view kMediaTypeLayer = "application/vnd.oci.image.layer.v1.tar";  // + "+gzip", "+zstd"
// Docker's image manifest version 2, schema 2, from which the above are made: the same documents by other names.
inline constexpr std::string_view kDockerTypeManifest = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view kDockerTypeList = "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view kDockerTypeConfig = "application/vnd.docker.container.image.v1+json";
inline constexpr std::string_view kDockerTypeLayerGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";
/// index.json's annotation that carries a name, e.g. "docker.io/library/alpine:latest".
inline constexpr std::string_view kAnnotationRefName = "org.opencontainers.image.ref.name";

/// The most that documents of others may have: registries refuse larger manifests, and a configuration holds a line for
/// each of at most 500 layers.
inline constexpr uint64_t kLargestManifest = 4ULL << 20;
inline constexpr uint64_t kLargestConfig = 8ULL << 20;
/// overlayfs mounts no more (OVL_MAX_STACK).
inline constexpr size_t kMostLayers = 500;

/// What a manifest in an index is for.
struct Platform {
  std::string architecture;  ///< Go's name: "amd64", "arm64"
  std::string os;
  std::string variant;  ///< "v8"
  std::string os_version;
  bool operator==(const Platform&) const = default;
};

struct Descriptor {
  std::string media_type;
  std::string digest;  ///< "sha256:<64 hex>"
  uint64_t size = 0;
  std::map<std::string, std::string> annotations;
  std::optional<Platform> platform = std::nullopt;  ///< of an index's entries
  std::string artifact_type = {};                   ///< of an index's entries: not empty for what is no image
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
  std::vector<std::string> on_build = {};  ///< instructions for a build from this image
  std::vector<std::string> shell = {};     ///< what a build's shell forms are run by; empty: /bin/sh -c
  std::optional<Healthcheck> healthcheck = std::nullopt;
};

/// How a layer came to be, or what was done that made none.
struct History {
  std::string created;  ///< RFC 3339
  std::string created_by;
  std::string author;
  std::string comment;
  bool empty_layer = false;
};

struct Image {
  std::string created;  ///< RFC 3339
  std::string architecture;
  std::string os = "linux";
  ImageConfig config;
  std::vector<std::string> diff_ids;  ///< digests of the uncompressed layers, lowest first
  std::string author = {};
  std::string variant = {};
  std::string os_version = {};
  std::vector<History> history = {};  ///< oldest first
};

struct Manifest {
  Descriptor config;
  std::vector<Descriptor> layers;  ///< lowest first
  std::map<std::string, std::string> annotations;
  std::string media_type = {};  ///< as the document says; empty: it does not, or it is to be written as OCI's
};

struct Index {
  std::vector<Descriptor> manifests;
  std::string media_type = {};  ///< as the document says
};

/// Whether a media type is that of an image's manifest, or of an index of several; OCI's names and Docker's.
[[nodiscard]] bool is_manifest_type(std::string_view media_type) noexcept;
[[nodiscard]] bool is_index_type(std::string_view media_type) noexcept;

[[nodiscard]] std::string to_json(const Image& image);
[[nodiscard]] std::string to_json(const Manifest& manifest);
[[nodiscard]] std::string to_json(const Index& index);
/// Throw Error{Invalid}; `name` is the document's name for the message.
[[nodiscard]] Image image_from_json(std::string_view text, std::string_view name);
[[nodiscard]] Manifest manifest_from_json(std::string_view text, std::string_view name);
[[nodiscard]] Index index_from_json(std::string_view text, std::string_view name);

}  // namespace myct::oci
