#include "index_names.hpp"

#include <algorithm>

#include "layout.hpp"
#include "myct/image/reference.hpp"

namespace myct::image {
namespace {

/// Takes `name` from whatever has it.
void free_name(const state::Paths& paths, oci::Index& index, const std::string& name) {
  const auto found =
      std::ranges::find_if(index.manifests, [&](const oci::Descriptor& entry) { return name_of(entry) == name; });
  if (found == index.manifests.end()) return;
  const std::string id = id_of(paths, *found);
  const bool named_otherwise = std::ranges::any_of(
      index.manifests, [&](const oci::Descriptor& other) { return &other != &*found && id_of(paths, other) == id; });
  if (named_otherwise)
    index.manifests.erase(found);
  else
    found->annotations.erase(std::string(oci::kAnnotationRefName));
}

bool has_entry(const state::Paths& paths, const oci::Index& index, const std::string& id) {
  return std::ranges::any_of(index.manifests, [&](const oci::Descriptor& entry) { return id_of(paths, entry) == id; });
}

}  // namespace

void set_names(const state::Paths& paths, oci::Index& index, const oci::Descriptor& entry,
               const std::vector<std::string>& names) {
  const std::string id = id_of(paths, entry);
  for (const std::string& text : names) {
    const std::string name = parse_reference(text).text();
    free_name(paths, index, name);
    std::erase_if(index.manifests,
                  [&](const oci::Descriptor& other) { return name_of(other).empty() && id_of(paths, other) == id; });
    index.manifests.push_back(entry);
    index.manifests.back().annotations[std::string(oci::kAnnotationRefName)] = name;
  }
  if (names.empty() && !has_entry(paths, index, id)) index.manifests.push_back(entry);
}

}  // namespace myct::image
