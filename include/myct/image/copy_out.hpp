// Copying what an image has at a place to somewhere else: how a new volume gets its first content.
#pragma once

#include <string>

#include "myct/image/store.hpp"

namespace myct::image {

/// Copies the content, owner and mode of the directory `path` of the image into the existing empty directory
/// `destination`, with modes, times, links, devices and extended attributes. Links in `path` stay inside the image. An
/// image without that directory: nothing. Throws Error.
void copy_directory_out(const Rootfs& rootfs, const std::string& path, const std::string& destination);

}  // namespace myct::image
