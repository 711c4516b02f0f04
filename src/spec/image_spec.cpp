#include "myct/spec/image_spec.hpp"

#include "healthcheck_json.hpp"
#include "myct/base/json.hpp"

namespace myct::oci {
namespace {

using json::read;
using json::Value;
using json::write_if_present;
using json::write_unless_empty;

/// The member `key` if it is an object, or nullptr.
const Value* find_object(const Value& parent, const char* key) {
  const auto found = parent.find(key);
  return found != parent.end() && found->is_object() ? &*found : nullptr;
}

/// {"80/tcp": {}}: how the specification writes a set of strings.
Value set_to_json(const std::vector<std::string>& members) {
  Value object = Value::object();
  for (const std::string& member : members) object[member] = Value::object();
  return object;
}

std::vector<std::string> set_from_json(const Value& parent, const char* key) {
  std::vector<std::string> members;
  const auto found = parent.find(key);
  if (found == parent.end() || found->is_null()) return members;
  if (!found->is_object()) throw_error(ErrorKind::Invalid, "member '{}' is not an object", key);
  for (const auto& [name, unused] : found->items()) members.push_back(name);
  return members;
}

Value platform_to_json(const Platform& platform) {
  Value value{{"architecture", platform.architecture}, {"os", platform.os}};
  write_unless_empty(value, "variant", platform.variant);
  write_unless_empty(value, "os.version", platform.os_version);
  return value;
}

Platform platform_from_json(const Value& value) {
  Platform platform;
  read(value, "architecture", platform.architecture);
  read(value, "os", platform.os);
  read(value, "variant", platform.variant);
  read(value, "os.version", platform.os_version);
  return platform;
}

Value descriptor_to_json(const Descriptor& descriptor) {
  Value value{{"mediaType", descriptor.media_type}, {"digest", descriptor.digest}, {"size", descriptor.size}};
  write_unless_empty(value, "annotations", descriptor.annotations);
  write_unless_empty(value, "artifactType", descriptor.artifact_type);
  if (descriptor.platform) value["platform"] = platform_to_json(*descriptor.platform);
  return value;
}

Descriptor descriptor_from_json(const Value& value) {
  if (!value.is_object()) throw_error(ErrorKind::Invalid, "a descriptor is not an object");
  Descriptor descriptor;
  read(value, "mediaType", descriptor.media_type);
  read(value, "digest", descriptor.digest);
  read(value, "size", descriptor.size);
  read(value, "annotations", descriptor.annotations);
  read(value, "artifactType", descriptor.artifact_type);
  if (const Value* platform = find_object(value, "platform")) descriptor.platform = platform_from_json(*platform);
  return descriptor;
}

std::vector<Descriptor> descriptors_from_json(const Value& parent, const char* key) {
  std::vector<Descriptor> descriptors;
  const auto found = parent.find(key);
  if (found == parent.end() || !found->is_array()) return descriptors;
  for (const Value& value : *found) descriptors.push_back(descriptor_from_json(value));
  return descriptors;
}

Value descriptors_to_json(const std::vector<Descriptor>& descriptors) {
  Value array = Value::array();
  for (const Descriptor& descriptor : descriptors) array.push_back(descriptor_to_json(descriptor));
  return array;
}

Value parse_object(std::string_view text, std::string_view name) {
  Value document = json::parse(text, name);
  if (!document.is_object()) throw_error(ErrorKind::Invalid, "read '{}': not a JSON object", name);
  return document;
}

Value config_to_json(const ImageConfig& image) {
  Value config = Value::object();
  write_unless_empty(config, "User", image.user);
  write_unless_empty(config, "Env", image.env);
  write_unless_empty(config, "Entrypoint", image.entrypoint);
  write_unless_empty(config, "Cmd", image.cmd);
  write_unless_empty(config, "WorkingDir", image.working_dir);
  if (!image.exposed_ports.empty()) config["ExposedPorts"] = set_to_json(image.exposed_ports);
  if (!image.volumes.empty()) config["Volumes"] = set_to_json(image.volumes);
  write_unless_empty(config, "Labels", image.labels);
  write_unless_empty(config, "StopSignal", image.stop_signal);
  write_unless_empty(config, "OnBuild", image.on_build);
  write_unless_empty(config, "Shell", image.shell);
  write_healthcheck(config, image.healthcheck);
  return config;
}

ImageConfig config_from_json(const Value& config) {
  ImageConfig image;
  read(config, "User", image.user);
  read(config, "Env", image.env);
  read(config, "Entrypoint", image.entrypoint);
  read(config, "Cmd", image.cmd);
  read(config, "WorkingDir", image.working_dir);
  image.exposed_ports = set_from_json(config, "ExposedPorts");
  image.volumes = set_from_json(config, "Volumes");
  read(config, "Labels", image.labels);
  read(config, "StopSignal", image.stop_signal);
  read(config, "OnBuild", image.on_build);
  read(config, "Shell", image.shell);
  image.healthcheck = read_healthcheck(config);
  return image;
}

Value history_to_json(const History& entry) {
  Value value = Value::object();
  write_unless_empty(value, "created", entry.created);
  write_unless_empty(value, "created_by", entry.created_by);
  write_unless_empty(value, "author", entry.author);
  write_unless_empty(value, "comment", entry.comment);
  if (entry.empty_layer) value["empty_layer"] = true;
  return value;
}

History history_from_json(const Value& value) {
  History entry;
  read(value, "created", entry.created);
  read(value, "created_by", entry.created_by);
  read(value, "author", entry.author);
  read(value, "comment", entry.comment);
  read(value, "empty_layer", entry.empty_layer);
  return entry;
}

/// Runs `body` and names the document in whatever it throws.
template <typename Body>
auto in_document(std::string_view name, Body body) {
  try {
    return body();
  } catch (Error& error) {
    error.add_context(fmt::format("read '{}'", name));
    throw;
  }
}

}  // namespace

bool is_manifest_type(std::string_view media_type) noexcept {
  return media_type == kMediaTypeManifest || media_type == kDockerTypeManifest;
}

bool is_index_type(std::string_view media_type) noexcept {
  return media_type == kMediaTypeIndex || media_type == kDockerTypeList;
}

std::string to_json(const Image& image) {
  Value document{{"architecture", image.architecture}, {"os", image.os}, {"config", config_to_json(image.config)}};
  write_unless_empty(document, "created", image.created);
  write_unless_empty(document, "author", image.author);
  write_unless_empty(document, "variant", image.variant);
  write_unless_empty(document, "os.version", image.os_version);
  json::write_array(document, "history", image.history, history_to_json);
  document["rootfs"] = {{"type", "layers"}, {"diff_ids", image.diff_ids}};
  return document.dump();
}

Image image_from_json(std::string_view text, std::string_view name) {
  const Value document = parse_object(text, name);
  return in_document(name, [&] {
    Image image;
    read(document, "created", image.created);
    read(document, "author", image.author);
    read(document, "architecture", image.architecture);
    read(document, "variant", image.variant);
    read(document, "os", image.os);
    read(document, "os.version", image.os_version);
    if (const Value* config = find_object(document, "config")) image.config = config_from_json(*config);
    if (const Value* rootfs = find_object(document, "rootfs")) read(*rootfs, "diff_ids", image.diff_ids);
    if (const auto history = document.find("history"); history != document.end() && history->is_array())
      for (const Value& entry : *history)
        if (entry.is_object()) image.history.push_back(history_from_json(entry));
    return image;
  });
}

std::string to_json(const Manifest& manifest) {
  Value document{{"schemaVersion", 2},
                 {"mediaType", manifest.media_type.empty() ? std::string(kMediaTypeManifest) : manifest.media_type}};
  document["config"] = descriptor_to_json(manifest.config);
  document["layers"] = descriptors_to_json(manifest.layers);
  write_unless_empty(document, "annotations", manifest.annotations);
  return document.dump();
}

Manifest manifest_from_json(std::string_view text, std::string_view name) {
  const Value document = parse_object(text, name);
  return in_document(name, [&] {
    Manifest manifest;
    read(document, "mediaType", manifest.media_type);
    if (const auto config = document.find("config"); config != document.end())
      manifest.config = descriptor_from_json(*config);
    manifest.layers = descriptors_from_json(document, "layers");
    read(document, "annotations", manifest.annotations);
    return manifest;
  });
}

std::string to_json(const Index& index) {
  Value document{{"schemaVersion", 2}, {"mediaType", kMediaTypeIndex}};
  document["manifests"] = descriptors_to_json(index.manifests);
  return document.dump();
}

Index index_from_json(std::string_view text, std::string_view name) {
  const Value document = parse_object(text, name);
  return in_document(name, [&] {
    Index index{.manifests = descriptors_from_json(document, "manifests")};
    read(document, "mediaType", index.media_type);
    return index;
  });
}

}  // namespace myct::oci
