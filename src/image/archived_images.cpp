#include "archived_images.hpp"

#include <algorithm>
#include <map>

#include "archive_names.hpp"
#include "digest.hpp"
#include "myct/base/error.hpp"
#include "myct/base/json.hpp"
#include "myct/base/process.hpp"
#include "myct/image/reference.hpp"
#include "tar_reader.hpp"

namespace myct::image {
namespace {

/// One image of docker's manifest.json.
struct DockerEntry {
  std::string config;
  std::vector<std::string> repo_tags;
  std::vector<std::string> layers;
};

std::string read_file(ImageFiles& files, const std::string& name, uint64_t largest) {
  std::optional<std::string> text = files.try_read(name, largest);
  if (!text) throw_error(ErrorKind::Invalid, "it names the file '{}', which it has not", name);
  return std::move(*text);
}

std::string read_verified(ImageFiles& files, const oci::Descriptor& descriptor, uint64_t largest) {
  std::string text = read_file(files, blob_file_name(descriptor.digest), largest);
  if (const std::string digest = digest_of(text); digest != descriptor.digest)
    throw_error(ErrorKind::Invalid, "the file of {} has the digest {}: damaged", descriptor.digest, digest);
  return text;
}

std::vector<DockerEntry> read_docker_manifest(ImageFiles& files) {
  std::vector<DockerEntry> entries;
  const std::optional<std::string> text = files.try_read(std::string(kDockerManifest), oci::kLargestManifest);
  if (!text) return entries;
  const json::Value document = json::parse(*text, kDockerManifest);
  if (!document.is_array()) throw_error(ErrorKind::Invalid, "'{}' is not a JSON array", kDockerManifest);
  for (const json::Value& value : document) {
    if (!value.is_object()) throw_error(ErrorKind::Invalid, "'{}' has an entry that is no object", kDockerManifest);
    DockerEntry& entry = entries.emplace_back();
    json::read(value, "Config", entry.config);
    json::read(value, "RepoTags", entry.repo_tags);
    json::read(value, "Layers", entry.layers);
    entry.config = clean_member_name(entry.config);
    for (std::string& layer : entry.layers) layer = clean_member_name(layer);
  }
  return entries;
}

/// The name that an entry of index.json has, if that is a whole name and not a mere tag.
std::vector<std::string> names_of(const oci::Descriptor& entry) {
  const auto annotation = [&](std::string_view key) {
    const auto found = entry.annotations.find(std::string(key));
    return found == entry.annotations.end() ? std::string() : found->second;
  };
  std::string name = annotation(kContainerdName);
  // "latest", "3.20": skopeo and umoci take a tag alone.
  if (name.empty()) name = annotation(oci::kAnnotationRefName);
  if (name.empty() || name == "latest" || name.find_first_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos)
    return {};
  try {
    return {parse_reference(name).text()};
  } catch (const Error&) {
    return {};
  }
}

bool is_image(const oci::Descriptor& entry) {
  // An attestation of buildkit's is "unknown/unknown".
  const bool for_nothing = entry.platform && entry.platform->os == "unknown";
  return entry.artifact_type.empty() && !for_nothing &&
         (oci::is_manifest_type(entry.media_type) || oci::is_index_type(entry.media_type));
}

std::string platform_text(const oci::Platform& platform) {
  return platform.os + "/" + platform.architecture + (platform.variant.empty() ? "" : "/" + platform.variant);
}

/// The machine's own platform of several.
oci::Descriptor choose_platform(const oci::Index& index) {
  std::string others;
  for (const oci::Descriptor& entry : index.manifests) {
    if (!is_image(entry)) continue;
    if (!entry.platform || (entry.platform->os == "linux" && entry.platform->architecture == machine_architecture()))
      return entry;
    others += (others.empty() ? "" : ", ") + platform_text(*entry.platform);
  }
  throw_error(ErrorKind::Unsupported, "no image for linux/{} in it, only for {}", machine_architecture(),
              others.empty() ? "nothing" : others);
}

ArchivedImage read_oci_image(ImageFiles& files, const oci::Descriptor& entry) {
  oci::Descriptor manifest = entry;
  ArchivedImage image;
  image.documents.names = names_of(entry);
  if (oci::is_index_type(entry.media_type)) {
    image.documents.index_digest = entry.digest;
    manifest = choose_platform(oci::index_from_json(read_verified(files, entry, oci::kLargestManifest), entry.digest));
  }
  image.documents.manifest = read_verified(files, manifest, oci::kLargestManifest);
  image.documents.manifest_media_type = manifest.media_type;
  const oci::Manifest parsed = oci::manifest_from_json(image.documents.manifest, manifest.digest);
  image.documents.config = read_verified(files, parsed.config, oci::kLargestConfig);
  const CheckedImage checked = check_documents(image.documents.manifest, image.documents.config);
  for (size_t i = 0; i < checked.manifest.layers.size(); ++i)
    image.layers.push_back({.file = blob_file_name(checked.manifest.layers[i].digest),
                            .request = {.blob = checked.manifest.layers[i], .diff_id = checked.image.diff_ids[i]}});
  return image;
}

std::vector<ArchivedImage> read_oci_images(ImageFiles& files) {
  std::vector<ArchivedImage> images;
  const std::optional<std::string> text = files.try_read(std::string(kIndexFile), oci::kLargestManifest);
  if (!text) return images;
  std::map<std::string, size_t> known;  // one entry for each name of an image
  for (const oci::Descriptor& entry : oci::index_from_json(*text, kIndexFile).manifests) {
    if (!is_image(entry)) continue;
    const auto [found, is_new] = known.try_emplace(entry.digest, images.size());
    if (is_new) {
      images.push_back(read_oci_image(files, entry));
    } else {
      for (std::string& name : names_of(entry)) images[found->second].documents.names.push_back(std::move(name));
    }
  }
  return images;
}

ArchivedImage read_docker_image(ImageFiles& files, const DockerEntry& entry) {
  ArchivedImage image;
  image.documents.config = read_file(files, entry.config, oci::kLargestConfig);
  const oci::Image config = oci::image_from_json(image.documents.config, entry.config);
  if (config.diff_ids.size() != entry.layers.size())
    throw_error(ErrorKind::Invalid, "'{}' has {} layers, and '{}' {}", entry.config, config.diff_ids.size(),
                kDockerManifest, entry.layers.size());
  for (size_t i = 0; i < entry.layers.size(); ++i)
    image.layers.push_back({.file = entry.layers[i], .request = {.blob = {}, .diff_id = config.diff_ids[i]}});
  return image;
}

}  // namespace

std::vector<ArchivedImage> read_archived_images(ImageFiles& files) {
  std::vector<ArchivedImage> images = read_oci_images(files);
  const std::vector<DockerEntry> entries = read_docker_manifest(files);
  for (const DockerEntry& entry : entries) {
    const std::string config = read_file(files, entry.config, oci::kLargestConfig);
    auto found =
        std::ranges::find_if(images, [&](const ArchivedImage& image) { return image.documents.config == config; });
    if (found == images.end()) found = images.insert(images.end(), read_docker_image(files, entry));
    // docker's own names win: they are whole.
    if (!entry.repo_tags.empty()) found->documents.names.clear();
    for (const std::string& name : entry.repo_tags) found->documents.names.push_back(parse_reference(name).text());
  }
  if (images.empty())
    throw_error(ErrorKind::Invalid,
                "neither '{}' nor '{}' names an image in it: it is no archive of images; a root "
                "file system is taken by 'myct import'",
                kIndexFile, kDockerManifest);
  return images;
}

}  // namespace myct::image
