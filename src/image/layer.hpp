// One unpacked layer: making it from a tarball, and what layer.json says of it.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>

#include "decompress.hpp"
#include "myct/base/fd.hpp"
#include "myct/spec/image_spec.hpp"
#include "myct/state/paths.hpp"
#include "tar_reader.hpp"

namespace myct::image {

/// layer.json, version 1.
struct LayerRecord {
  std::string diff_id;
  oci::Descriptor blob;  ///< what it was unpacked from; older stores have not kept it
  uint64_t size = 0;     ///< bytes of its files
  time_t newest = 0;     ///< the newest time of any of its files: when the image was made
  std::optional<oci::Descriptor> source = std::nullopt;  ///< the file that was imported, where that is not the blob
};

/// "application/vnd.oci.image.layer.v1.tar+gzip"
[[nodiscard]] std::string layer_media_type(Compression compression);

[[nodiscard]] std::string to_json(const LayerRecord& record);
[[nodiscard]] LayerRecord layer_from_json(std::string_view text, std::string_view name);
/// nullopt when there is no such layer.
[[nodiscard]] std::optional<LayerRecord> try_load_layer(const state::Paths& paths, std::string_view diff_id);

struct Unpacked {
  LayerRecord record;
  bool unwrapped = false;  ///< the root was a directory of the archive
  std::string implied;     ///< what kImpliedFile is to hold (cover.hpp)
};

/// Unpacks the tarball in `stream` into `staging`, as fs/. `wrapping_directory` names the directory that is to become
/// the root; empty: recognised by itself; nullopt: none is. Throws Error{Invalid} for a bad archive.
[[nodiscard]] Unpacked unpack_layer(TarStream& stream, FdRef staging,
                                    const std::optional<std::string>& wrapping_directory,
                                    const std::function<void(uint64_t bytes_read)>& progress);

/// The directory in `root` that wraps everything, like Arch's "root.x86_64"; nullopt when `root` is a root already.
[[nodiscard]] std::optional<std::string> find_wrapping_directory(const std::string& root);

}  // namespace myct::image
