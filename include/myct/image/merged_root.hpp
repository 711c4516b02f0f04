// An image's root file system for programs of ours to look into.
#pragma once

#include <string>
#include <vector>

#include "myct/base/fd.hpp"

namespace myct::image {

/// The root that the layers make together, read-only: of several an overlay that is mounted nowhere and goes with the
/// descriptor. `lowerdirs` as Rootfs has them. Throws Error.
[[nodiscard]] Fd open_merged_root(const std::vector<std::string>& lowerdirs);

}  // namespace myct::image
