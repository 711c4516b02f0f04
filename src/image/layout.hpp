// The image store's files: the OCI image layout in images/ and the unpacked layers in layers/.
//
// images/ is an OCI image layout (image-layout.md): oci-layout, index.json and blobs/sha256/ with manifests,
// configurations and the layers' blobs as they came, so that an image leaves the store with the digests that it had.
// layers/<hex of the diff id>/ holds each layer unpacked, in fs/, beside its layer.json; images share it. Only who
// holds the index lock changes index.json or the set of layers; readers need no lock, because both change by rename(2)
// alone.
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
/// The digest of the index of several platforms that an image came from.
inline constexpr std::string_view kAnnotationIndexDigest = "dev.myct.image.index";

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
/// Empty unless the image came from an index of several platforms.
[[nodiscard]] std::string index_digest_of(const oci::Descriptor& manifest);
/// The id of the image that an entry of the index names.
[[nodiscard]] std::string id_of(const state::Paths& paths, const oci::Descriptor& manifest);

/// Writes a document under its digest; one that is there already stays. Survives power loss after sync_store().
[[nodiscard]] oci::Descriptor save_blob(const state::Paths& paths, std::string_view media_type,
                                        std::string_view document);
/// Throws Error naming the digest.
[[nodiscard]] std::string load_blob(const state::Paths& paths, std::string_view digest);
[[nodiscard]] oci::Manifest load_manifest(const state::Paths& paths, const oci::Descriptor& manifest);
[[nodiscard]] oci::Image load_image(const state::Paths& paths, std::string_view id);

/// layers/<hex>
[[nodiscard]] std::string layer_directory(const state::Paths& paths, std::string_view diff_id);
/// layers/<hex>/fs
[[nodiscard]] std::string layer_fs(const state::Paths& paths, std::string_view diff_id);

/// blobs/sha256/<hex>
[[nodiscard]] std::string blob_path(const state::Paths& paths, std::string_view digest);

/// The file in an ingest's directory that keeps the blob or layer with this digest from being taken for nobody's.
[[nodiscard]] std::string pin_name(std::string_view digest);

/// Takes away the layers and blobs that neither an image of `index` has nor a living process pins. Only with the index
/// lock held. Returns what is still to be removed from disk, which needs no lock. An image that cannot be read keeps
/// everything: nobody knows what it has.
[[nodiscard]] std::vector<std::string> take_garbage(const state::Paths& paths, const oci::Index& index);

}  // namespace myct::image
