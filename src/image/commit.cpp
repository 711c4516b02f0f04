#include "myct/image/commit.hpp"

#include <algorithm>
#include <chrono>

#include "digest.hpp"
#include "layout.hpp"
#include "lookup.hpp"
#include "myct/base/error.hpp"
#include "myct/base/json.hpp"
#include "myct/base/units.hpp"
#include "myct/image/ingest.hpp"

namespace myct::image {
namespace {

oci::Manifest load_parent_manifest(const state::Paths& paths, const std::string& id) {
  const oci::Index index = load_index(paths);
  const std::optional<Found> found = find_by_id(paths, index, id);
  if (!found) throw_error(ErrorKind::NotFound, "the image that it was made from, {}, is gone", id);
  return load_manifest(paths, *found->manifest);
}

LayerResult put_layer(Ingest& ingest, const CommitRequest& request) {
  SpoolFile file = ingest.spool();
  request.write_layer(file.fd.ref());
  file.fd.reset();
  return ingest.put_layer({}, std::move(file));
}

/// Entries and layers go together from the first on: an image whose layers have none gets some, or the new one's entry
/// would be taken for another's.
void complete_history(json::Value& document) {
  json::Value& history = document["history"];
  if (!history.is_array()) history = json::Value::array();
  const auto described = static_cast<size_t>(std::ranges::count_if(
      history, [](const json::Value& entry) { return !entry.is_object() || !entry.value("empty_layer", false); }));
  for (size_t count = described; count < document["rootfs"]["diff_ids"].size(); ++count)
    history.push_back({{"created", document.value("created", "")}});
}

/// The parent's document with what is new: members that nobody here knows stay.
std::string write_config(const state::Paths& paths, const CommitRequest& request,
                         const std::optional<LayerResult>& layer) {
  json::Value document = json::parse(load_blob(paths, request.parent), request.parent);
  const std::string now = format_time(std::chrono::system_clock::now());
  json::Value entry{{"created", now}};
  json::write_unless_empty(entry, "created_by", request.created_by);
  json::write_unless_empty(entry, "author", request.author);
  json::write_unless_empty(entry, "comment", request.comment);
  if (!layer) entry["empty_layer"] = true;
  document.erase("author");
  json::write_unless_empty(document, "author", request.author);
  document["config"] =
      json::parse(oci::to_json(oci::Image{.config = request.config}), "the new configuration")["config"];
  if (layer) complete_history(document);
  document["history"].push_back(entry);
  document["created"] = now;
  if (layer) document["rootfs"]["diff_ids"].push_back(layer->diff_id);
  // What docker writes of the container that an image was made from is not this one's.
  document.erase("container");
  document.erase("container_config");
  return document.dump();
}

}  // namespace

std::string commit(const state::Paths& paths, const CommitRequest& request) {
  Ingest ingest(paths);
  oci::Manifest manifest = load_parent_manifest(paths, request.parent);
  for (const oci::Descriptor& layer : manifest.layers)
    if (!ingest.has_blob(layer.digest))
      throw Error(ErrorKind::NotFound,
                  fmt::format("layer {} of the image was not kept when it was imported", layer.digest), 0,
                  "import the image again, and make the container anew");
  std::optional<LayerResult> layer;
  if (request.write_layer) layer = put_layer(ingest, request);
  ImageDocuments documents{.manifest = {},
                           .manifest_media_type = std::string(oci::kMediaTypeManifest),
                           .config = write_config(paths, request, layer),
                           .names = request.names};
  manifest.media_type = oci::kMediaTypeManifest;
  manifest.annotations.clear();
  manifest.config = {.media_type = std::string(oci::kMediaTypeConfig),
                     .digest = digest_of(documents.config),
                     .size = documents.config.size(),
                     .annotations = {}};
  if (layer) manifest.layers.push_back(layer->blob);
  documents.manifest = oci::to_json(manifest);
  return ingest.commit(documents);
}

}  // namespace myct::image
