// Paths in the option text of mount(2) for overlayfs.
#pragma once

#include <string>

namespace myct {

/// `path` with a backslash before what would be a separator there: ':' between layers, ',' between options
/// (overlayfs.rst, "Multiple lower layers").
[[nodiscard]] std::string escape_overlay_path(const std::string& path);

}  // namespace myct
