#include "layout.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "archive_names.hpp"
#include "digest.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "staging.hpp"

namespace myct::image {
namespace {

std::string index_path(const state::Paths& paths) { return paths.images() + "/index.json"; }
std::string blobs_path(const state::Paths& paths) { return paths.images() + "/blobs/sha256"; }

std::string annotation(const oci::Descriptor& descriptor, std::string_view key) {
  const auto found = descriptor.annotations.find(std::string(key));
  return found == descriptor.annotations.end() ? std::string() : found->second;
}

/// One entry a line, so that try_load_named need not parse them all.
std::string index_document(const oci::Index& index) {
  std::string entries;
  for (const oci::Descriptor& entry : index.manifests) {
    const std::string alone = oci::to_json(oci::Index{.manifests = {entry}});
    const size_t begin = alone.find('[') + 1;
    entries += (entries.empty() ? "\n" : ",\n") + alone.substr(begin, alone.rfind(']') - begin);
  }
  return fmt::format(R"({{"schemaVersion":2,"mediaType":"{}","manifests":[{}{}]}}{})", oci::kMediaTypeIndex, entries,
                     entries.empty() ? "" : "\n", "\n");
}

}  // namespace

void create_layout(const state::Paths& paths) {
  paths.make_roots();
  make_directories(blobs_path(paths));
  make_directories(paths.locks());
  // Nobody but root may pass: the layers hold setuid programs of other systems.
  if (::mkdir(paths.layers().c_str(), 0700) == -1 && errno != EEXIST)
    throw_errno("make directory '{}'", paths.layers());
  const std::string images = paths.images();
  if (!path_exists(images + "/oci-layout"))
    save_atomically(open_path(images, O_RDONLY | O_DIRECTORY).ref(), "oci-layout", kLayoutDocument,
                    Durability::SurvivesProcessDeath);
}

FileLock lock_index(const state::Paths& paths) {
  make_directories(paths.locks());
  return FileLock::acquire(paths.locks() + "/images.lock");
}

oci::Index load_index(const state::Paths& paths) {
  const std::string path = index_path(paths);
  const std::optional<std::string> text = try_read_file(path);
  return text ? oci::index_from_json(*text, path) : oci::Index{};
}

void save_index(const state::Paths& paths, const oci::Index& index) {
  const Fd directory = open_path(paths.images(), O_RDONLY | O_DIRECTORY);
  save_atomically(directory.ref(), "index.json", index_document(index), Durability::SurvivesPowerLoss);
}

std::optional<oci::Descriptor> try_load_named(const state::Paths& paths, const std::string& name) {
  const std::optional<std::string> text = try_read_file(index_path(paths));
  if (!text) return std::nullopt;
  const size_t found = text->find(fmt::format(R"("{}":"{}")", oci::kAnnotationRefName, name));
  if (found == std::string::npos) return std::nullopt;
  const size_t begin = text->rfind('\n', found) + 1;
  std::string_view line =
      std::string_view(*text).substr(begin, std::min(text->find('\n', found), text->size()) - begin);
  if (line.ends_with(',')) line.remove_suffix(1);
  try {
    const oci::Index index = oci::index_from_json(fmt::format(R"({{"manifests":[{}]}})", line), index_path(paths));
    if (index.manifests.size() == 1 && name_of(index.manifests.front()) == name) return index.manifests.front();
  } catch (const Error&) {
    // Not written by save_index: the caller reads the whole.
  }
  return std::nullopt;
}

void sync_store(const state::Paths& paths) {
  struct stat images {};
  struct stat layers {};
  const Fd images_fd = open_path(paths.images(), O_RDONLY | O_DIRECTORY);
  const Fd layers_fd = open_path(paths.layers(), O_RDONLY | O_DIRECTORY);
  if (::syncfs(layers_fd.get()) == -1) throw_errno("sync '{}'", paths.layers());
  const bool same = ::fstat(images_fd.get(), &images) == 0 && ::fstat(layers_fd.get(), &layers) == 0 &&
                    images.st_dev == layers.st_dev;
  if (!same && ::syncfs(images_fd.get()) == -1) throw_errno("sync '{}'", paths.images());
}

std::string name_of(const oci::Descriptor& manifest) { return annotation(manifest, oci::kAnnotationRefName); }

std::string index_digest_of(const oci::Descriptor& manifest) { return annotation(manifest, kAnnotationIndexDigest); }

std::string id_of(const state::Paths& paths, const oci::Descriptor& manifest) {
  const auto found = manifest.annotations.find(std::string(kAnnotationImageId));
  return found != manifest.annotations.end() ? found->second : load_manifest(paths, manifest).config.digest;
}

oci::Descriptor save_blob(const state::Paths& paths, std::string_view media_type, std::string_view document) {
  oci::Descriptor descriptor{
      .media_type = std::string(media_type), .digest = digest_of(document), .size = document.size()};
  const std::string name = hex_of(descriptor.digest);
  const Fd directory = open_path(blobs_path(paths), O_RDONLY | O_DIRECTORY);
  if (::faccessat(directory.get(), name.c_str(), F_OK, 0) == -1)
    save_atomically(directory.ref(), name, document, Durability::SurvivesProcessDeath);
  return descriptor;
}

std::string load_blob(const state::Paths& paths, std::string_view digest) {
  return read_file(blob_path(paths, digest));
}

oci::Manifest load_manifest(const state::Paths& paths, const oci::Descriptor& manifest) {
  return oci::manifest_from_json(load_blob(paths, manifest.digest), manifest.digest);
}

oci::Image load_image(const state::Paths& paths, std::string_view id) {
  return oci::image_from_json(load_blob(paths, id), id);
}

std::string layer_directory(const state::Paths& paths, std::string_view diff_id) {
  return paths.layers() + "/" + hex_of(diff_id);
}

std::string layer_fs(const state::Paths& paths, std::string_view diff_id) {
  return layer_directory(paths, diff_id) + "/fs";
}

std::string blob_path(const state::Paths& paths, std::string_view digest) {
  return blobs_path(paths) + "/" + hex_of(digest);
}

}  // namespace myct::image
