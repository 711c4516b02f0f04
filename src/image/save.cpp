#include "myct/image/save.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>

#include "archive_names.hpp"
#include "digest.hpp"
#include "image_files.hpp"
#include "layout.hpp"
#include "lookup.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/json.hpp"
#include "myct/image/reference.hpp"
#include "tar_writer.hpp"

namespace myct::image {
namespace {

constexpr size_t kBufferSize = 256 << 10;

struct SavedImage {
  oci::Descriptor entry;  ///< without annotations
  std::vector<std::string> names;
  oci::Manifest manifest;
};

/// The whole name, as registries' programs write it: "docker.io/library/alpine:3.20".
std::string whole_name(const Reference& reference) {
  const RemoteRepository remote = remote_of(reference);
  return fmt::format("{}/{}:{}", remote.host, remote.path, reference.tag);
}

class Archive {
 public:
  Archive(const state::Paths& paths, FdRef out)
      : paths_(paths), writer_(out, TarForm::Portable), buffer_(kBufferSize) {}

  void add_document(std::string_view name, std::string_view text) {
    begin(std::string(name), text.size());
    writer_.write({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  }

  /// Once, however many images have it.
  void add_blob(const std::string& digest, const std::string& image) {
    if (!blobs_.insert(digest).second) return;
    const Fd file = open_kept_blob(paths_, digest, image);
    struct stat status {};
    if (::fstat(file.get(), &status) == -1) throw_errno("inspect blob {}", digest);
    begin(blob_file_name(digest), static_cast<uint64_t>(status.st_size));
    copy(file.ref(), digest);
  }

  void add_directory(const std::string& name) {
    writer_.begin({.name = name, .type = MemberType::Directory, .mode = 0755});
  }

  void finish() { writer_.finish(); }

 private:
  // Times and owners are those of nobody, so that the same images give the same archive.
  void begin(const std::string& name, uint64_t size) { writer_.begin({.name = name, .mode = 0644, .size = size}); }

  void copy(FdRef file, const std::string& digest) {
    for (;;) {
      const ssize_t got = ::read(file.get(), buffer_.data(), buffer_.size());
      if (got == 0) return;
      if (got == -1 && errno == EINTR) continue;
      if (got == -1) throw_errno("read blob {}", digest);
      writer_.write({buffer_.data(), static_cast<size_t>(got)});
    }
  }

  const state::Paths& paths_;
  TarWriter writer_;
  std::vector<uint8_t> buffer_;
  std::set<std::string> blobs_;
};

/// Each image once, with the names that it was asked for by.
std::vector<SavedImage> find_images(const state::Paths& paths, const std::vector<std::string>& wanted) {
  const oci::Index index = load_index(paths);
  std::vector<SavedImage> images;
  for (const std::string& text : wanted) {
    std::optional<Found> found = find_by_name(index, text);
    if (!found) found = find_by_id(paths, index, text);
    if (!found) throw_no_image(index, {}, text);
    auto image = std::ranges::find_if(
        images, [&](const SavedImage& other) { return other.entry.digest == found->manifest->digest; });
    if (image == images.end()) {
      image = images.insert(images.end(), {.entry = *found->manifest, .names = {}, .manifest = {}});
      image->entry.annotations.clear();
      image->manifest = load_manifest(paths, *found->manifest);
    }
    const std::string name = name_of(*found->manifest);
    const bool tagged = !name.empty() && parse_reference(name).digest.empty();
    if (found->by == FoundBy::Name && tagged && std::ranges::find(image->names, name) == image->names.end())
      image->names.push_back(name);
  }
  return images;
}

std::string index_document(const std::vector<SavedImage>& images) {
  oci::Index index;
  for (const SavedImage& image : images) {
    if (image.names.empty()) index.manifests.push_back(image.entry);
    for (const std::string& name : image.names) {
      const Reference reference = parse_reference(name);
      oci::Descriptor& entry = index.manifests.emplace_back(image.entry);
      entry.annotations[std::string(kContainerdName)] = whole_name(reference);
      entry.annotations[std::string(oci::kAnnotationRefName)] = reference.tag;
    }
  }
  return oci::to_json(index);
}

std::string docker_manifest(const std::vector<SavedImage>& images) {
  json::Value document = json::Value::array();
  for (const SavedImage& image : images) {
    json::Value layers = json::Value::array();
    for (const oci::Descriptor& layer : image.manifest.layers) layers.push_back(blob_file_name(layer.digest));
    // Without a name docker writes null.
    json::Value names = image.names.empty() ? json::Value() : json::Value(image.names);
    document.push_back({{"Config", blob_file_name(image.manifest.config.digest)},
                        {"RepoTags", std::move(names)},
                        {"Layers", std::move(layers)}});
  }
  return document.dump();
}

/// What docker before 1.10 read; others still look whether it is there.
std::string docker_repositories(const std::vector<SavedImage>& images) {
  json::Value document = json::Value::object();
  for (const SavedImage& image : images)
    for (const std::string& name : image.names) {
      const Reference reference = parse_reference(name);
      document[reference.repository][reference.tag] = hex_of(image.manifest.layers.back().digest);
    }
  return document.dump();
}

}  // namespace

void save(const state::Paths& paths, const SaveRequest& request, FdRef out) {
  const std::vector<SavedImage> images = find_images(paths, request.images);
  Archive archive(paths, out);
  archive.add_directory("blobs/");
  archive.add_directory("blobs/sha256/");
  for (const SavedImage& image : images) {
    const std::string name = image.names.empty() ? short_id(image.manifest.config.digest) : image.names.front();
    for (const oci::Descriptor& layer : image.manifest.layers) archive.add_blob(layer.digest, name);
    archive.add_blob(image.manifest.config.digest, name);
    archive.add_blob(image.entry.digest, name);
  }
  archive.add_document(kIndexFile, index_document(images));
  if (request.format == ArchiveFormat::Docker) {
    archive.add_document(kDockerManifest, docker_manifest(images));
    archive.add_document(kDockerRepositories, docker_repositories(images));
  }
  archive.add_document(kLayoutFile, kLayoutDocument);
  archive.finish();
}

KeptImage load_kept(const state::Paths& paths, const std::string& image) {
  const oci::Index index = load_index(paths);
  std::optional<Found> found = find_by_name(index, image);
  if (!found) found = find_by_id(paths, index, image);
  if (!found) throw_no_image(index, {}, image);
  KeptImage kept{.descriptor = *found->manifest, .document = load_blob(paths, found->manifest->digest), .manifest = {}};
  kept.descriptor.annotations.clear();
  kept.manifest = oci::manifest_from_json(kept.document, image);
  return kept;
}

Fd open_kept_blob(const state::Paths& paths, const std::string& digest, const std::string& image) {
  if (std::optional<Fd> file = try_open_path(blob_path(paths, digest), O_RDONLY)) return std::move(*file);
  throw Error(ErrorKind::NotFound, fmt::format("image '{}': the file that its layer came from was not kept", image), 0,
              "import it again");
}

}  // namespace myct::image
