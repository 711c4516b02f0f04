// The image store's files: the OCI image layout in images/ and the unpacked layers in layers/.
//
// images/ is an OCI image layout (image-layout.md): oci-layout, index.json and blobs/sha256/ with manifests and
// configurations. The layers' own blobs are not kept; layers/<hex of the diff id>/ holds each unpacked, in fs/, beside
// its layer.json. Only who holds the index lock changes index.json or the set of layers; readers need no lock, because
// both change by rename(2) alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "myct/base/file.hpp"
#include "myct/spec/image_spec.hpp"
#include "myct/state/paths.hpp"

namespace myct::image {

/// index.json's annotation that carries an image's id, so that finding one by id reads no other file.
inline constexpr std::string_view kAnnotationImageId = "dev.myct.image.id";

/// Makes images/ and layers/ and what an empty layout holds, where absent.
void create_layout(const state::Paths& paths);

[[nodiscard]] FileLock lock_index(const state::Paths& paths);
/// An absent index is an empty one.
[[nodiscard]] oci::Index load_index(const state::Paths& paths);
/// Only with the index lock held.
void save_index(const state::Paths& paths, const oci::Index& index);

/// The entry that carries `name`, found without parsing the others: with a hundred images that is 0.4 ms of every
/// `myct run`. nullopt when there is none, or when the index was not written by save_index.
[[nodiscard]] std::optional<oci::Descriptor> try_load_named(const state::Paths& paths, const std::string& name);

/// Everything written so far, blobs and layers, survives a power loss from here on (syncfs(2)).
void sync_store(const state::Paths& paths);

/// "alpine:latest", or empty for an image without a name.
[[nodiscard]] std::string name_of(const oci::Descriptor& manifest);
/// The id of the image that an entry of the index names.
[[nodiscard]] std::string id_of(const state::Paths& paths, const oci::Descriptor& manifest);

/// Writes a document under its digest; one that is there already stays. Survives power loss after sync_store().
[[nodiscard]] oci::Descriptor save_blob(const state::Paths& paths, std::string_view media_type,
                                        std::string_view document);
/// Throws Error naming the digest.
[[nodiscard]] std::string load_blob(const state::Paths& paths, std::string_view digest);
void remove_blob(const state::Paths& paths, std::string_view digest);
[[nodiscard]] oci::Manifest load_manifest(const state::Paths& paths, const oci::Descriptor& manifest);
[[nodiscard]] oci::Image load_image(const state::Paths& paths, std::string_view id);

/// layers/<hex>
[[nodiscard]] std::string layer_directory(const state::Paths& paths, std::string_view diff_id);
/// layers/<hex>/fs
[[nodiscard]] std::string layer_fs(const state::Paths& paths, std::string_view diff_id);

/// Removes the layers that no image has: what a kill between two steps of an import or a removal left. Only with the
/// index lock held. Returns directories that are still to be removed from disk, which needs no lock.
[[nodiscard]] std::vector<std::string> detach_orphan_layers(const state::Paths& paths, const oci::Index& index);

}  // namespace myct::image
