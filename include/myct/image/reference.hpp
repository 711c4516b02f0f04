// Image names, pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace myct::image {

/// "repository[:tag][@digest]" taken apart, in the form that the store keeps: "docker.io/library/alpine" and
/// "index.docker.io/library/alpine" are "alpine". Without a tag the tag is "latest"; with a digest there is none.
struct Reference {
  std::string repository;
  std::string tag = "latest";
  std::string digest = {};  ///< "sha256:<64 hex>", or empty

  [[nodiscard]] std::string text() const { return digest.empty() ? repository + ":" + tag : repository + "@" + digest; }
  bool operator==(const Reference&) const = default;
};

/// Throws Error{Invalid} that names the text and the rule it breaks (distribution-spec: lower-case path components
/// joined by "/", separators . _ __ -; tags of at most 128 word characters, dots and dashes). A tag beside a digest is
/// checked, and left out.
[[nodiscard]] Reference parse_reference(std::string_view text);

/// Where a registry has the repository: host "docker.io" and path "library/alpine" for "alpine".
struct RemoteRepository {
  std::string host;  ///< "docker.io", "quay.io", "localhost:5000"
  std::string path;
};
[[nodiscard]] RemoteRepository remote_of(const Reference& reference);

/// Those of `candidates` that a person may have meant (edit distance at most 2, or one inside the other), nearest
/// first, three at most.
[[nodiscard]] std::vector<std::string> near_names(std::string_view text, const std::vector<std::string>& candidates);

}  // namespace myct::image
