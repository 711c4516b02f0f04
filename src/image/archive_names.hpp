// Names in archives of images.
#pragma once

#include <string_view>

namespace myct::image {

inline constexpr std::string_view kIndexFile = "index.json";
inline constexpr std::string_view kLayoutFile = "oci-layout";
inline constexpr std::string_view kLayoutDocument = R"({"imageLayoutVersion":"1.0.0"})";
inline constexpr std::string_view kDockerManifest = "manifest.json";
inline constexpr std::string_view kDockerRepositories = "repositories";
/// containerd's, buildkit's and docker's annotation for the whole name; the specification's own then has the tag.
inline constexpr std::string_view kContainerdName = "io.containerd.image.name";

}  // namespace myct::image
