// How a base image is made: images/NAME.recipe, and NAME-base.tar.* beside it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "myct/spec/image_spec.hpp"

namespace myct::image {

/// What an import takes from a recipe; the rest of its keys is for the script that makes the tarball.
struct Recipe {
  std::string name;
  std::string wrapping_directory;
  oci::ImageConfig config;  ///< cmd and env
};

/// Parses lines of KEY=VALUE or KEY='VALUE', comments and empty lines, which a shell reads alike; nothing is
/// executed or expanded, and what a shell would expand is refused. Throws Error{Invalid} naming `name` and the line.
[[nodiscard]] Recipe parse_recipe(std::string_view text, std::string_view name);
/// Throws Error.
[[nodiscard]] Recipe load_recipe(const std::string& path);

/// A tarball on the image search path.
struct LocalTarball {
  std::string path;
  std::string recipe;  ///< path of NAME.recipe in the same directory, empty without one
};

/// NAME-base.tar.{gz,xz,zst} in the first directory that has one; nullopt without one.
[[nodiscard]] std::optional<LocalTarball> find_tarball(const std::vector<std::string>& search_path,
                                                       const std::string& name);
/// The names for which find_tarball would find something.
[[nodiscard]] std::vector<std::string> tarball_names(const std::vector<std::string>& search_path);

}  // namespace myct::image
