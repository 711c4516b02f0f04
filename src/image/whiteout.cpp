// Whiteouts of archives, and what takes their places (see tree_writer.hpp).
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "beneath.hpp"
#include "myct/base/error.hpp"
#include "tree_writer.hpp"

namespace myct::image {

bool TreeWriter::write_whiteout(const Member& member) {
  constexpr std::string_view kPrefix = ".wh.";
  constexpr std::string_view kOpaque = ".wh..wh..opq";
  const auto [parent, base] = split_name(member.name);
  if (!base.starts_with(kPrefix)) return false;
  if (base == kOpaque) {
    (void)place_of(member.name);
    make_opaque(std::string(parent));
    return true;
  }
  const std::string_view hidden = base.substr(kPrefix.size());
  // The rest of ".wh..wh." are aufs's own files.
  if (hidden.starts_with(kPrefix)) return true;
  if (hidden.empty() || hidden == "." || hidden == "..")
    throw_error(ErrorKind::Invalid, "whiteout '{}': names nothing", member.name);
  const Place place = place_of(member.name);
  const std::string name(hidden);
  if (::mknodat(place.directory.get(), name.c_str(), S_IFCHR, makedev(0, 0)) == 0) return true;
  if (errno != EEXIST) throw_errno("make whiteout '{}'", member.name);
  // What this archive itself puts there stays, and hides what is below; a directory must be told to.
  struct stat status {};
  if (::fstatat(place.directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == -1)
    throw_errno("inspect '{}'", name);
  if (S_ISDIR(status.st_mode)) make_opaque(parent.empty() ? name : fmt::format("{}/{}", parent, name));
  return true;
}

void TreeWriter::make_opaque(const std::string& directory) {
  const Fd fd(open_beneath(root_, directory, O_RDONLY | O_DIRECTORY));
  if (!fd.valid()) throw_unreachable(directory, errno);
  if (::fsetxattr(fd.get(), "trusted.overlay.opaque", "y", 1, 0) == -1)
    throw Error(kind_of_errno(errno), fmt::format("make directory '{}' hide what is below", directory), errno,
                "keep the images on a file system with trusted.* attributes");
}

/// Makes a directory with exactly this mode, unless there is one: false. In place of a whiteout it hides what is below.
bool TreeWriter::make_directory(const Place& place, const std::string& name, mode_t mode) {
  const auto make = [&] {
    if (::mkdirat(place.directory.get(), place.base.c_str(), mode) == -1) return false;
    if (::fchmodat(place.directory.get(), place.base.c_str(), mode, 0) == -1) throw_errno("set the mode of '{}'", name);
    return true;
  };
  if (make()) return true;
  if (errno != EEXIST) throw_errno("make directory '{}'", name);
  struct stat status {};
  if (::fstatat(place.directory.get(), place.base.c_str(), &status, AT_SYMLINK_NOFOLLOW) == -1)
    throw_errno("inspect '{}'", name);
  if (!is_whiteout(status)) return false;
  make_room(place);
  if (!make()) throw_errno("make directory '{}'", name);
  make_opaque(name);
  return true;
}

/// Where there is something already: a directory stays, anything else goes.
void TreeWriter::replace_by_directory(const Place& place, const std::string& name) {
  struct stat status {};
  if (::fstatat(place.directory.get(), place.base.c_str(), &status, AT_SYMLINK_NOFOLLOW) == -1)
    throw_errno("inspect '{}'", name);
  if (S_ISDIR(status.st_mode)) return;
  const bool whiteout = is_whiteout(status);
  const Place again{place.directory, place.base};
  make_room(place);
  if (::mkdirat(again.directory.get(), again.base.c_str(), 0700) == -1) throw_errno("make directory '{}'", name);
  if (whiteout) make_opaque(name);
}

}  // namespace myct::image
