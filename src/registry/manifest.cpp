#include "manifest.hpp"

#include <algorithm>
#include <array>

#include "myct/base/json.hpp"

namespace myct::registry {
namespace {

constexpr std::string_view kDockerSchema1 = "application/vnd.docker.distribution.manifest.v1";  // "+json", "+prettyjws"
constexpr std::array<std::string_view, 4> kAccepted{oci::kMediaTypeManifest, oci::kMediaTypeIndex,
                                                    oci::kDockerTypeManifest, oci::kDockerTypeList};

bool is_accepted(std::string_view media_type) noexcept {
  return oci::is_manifest_type(media_type) || oci::is_index_type(media_type);
}

/// "application/json" of "Application/JSON; charset=utf-8".
std::string without_parameters(std::string media_type) {
  media_type = media_type.substr(0, media_type.find(';'));
  while (media_type.ends_with(' ')) media_type.pop_back();
  return media_type;
}

/// CVE-2021-41190: a document that is both would be one thing to us, and another to those who have checked it.
std::string_view type_by_members(const json::Value& document, const std::string& name) {
  const bool has_manifests = document.contains("manifests");
  const bool has_layers = document.contains("layers") || document.contains("config");
  if (has_manifests && has_layers)
    throw_error(ErrorKind::Invalid, "{}: the document is a manifest and an index at once", name);
  if (has_manifests) return oci::kMediaTypeIndex;
  return has_layers ? oci::kMediaTypeManifest : "";
}

std::string media_type_of(const json::Value& document, const Response& response, const std::string& name) {
  std::string said;
  int64_t schema = 2;
  json::read(document, "schemaVersion", schema);
  json::read(document, "mediaType", said);
  if (schema == 1 || said.starts_with(kDockerSchema1))
    throw Error(ErrorKind::Unsupported, fmt::format("{} is of Docker's old form, schema 1", name), 0,
                "have it pushed again by a Docker of this decade");
  const std::string_view meant = type_by_members(document, name);
  if (said.empty()) said = without_parameters(response.header("content-type"));
  if (!is_accepted(said)) said = meant;
  if (said.empty() || oci::is_index_type(said) != oci::is_index_type(meant))
    throw_error(ErrorKind::Invalid, "{}: what the registry has is no manifest of an image", name);
  return said;
}

void check_digest(const Response& response, const std::string& digest, const std::string& name) {
  std::string expected = digest;
  if (expected.empty()) expected = response.header("docker-content-digest");
  if (!is_digest(expected)) return;  // some registries send none, which only a tag can do without
  DigestCheck check(expected);
  check.update({reinterpret_cast<const uint8_t*>(response.body.data()), response.body.size()});
  check.verify(fmt::format("{} ({})", name, expected));
}

}  // namespace

const std::string& accept_manifests() {
  static const std::string header = [] {
    std::string text = "Accept: ";
    for (const std::string_view type : kAccepted) text.append(type).append(", ");
    return text + "*/*";
  }();
  return header;
}

Document make_document(const Response& response, const std::string& digest, const std::string& name) {
  check_digest(response, digest, name);
  const json::Value document = json::parse(response.body, name);
  if (!document.is_object()) throw_error(ErrorKind::Invalid, "{}: the manifest is not a JSON object", name);
  return {.descriptor = {.media_type = media_type_of(document, response, name),
                         .digest = digest.empty() ? digest_of(response.body) : digest,
                         .size = response.body.size(),
                         .annotations = {}},
          .bytes = response.body};
}

std::vector<PlatformManifest> manifests_of(const Document& index, const std::string& name) {
  std::vector<PlatformManifest> manifests;
  json::read_array(json::parse(index.bytes, name), "manifests", manifests, [&](const json::Value& entry) {
    PlatformManifest manifest;
    json::read(entry, "mediaType", manifest.descriptor.media_type);
    json::read(entry, "digest", manifest.descriptor.digest);
    json::read(entry, "size", manifest.descriptor.size);
    if (!is_digest(manifest.descriptor.digest))
      throw_error(ErrorKind::Invalid, "{}: the index holds the malformed digest '{}'", name,
                  manifest.descriptor.digest);
    manifest.platform.os.clear();
    if (const json::Value* platform = json::find_object(entry, "platform")) {
      json::read(*platform, "os", manifest.platform.os);
      json::read(*platform, "architecture", manifest.platform.architecture);
      json::read(*platform, "variant", manifest.platform.variant);
      manifest.platform = normalize(manifest.platform);
    }
    return manifest;
  });
  // What is neither manifest nor index is an artifact.
  std::erase_if(manifests, [](const PlatformManifest& manifest) {
    return !manifest.descriptor.media_type.empty() && !is_accepted(manifest.descriptor.media_type);
  });
  return manifests;
}

}  // namespace myct::registry
