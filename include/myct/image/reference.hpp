// Image names, pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace myct::image {

/// "repository[:tag][@digest]" taken apart. Without a tag the tag is "latest".
struct Reference {
  std::string repository;
  std::string tag = "latest";

  [[nodiscard]] std::string text() const { return repository + ":" + tag; }
  bool operator==(const Reference&) const = default;
};

/// Throws Error{Invalid} that names the text and the rule it breaks (distribution-spec: lower-case path components
/// joined by "/", separators . _ __ -; tags of at most 128 word characters, dots and dashes).
[[nodiscard]] Reference parse_reference(std::string_view text);

/// Those of `candidates` that a person may have meant (edit distance at most 2, or one inside the other), nearest
/// first, three at most.
[[nodiscard]] std::vector<std::string> near_names(std::string_view text, const std::vector<std::string>& candidates);

}  // namespace myct::image
