// Names below one directory, which nothing must lead out of.
#pragma once

#include <sys/stat.h>

#include <string>
#include <string_view>
#include <utility>

#include "myct/base/fd.hpp"

namespace myct::image {

/// openat2(2) with RESOLVE_BENEATH; -1 and errno.
[[nodiscard]] int open_beneath(FdRef root, const std::string& path, int flags) noexcept;

/// {"usr/bin", "env"} for "usr/bin/env".
[[nodiscard]] std::pair<std::string_view, std::string_view> split_name(std::string_view name) noexcept;

/// Says why open_beneath() could not open the directory of a member.
[[noreturn]] void throw_unreachable(const std::string& member, int errnum);

/// How overlayfs marks a deleted file (overlayfs.rst, "whiteouts and opaque directories").
[[nodiscard]] bool is_whiteout(const struct stat& status) noexcept;

}  // namespace myct::image
