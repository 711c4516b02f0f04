// Who "--user" means: names looked up in the image's own passwd and group files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "myct/base/fd.hpp"

namespace myct::manager {

struct ResolvedUser {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> groups;  ///< supplementary, the primary one included (CVE-2022-36109)
  std::string home = "/";
};

/// Docker's rules for "name|uid[:group|gid]" (empty: root): a number is an id, never a name; an unknown number has
/// group 0 and home "/"; without a group the user's own groups apply, with one only that. `passwd` and `group` are the
/// files' contents. Pure. Throws Error{Invalid}.
[[nodiscard]] ResolvedUser resolve_user(std::string_view user, std::string_view passwd, std::string_view group);

/// The content of `path` in the image whose root is open, links staying inside; empty when absent.
[[nodiscard]] std::string read_from_image(FdRef root, const std::string& path);

}  // namespace myct::manager
