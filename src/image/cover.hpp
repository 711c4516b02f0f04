// What an image's layers do not say about directories, said once more on top of them.
//
// A layer may have a/b/c and not the directories a and a/b, which lower layers have. Unpacked, it needs directories to
// put c into, and overlayfs shows the owner, mode, times and attributes of the topmost of a name: not those that the
// lower layer gave it. A layer is shared by images with different ones below it, so it cannot have the right ones
// itself. An image for which that matters has a cover: a layer of directories alone, above all others, each with what
// the topmost layer says that names it. It lies with the layers, under a digest made of theirs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "myct/base/fd.hpp"
#include "myct/state/paths.hpp"

namespace myct::image {

/// The file in a layer's directory with the directories that its archive does not name, each followed by a NUL byte;
/// the root is the empty name. Absent: it names all.
inline constexpr const char* kImpliedFile = "implied";

/// The name, in the form of a diff id, under which the cover of an image with these layers lies, if it has one.
[[nodiscard]] std::string cover_id(const std::vector<std::string>& diff_ids);
/// layers/<hex>/fs of the cover; nullopt when the image has none.
[[nodiscard]] std::optional<std::string> find_cover(const state::Paths& paths,
                                                    const std::vector<std::string>& diff_ids);
/// Makes the directory fs in `staging` with the cover of these layers, which must be there. False when none is needed;
/// then nothing was made. Throws Error.
[[nodiscard]] bool make_cover(const state::Paths& paths, const std::vector<std::string>& diff_ids, FdRef staging);

}  // namespace myct::image
