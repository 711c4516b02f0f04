#include "myct/image/inspect.hpp"

#include <algorithm>
#include <set>

#include "cover.hpp"
#include "layer.hpp"
#include "layout.hpp"
#include "lookup.hpp"
#include "myct/base/error.hpp"
#include "myct/base/log.hpp"
#include "myct/image/reference.hpp"

namespace myct::image {
namespace {

uint64_t size_of(const state::Paths& paths, const oci::Image& image) {
  uint64_t size = 0;
  for (const std::string& diff_id : image.diff_ids)
    if (const std::optional<LayerRecord> layer = try_load_layer(paths, diff_id)) size += layer->size;
  return size;
}

void add_names(const oci::Descriptor& entry, ImageDetails& details) {
  const std::string name = name_of(entry);
  if (name.empty()) return;
  const Reference reference = parse_reference(name);
  if (reference.digest.empty()) details.references.push_back(name);
  for (const std::string& digest : {reference.digest, index_digest_of(entry), entry.digest}) {
    std::string text = reference.repository + "@" + digest;
    if (!digest.empty() && std::ranges::find(details.digests, text) == details.digests.end())
      details.digests.push_back(std::move(text));
  }
}

/// Every file of an image that takes room, and how much.
std::map<std::string, uint64_t> parts_of(const state::Paths& paths, const oci::Descriptor& entry) {
  std::map<std::string, uint64_t> parts;
  const oci::Manifest manifest = load_manifest(paths, entry);
  parts["blob " + entry.digest] = entry.size;
  parts["blob " + manifest.config.digest] = manifest.config.size;
  for (const oci::Descriptor& layer : manifest.layers)
    if (path_exists(blob_path(paths, layer.digest))) parts["blob " + layer.digest] = layer.size;
  for (const std::string& diff_id : load_image(paths, manifest.config.digest).diff_ids)
    if (const std::optional<LayerRecord> layer = try_load_layer(paths, diff_id)) parts[diff_id] = layer->size;
  return parts;
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
    if (id_of(paths, manifest) == details.id) add_names(manifest, details);
  details.image = load_image(paths, details.id);
  details.cover = find_cover(paths, details.image.diff_ids);
  const std::vector<oci::Descriptor> blobs = load_manifest(paths, *found->manifest).layers;
  for (size_t i = 0; i < details.image.diff_ids.size(); ++i) {
    const std::string& diff_id = details.image.diff_ids[i];
    const std::optional<LayerRecord> record = try_load_layer(paths, diff_id);
    details.layers.push_back({.diff_id = diff_id,
                              .directory = layer_fs(paths, diff_id),
                              .size = record ? record->size : 0,
                              .blob = i < blobs.size() ? blobs[i] : oci::Descriptor{}});
    details.size += details.layers.back().size;
  }
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

StoreUsage measure_store(const state::Paths& paths) {
  std::map<std::string, std::map<std::string, uint64_t>> images;
  for (const oci::Descriptor& entry : load_index(paths).manifests) {
    try {
      images[id_of(paths, entry)].merge(parts_of(paths, entry));
    } catch (const Error& error) {
      log::warning("image '{}' is left out: {}", name_of(entry), error.what());
    }
  }
  std::map<std::string, size_t> users;
  for (const auto& [id, parts] : images)
    for (const auto& [part, size] : parts) ++users[part];
  StoreUsage usage;
  std::set<std::string> counted;
  for (const auto& [id, parts] : images) {
    StoreUsage::Image& image = usage.images[id];
    for (const auto& [part, size] : parts) {
      (users[part] > 1 ? image.shared : image.unique) += size;
      if (counted.insert(part).second) usage.bytes += size;
    }
  }
  return usage;
}

}  // namespace myct::image
