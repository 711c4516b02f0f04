// What the store has: finding an image for a container, and listing all of them.
//
// resolve() is on the way of every `myct run`: it reads three small files and looks whether the layers are there.
#include "myct/image/store.hpp"

#include <unistd.h>

#include <algorithm>

#include "cover.hpp"
#include "index_names.hpp"
#include "layer.hpp"
#include "layout.hpp"
#include "lookup.hpp"
#include "myct/base/error.hpp"
#include "myct/base/log.hpp"
#include "myct/image/reference.hpp"
#include "recipe.hpp"

namespace myct::image {
namespace {

/// nullopt when a layer is missing: somebody removed it by hand.
std::optional<Rootfs> try_open_image(const state::Paths& paths, const oci::Descriptor& manifest) {
  Rootfs rootfs{.id = id_of(paths, manifest), .reference = name_of(manifest), .lowerdirs = {}, .config = {}};
  oci::Image image = load_image(paths, rootfs.id);
  if (std::optional<std::string> cover = find_cover(paths, image.diff_ids))
    rootfs.lowerdirs.push_back(std::move(*cover));
  for (auto diff_id = image.diff_ids.rbegin(); diff_id != image.diff_ids.rend(); ++diff_id) {
    std::string fs = layer_fs(paths, *diff_id);
    if (!path_exists(fs)) return std::nullopt;
    rootfs.lowerdirs.push_back(std::move(fs));
  }
  rootfs.config = std::move(image.config);
  return rootfs;
}

/// A tarball stands for "latest" only: `ubuntu:22.04` must not become whatever ubuntu-base.tar.gz holds.
std::optional<LocalTarball> find_tarball_for(const ResolveRequest& request) {
  try {
    const Reference reference = parse_reference(request.image);
    if (reference.tag != "latest") return std::nullopt;
    return find_tarball(request.search_path, reference.repository);
  } catch (const Error&) {
    return std::nullopt;  // no name at all; perhaps an id
  }
}

void import_local(const state::Paths& paths, const ResolveRequest& request, const LocalTarball& tarball) {
  ImportRequest import{.source = tarball.path, .reference = request.image, .config = {}, .progress = request.progress};
  if (!tarball.recipe.empty()) {
    Recipe recipe = load_recipe(tarball.recipe);
    import.config = std::move(recipe.config);
    import.wrapping_directory = std::move(recipe.wrapping_directory);
  }
  (void)import_tarball(paths, import);
}

ImageSummary summarise(const state::Paths& paths, const oci::Descriptor& manifest) {
  ImageSummary summary{.repository = {}, .tag = {}, .id = id_of(paths, manifest), .created = {}};
  summary.digest = index_digest_of(manifest).empty() ? manifest.digest : index_digest_of(manifest);
  if (const std::string name = name_of(manifest); !name.empty()) {
    const Reference reference = parse_reference(name);
    summary.repository = reference.repository;
    summary.tag = reference.tag;
  }
  oci::Image image = load_image(paths, summary.id);
  summary.labels = std::move(image.config.labels);
  summary.created = parse_time(image.created).value_or(SystemTime{});
  for (const std::string& diff_id : image.diff_ids)
    if (const std::optional<LayerRecord> layer = try_load_layer(paths, diff_id)) summary.size += layer->size;
  return summary;
}

}  // namespace

Rootfs resolve(const state::Paths& paths, const ResolveRequest& request) {
  if (const std::optional<std::string> name = try_normalise(request.image))
    if (const std::optional<oci::Descriptor> manifest = try_load_named(paths, *name))
      if (std::optional<Rootfs> rootfs = try_open_image(paths, *manifest)) return std::move(*rootfs);
  const oci::Index index = load_index(paths);
  std::optional<Found> found = find_by_name(index, request.image);
  const std::optional<LocalTarball> tarball = found ? std::nullopt : find_tarball_for(request);
  if (!found && !tarball) found = find_by_id(paths, index, request.image);
  if (found) {
    if (std::optional<Rootfs> rootfs = try_open_image(paths, *found->manifest)) return std::move(*rootfs);
  } else if (!tarball) {
    throw_no_image(index, tarball_names(request.search_path), request.image);
  }
  if (const std::optional<LocalTarball> again = tarball ? tarball : find_tarball_for(request)) {
    import_local(paths, request, *again);
    const oci::Index updated = load_index(paths);
    if (const std::optional<Found> imported = find_by_name(updated, request.image))
      if (std::optional<Rootfs> rootfs = try_open_image(paths, *imported->manifest)) return std::move(*rootfs);
  }
  throw Error(ErrorKind::NotFound, fmt::format("image '{}' has lost its layer", request.image), 0, "import it again");
}

std::vector<ImageSummary> list(const state::Paths& paths) {
  std::vector<ImageSummary> images;
  for (const oci::Descriptor& manifest : load_index(paths).manifests) {
    try {
      images.push_back(summarise(paths, manifest));
    } catch (const Error& error) {
      log::warning("image '{}' is left out: {}", name_of(manifest), error.what());
    }
  }
  std::ranges::stable_sort(images, [](const auto& a, const auto& b) { return a.created > b.created; });
  return images;
}

std::string tag(const state::Paths& paths, const std::string& source, const std::string& target) {
  if (!parse_reference(target).digest.empty())
    throw_error(ErrorKind::Invalid, "image name '{}': a digest cannot be given, it is what an image has", target);
  const FileLock lock = lock_index(paths);
  oci::Index index = load_index(paths);
  std::optional<Found> found = find_by_name(index, source);
  if (!found) found = find_by_id(paths, index, source);
  if (!found) throw_no_image(index, {}, source);
  oci::Descriptor entry = *found->manifest;
  std::string id = id_of(paths, entry);
  entry.annotations.erase(std::string(oci::kAnnotationRefName));
  set_names(paths, index, entry, {target});
  save_index(paths, index);
  return id;
}

}  // namespace myct::image
