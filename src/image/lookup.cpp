#include "lookup.hpp"

#include <algorithm>

#include "digest.hpp"
#include "myct/base/error.hpp"
#include "myct/image/reference.hpp"

namespace myct::image {
namespace {

/// Docker takes a single digit; three hits in a thousand images are then a matter of luck.
constexpr size_t kShortestIdPrefix = 4;

std::optional<Reference> try_parse(std::string_view text) {
  try {
    return parse_reference(text);
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

std::optional<std::string> try_normalise(std::string_view text) {
  const std::optional<Reference> reference = try_parse(text);
  if (!reference) return std::nullopt;
  return reference->text();
}

std::optional<Found> find_by_name(const oci::Index& index, std::string_view text) {
  const std::optional<Reference> wanted = try_parse(text);
  if (!wanted) return std::nullopt;
  const std::string name = wanted->text();
  for (const oci::Descriptor& manifest : index.manifests)
    if (name_of(manifest) == name) return Found{&manifest, FoundBy::Name};
  if (wanted->digest.empty()) return std::nullopt;
  for (const oci::Descriptor& manifest : index.manifests) {
    if (manifest.digest != wanted->digest && index_digest_of(manifest) != wanted->digest) continue;
    const std::optional<Reference> has = try_parse(name_of(manifest));
    if (has && has->repository == wanted->repository) return Found{&manifest, FoundBy::Name};
  }
  return std::nullopt;
}

std::optional<Found> find_by_id(const state::Paths& paths, const oci::Index& index, std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  if (text.starts_with(kPrefix)) text.remove_prefix(kPrefix.size());
  if (text.size() < kShortestIdPrefix || !is_hex(text)) return std::nullopt;
  std::optional<Found> found;
  std::string found_id;
  for (const oci::Descriptor& manifest : index.manifests) {
    const std::string id = id_of(paths, manifest);
    if (!std::string_view(id).substr(kPrefix.size()).starts_with(text)) continue;
    if (found && id != found_id) throw_error(ErrorKind::Conflict, "several images have ids that begin with '{}'", text);
    // An image with several names is found by the first.
    if (!found) found = Found{&manifest, FoundBy::Id};
    found_id = id;
  }
  return found;
}

void throw_no_image(const oci::Index& index, const std::vector<std::string>& tarballs, std::string_view text) {
  std::vector<std::string> candidates = tarballs;
  for (const oci::Descriptor& manifest : index.manifests) {
    const std::string name = name_of(manifest);
    if (name.empty()) continue;
    // "alpine" stands for "alpine:latest"; other tags are worth naming.
    candidates.push_back(name.ends_with(":latest") ? name.substr(0, name.rfind(':')) : name);
  }
  std::string hint;
  for (const std::string& near : near_names(text, candidates))
    hint += (hint.empty() ? "did you mean '" : "' or '") + near;
  if (!hint.empty()) hint += "'? ";
  hint += fmt::format("get one with 'myct import FILE {}'", text);
  throw Error(ErrorKind::NotFound, fmt::format("no image '{}'", text), 0, std::move(hint));
}

}  // namespace myct::image
