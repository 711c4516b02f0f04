// What belongs to nobody: layers and blobs without an image, left by a removal or by an ingest that did not end well.
#include <fcntl.h>

#include <cstdio>
#include <set>

#include "cover.hpp"
#include "digest.hpp"
#include "layout.hpp"
#include "myct/base/error.hpp"
#include "myct/base/log.hpp"
#include "staging.hpp"

namespace myct::image {
namespace {

constexpr std::string_view kPinPrefix = "pin-";

using Digits = std::set<std::string>;

/// Everything that an image consists of.
void add_image(const state::Paths& paths, const oci::Descriptor& entry, Digits& used) {
  const oci::Manifest manifest = load_manifest(paths, entry);
  used.insert(hex_of(entry.digest));
  used.insert(hex_of(manifest.config.digest));
  for (const oci::Descriptor& layer : manifest.layers) used.insert(hex_of(layer.digest));
  const std::vector<std::string> diff_ids = load_image(paths, id_of(paths, entry)).diff_ids;
  for (const std::string& diff_id : diff_ids) used.insert(hex_of(diff_id));
  used.insert(hex_of(cover_id(diff_ids)));
}

void add_pins(const state::Paths& paths, Digits& used) {
  for (const std::string& directory : living_staging(paths.images()))
    for (const std::string& name : list_directory(directory, Hidden::Include))
      if (name.starts_with(kPinPrefix)) used.insert(name.substr(kPinPrefix.size()));
}

/// Renames what is not used out of the way.
void take_from(const std::string& directory, const std::string& into, const Digits& used,
               std::vector<std::string>& taken) {
  for (const std::string& name : list_directory(directory, Hidden::LeaveOut)) {
    if (!is_hex(name) || used.contains(name)) continue;
    const std::string trash = fmt::format("{}/{}", into, staging_name());
    if (::rename(fmt::format("{}/{}", directory, name).c_str(), trash.c_str()) == 0) taken.push_back(trash);
  }
}

}  // namespace

std::string pin_name(std::string_view digest) { return std::string(kPinPrefix) + hex_of(digest); }

std::vector<std::string> take_garbage(const state::Paths& paths, const oci::Index& index) {
  Digits used;
  for (const oci::Descriptor& entry : index.manifests) {
    try {
      add_image(paths, entry, used);
    } catch (const Error& error) {
      log::warning("an image cannot be read, so that nothing is cleared away until it is removed: {}", error.what());
      return {};
    }
  }
  add_pins(paths, used);
  std::vector<std::string> taken;
  take_from(paths.layers(), paths.layers(), used, taken);
  take_from(paths.images() + "/blobs/sha256", paths.images(), used, taken);
  return taken;
}

}  // namespace myct::image
