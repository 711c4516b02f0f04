// Which of an image's variants is for which machine (image-index.md), pure but for host_platform().
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "myct/spec/image_spec.hpp"

namespace myct::registry {

/// In Go's words, normalised: "amd64", never "x86_64"; arm64 has no variant "v8".
struct Platform {
  std::string os = "linux";
  std::string architecture;
  std::string variant;

  /// "linux/arm/v7"
  [[nodiscard]] std::string text() const;
  bool operator==(const Platform&) const = default;
};

/// "linux/amd64", "linux/arm/v7", "arm64", "x86_64". Throws Error{Invalid}.
[[nodiscard]] Platform parse_platform(std::string_view text);
/// What this machine runs.
[[nodiscard]] Platform host_platform();
/// The names that others use, replaced by Go's.
[[nodiscard]] Platform normalize(Platform platform);

struct PlatformManifest {
  oci::Descriptor descriptor;
  Platform platform;  ///< empty words where the index does not say
};

/// The manifest for `wanted` in an OCI index or a Docker manifest list. A processor runs the variants below its own,
/// too: arm v7 takes v7, v6, v5. Throws Error{NotFound} that lists what there is; `name` is the image's.
[[nodiscard]] oci::Descriptor choose_platform(const std::vector<PlatformManifest>& manifests, const Platform& wanted,
                                              std::string_view name);

}  // namespace myct::registry
