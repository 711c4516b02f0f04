// Finding an image in the index by what a user calls it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "layout.hpp"
#include "myct/spec/image_spec.hpp"
#include "myct/state/paths.hpp"

namespace myct::image {

enum class FoundBy : uint8_t { Name, Id };

struct Found {
  const oci::Descriptor* manifest = nullptr;  ///< into the index
  FoundBy by = FoundBy::Name;
};

/// "alpine:latest" for "alpine"; nullopt for what is no name.
[[nodiscard]] std::optional<std::string> try_normalise(std::string_view text);
/// The entry with this name, "latest" being the tag left out; or, by "name@sha256:…", one of that repository whose
/// manifest has the digest, or came from an index that has it. nullopt when there is none, or the text is no name.
[[nodiscard]] std::optional<Found> find_by_name(const oci::Index& index, std::string_view text);
/// The entry whose id is, or alone begins with, `text`: "sha256:…" or at least four hex digits. Throws
/// Error{Conflict} when several images do.
[[nodiscard]] std::optional<Found> find_by_id(const state::Paths& paths, const oci::Index& index,
                                              std::string_view text);

/// Error{NotFound} "no image 'alpin'"; the hint names near ones, and how to get one.
[[noreturn]] void throw_no_image(const oci::Index& index, const std::vector<std::string>& tarballs,
                                 std::string_view text);

}  // namespace myct::image
