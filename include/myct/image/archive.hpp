// Trees of files as streams of tar: out of a tree and into one, while somebody hostile may be changing both.
//
// Everything is reached from descriptors: a name is opened in an open directory and without following it, and what has
// been opened is looked at, not the name. No name is used twice. What a program in a container moves about or replaces
// by links meanwhile can change which of its own files are met, and never leads out of its root.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "myct/base/fd.hpp"

namespace myct::image {

/// Exact: holes in files stay holes, times have nanoseconds; for a reader that knows pax and GNU tar's sparse files, as
/// ours does. Portable: holes are written out, and a member that needs no more has a plain header; all programs read
/// it.
enum class TarForm : uint8_t { Portable, Exact };

/// What is to be packed.
struct PackSource {
  FdRef file;        ///< of any type, opened with O_PATH
  std::string name;  ///< in the archive; empty: `file` is a directory, and its content lies at the archive's top
};

/// Whether what is mounted below the top is packed, or only what is in the file system beneath: an empty directory or
/// file at the mount's place.
enum class Mounts : uint8_t { Include, LeaveOut };

/// Writes `source` with all that is below it to `out` as a pax archive: owners, modes, times, links, hard links,
/// devices and extended attributes. What is below the kernel's own file systems (/proc, /sys) is left out, and so are
/// sockets. Prints a warning for what could not be packed. Returns the size of the archive. Throws Error.
uint64_t write_tar(const PackSource& source, TarForm form, FdRef out, Mounts mounts = Mounts::Include);

/// What a container has changed at one place of its root.
struct LayerChange {
  std::string path;  ///< "/etc/hosts"
  bool is_deleted = false;
};
/// Writes an image's layer (layer.md): each change by itself, a directory without what is in it, and whiteouts for what
/// was deleted. `upper` is an overlay's upper directory, which may be changing; the changes are in the order of their
/// paths. Throws Error{Unsupported} where the kernel keeps parts of changed files in lower layers (metacopy, redirect).
uint64_t write_layer(FdRef upper, const std::vector<LayerChange>& changes, FdRef out);

/// Whom unpacked files belong to.
struct FileOwner {
  uid_t uid = 0;
  gid_t gid = 0;
};

/// Where an archive is to be unpacked.
struct UnpackTarget {
  FdRef directory;  ///< an existing directory
  /// The root of the tree and the directory's path in it: a member whose name goes through a symbolic link that was
  /// there before lands where a process with that root would find it. Without a root, such members are refused.
  std::optional<FdRef> root;
  std::string path;
  /// nullopt: as the archive says. Whoever else gets a file, gets it without its setuid or setgid bit, and a device for
  /// himself alone.
  std::optional<FileOwner> owner;
};

/// Unpacks the archive on `in`, plain or compressed (by gzip, bzip2, xz or zstd), into the directory: as docker-cp(1)
/// does, into directories that are there, in place of other files that are there; a directory never takes the place
/// of something else, nor the other way round. Nothing is written below the kernel's own file systems. Prints a
/// warning for what could not be kept. Throws Error; what was unpacked until then stays.
void extract_tar(FdRef in, const UnpackTarget& target);

/// Both at once, through a pipe. Returns the size of the archive. Throws Error: the reason, whichever side it is on.
uint64_t copy_tree(const PackSource& source, const UnpackTarget& target);

/// Whether the file lies on one of the file systems in which the kernel shows itself (/proc, /sys). Throws Error.
[[nodiscard]] bool is_kernel_file(FdRef file);

}  // namespace myct::image
