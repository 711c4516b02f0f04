#include "myct/image/inspect.hpp"

#include "layer.hpp"
#include "layout.hpp"
#include "lookup.hpp"
#include "myct/base/error.hpp"

namespace myct::image {
namespace {

uint64_t size_of(const state::Paths& paths, const oci::Image& image) {
  uint64_t size = 0;
  for (const std::string& diff_id : image.diff_ids)
    if (const std::optional<LayerRecord> layer = try_load_layer(paths, diff_id)) size += layer->size;
  return size;
}

}  // namespace

std::optional<ImageDetails> try_inspect(const state::Paths& paths, const std::string& image) {
  const oci::Index index = load_index(paths);
  std::optional<Found> found = find_by_name(index, image);
  if (!found) found = find_by_id(paths, index, image);
  if (!found) return std::nullopt;
  ImageDetails details;
  details.id = id_of(paths, *found->manifest);
  for (const oci::Descriptor& manifest : index.manifests)
    if (id_of(paths, manifest) == details.id && !name_of(manifest).empty())
      details.references.push_back(name_of(manifest));
  details.image = load_image(paths, details.id);
  details.size = size_of(paths, details.image);
  return details;
}

uint64_t unpacked_size(const state::Paths& paths, const std::string& id) {
  try {
    return size_of(paths, load_image(paths, id));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::NotFound) throw;
    return 0;
  }
}

}  // namespace myct::image
