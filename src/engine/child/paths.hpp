// Resolving and making paths inside the container's root, which may be full of links made by an enemy: every path is
// resolved by the kernel below the root's descriptor (openat2(2), RESOLVE_IN_ROOT) and handed on as a descriptor.
#pragma once

#include <string>

#include "myct/base/fd.hpp"

namespace myct::engine {

/// An O_PATH descriptor of the directory `path` below `root`; missing components are made (0755). Throws Error.
[[nodiscard]] Fd open_or_make_directory(FdRef root, const std::string& path);
/// An O_PATH descriptor of whatever is at `path`; a missing one is made as an empty file (0644). Throws Error.
[[nodiscard]] Fd open_or_make_file(FdRef root, const std::string& path);

/// Writes to a file of the mounted /proc: the kernel's own, and not one that lies there instead (CVE-2025-52881).
/// Throws Error.
void write_proc_file(const std::string& path, const std::string& value);

/// "/a/b/c" as {"/a/b", "c"}; trailing slashes do not count. The base of "/" is ".".
struct SplitPath {
  std::string parent;
  std::string base;
};
[[nodiscard]] SplitPath split_path(const std::string& path);

}  // namespace myct::engine
