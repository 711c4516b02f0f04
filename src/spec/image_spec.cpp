#include "myct/spec/image_spec.hpp"

#include "myct/base/json.hpp"

namespace myct::oci {
namespace {

using json::read;
using json::Value;
using json::write_if_present;
using json::write_unless_empty;

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

Value descriptor_to_json(const Descriptor& descriptor) {
  Value value{{"mediaType", descriptor.media_type}, {"digest", descriptor.digest}, {"size", descriptor.size}};
  write_unless_empty(value, "annotations", descriptor.annotations);
  return value;
}

Descriptor descriptor_from_json(const Value& value) {
  Descriptor descriptor;
  read(value, "mediaType", descriptor.media_type);
  read(value, "digest", descriptor.digest);
  read(value, "size", descriptor.size);
  read(value, "annotations", descriptor.annotations);
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

std::string to_json(const Image& image) {
  Value config = Value::object();
  write_unless_empty(config, "User", image.config.user);
  write_unless_empty(config, "Env", image.config.env);
  write_unless_empty(config, "Entrypoint", image.config.entrypoint);
  write_unless_empty(config, "Cmd", image.config.cmd);
  write_unless_empty(config, "WorkingDir", image.config.working_dir);
  if (!image.config.exposed_ports.empty()) config["ExposedPorts"] = set_to_json(image.config.exposed_ports);
  if (!image.config.volumes.empty()) config["Volumes"] = set_to_json(image.config.volumes);
  write_unless_empty(config, "Labels", image.config.labels);
  write_unless_empty(config, "StopSignal", image.config.stop_signal);
  Value document{{"architecture", image.architecture}, {"os", image.os}, {"config", std::move(config)}};
  write_unless_empty(document, "created", image.created);
  document["rootfs"] = {{"type", "layers"}, {"diff_ids", image.diff_ids}};
  return document.dump();
}

Image image_from_json(std::string_view text, std::string_view name) {
  const Value document = parse_object(text, name);
  return in_document(name, [&] {
    Image image;
    read(document, "created", image.created);
    read(document, "architecture", image.architecture);
    read(document, "os", image.os);
    if (const auto config = document.find("config"); config != document.end() && config->is_object()) {
      read(*config, "User", image.config.user);
      read(*config, "Env", image.config.env);
      read(*config, "Entrypoint", image.config.entrypoint);
      read(*config, "Cmd", image.config.cmd);
      read(*config, "WorkingDir", image.config.working_dir);
      image.config.exposed_ports = set_from_json(*config, "ExposedPorts");
      image.config.volumes = set_from_json(*config, "Volumes");
      read(*config, "Labels", image.config.labels);
      read(*config, "StopSignal", image.config.stop_signal);
    }
    if (const auto rootfs = document.find("rootfs"); rootfs != document.end() && rootfs->is_object())
      read(*rootfs, "diff_ids", image.diff_ids);
    return image;
  });
}

std::string to_json(const Manifest& manifest) {
  Value document{{"schemaVersion", 2}, {"mediaType", kMediaTypeManifest}};
  document["config"] = descriptor_to_json(manifest.config);
  document["layers"] = descriptors_to_json(manifest.layers);
  write_unless_empty(document, "annotations", manifest.annotations);
  return document.dump();
}

Manifest manifest_from_json(std::string_view text, std::string_view name) {
  const Value document = parse_object(text, name);
  return in_document(name, [&] {
    Manifest manifest;
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
  return in_document(name, [&] { return Index{.manifests = descriptors_from_json(document, "manifests")}; });
}

}  // namespace myct::oci
