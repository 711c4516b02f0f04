// The image store's face to the manager: what is there, what a name means, bringing in a tarball, taking away.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "myct/base/units.hpp"
#include "myct/spec/image_spec.hpp"
#include "myct/state/paths.hpp"

namespace myct::image {

/// What a container needs of an image.
struct Rootfs {
  std::string id;                      ///< "sha256:…" of the image configuration, as Docker's image id
  std::string reference;               ///< the name it was found by, normalised: "alpine:latest"
  std::vector<std::string> lowerdirs;  ///< absolute paths, topmost first, read-only to all
  oci::ImageConfig config;
};

/// One line of `myct images`: a reference and what it names.
struct ImageSummary {
  std::string repository;  ///< "alpine"; empty for an image without a name
  std::string tag;         ///< "latest"; empty for an image known by a digest alone
  std::string id;          ///< "sha256:…"
  SystemTime created;
  uint64_t size = 0;        ///< bytes of the unpacked layers
  std::string digest = {};  ///< of the index it came from, or else of its manifest
  std::map<std::string, std::string> labels = {};
};

/// Called now and then during an import with bytes read and, where it is known, bytes in all (0: not known).
using Progress = std::function<void(uint64_t done, uint64_t total)>;

struct ImportRequest {
  std::string source;        ///< a path, or "-" for standard input
  std::string reference;     ///< "name[:tag]"; normalised by the store
  oci::ImageConfig config;   ///< without a command and an entry point: /bin/sh where the root has one
  Progress progress;         ///< may be empty
  std::string comment = {};  ///< for its history; empty: it has none
  std::optional<oci::Platform> platform = std::nullopt;  ///< what it is for; nullopt: this machine
  std::string wrapping_directory;  ///< the directory that wraps the root, if one does; empty: recognised by itself
};

struct ImportResult {
  std::string id;
  std::string reference;
  bool already_there = false;  ///< the same file had been unpacked before; nothing was unpacked now
};

/// Unpacks a root filesystem tarball once into a layer directory and records a one-layer OCI image under the
/// reference (a name that exists moves to the new image). Whole or not at all, also across a kill; concurrent
/// imports of the same file end in one layer. Throws Error naming the source and, for a bad archive, the member.
ImportResult import_tarball(const state::Paths& paths, const ImportRequest& request);

struct ResolveRequest {
  std::string image;                     ///< reference, or id or unique id prefix
  std::vector<std::string> search_path;  ///< directories with NAME-base.tar.{gz,xz,zst}, in order
  Progress progress;
};

/// Finds an imported image, or else a tarball on the search path, which is imported first. Throws Error{NotFound}
/// with near names as the hint.
Rootfs resolve(const state::Paths& paths, const ResolveRequest& request);

/// Every image, newest first: one line per name, and one for an image without a name. One that cannot be read is left
/// out with a warning.
std::vector<ImageSummary> list(const state::Paths& paths);

struct RemoveResult {
  std::string id;                     ///< of the image that was found
  std::vector<std::string> untagged;  ///< references that are gone
  std::string deleted;                ///< id of the image that is gone with them, or empty
  uint64_t bytes = 0;                 ///< what its files took that no other image has
};

enum class Force : uint8_t { No, Yes };

/// Removes a reference, and the image and its layer with the last one. By id, an image with several references is
/// refused without Force::Yes, as in Docker. `ids_in_use` are the images of existing containers: the last reference
/// of one is taken only with Force::Yes, and its layer never, because overlays are mounted from it.
/// Throws Error{NotFound} or Error{Conflict}.
RemoveResult remove(const state::Paths& paths, const std::string& image, Force force,
                    const std::set<std::string>& ids_in_use);

/// Lets the name `target` mean the image `source`, which keeps its own. Throws Error{NotFound}, or Error{Invalid} for a
/// name with a digest. Returns the image's id.
std::string tag(const state::Paths& paths, const std::string& source, const std::string& target);

}  // namespace myct::image
