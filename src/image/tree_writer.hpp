// Writes the members of an archive into one directory, and never outside it.
//
// Names have been checked by the reader. What remains is what the archive itself planted: every parent directory is
// opened anew from the root with RESOLVE_BENEATH (openat2(2)), so that a symbolic link on the way is followed as long
// as it stays inside and refused by the kernel when it leads out; files are made with O_EXCL in that directory, so
// that nothing is ever written through an existing name. Later members replace earlier ones of the same name.
// Directories get their modes and times last: what is put into them would change them again.
//
// Names that begin with ".wh." say what the layer takes away from those below it (layer.md, "Whiteouts"), and become
// what overlayfs has for that: a character device 0:0 in place of a file, an attribute of a directory that hides all
// that is below. They say nothing about what the same archive puts there, before or after them.
#pragma once

#include <cstdint>
#include <ctime>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "attributes.hpp"
#include "myct/base/fd.hpp"
#include "tar_reader.hpp"

namespace myct::image {

/// The largest apparent size of a single file. A sparse file costs a few bytes of archive however large it claims
/// to be; beyond this no file system's copy or backup of the image would end.
inline constexpr uint64_t kLargestFile = 1ULL << 40;
/// The most members that an archive may have: ten times the largest distribution image, and few enough inodes to
/// leave a file system of the usual size usable.
inline constexpr uint64_t kMostMembers = 4'000'000;
/// A few bytes can stand for all that a disk takes. No layer has more than the first; and of one that has more than the
/// second, the archive has at least a part in so many.
inline constexpr uint64_t kMostBytes = 2ULL << 40;
inline constexpr uint64_t kUnsuspicious = 8ULL << 30;
inline constexpr uint64_t kGreatestRatio = 250;

class TreeWriter {
 public:
  /// `root` must outlive the writer; it is new and empty, and nobody else writes into it. Throws Error.
  explicit TreeWriter(FdRef root);

  /// Makes the member; takes a regular file's content from `reader`. Throws Error naming the member.
  void write(Member member, TarReader& reader);
  /// After the last member: directories' modes and times, access lists with names. Prints what could not be kept.
  void finish();

  /// Throws Error{Invalid} when more has been written than `bytes_read` bytes of archive give reason for.
  void check_room(uint64_t bytes_read) const;

  /// The directories that the archive put something into without naming them; "" is the root.
  [[nodiscard]] const std::set<std::string>& implied() const noexcept { return implied_; }
  [[nodiscard]] uint64_t bytes_written() const noexcept { return bytes_written_; }
  [[nodiscard]] uint64_t members() const noexcept { return members_; }
  /// The newest time of any member that is not in the future; 0 without one.
  [[nodiscard]] time_t newest_mtime() const noexcept { return newest_mtime_; }

 private:
  struct Place {
    FdRef directory;
    std::string base;
  };

  Place place_of(const std::string& name);
  Fd open_directory(const std::string& path, const std::string& member);
  Fd make_parent(const std::string& path, const std::string& member);
  /// Whether the member was a whiteout, which is then done.
  bool write_whiteout(const Member& member);
  void make_opaque(const std::string& directory);
  bool make_directory(const Place& place, const std::string& name, mode_t mode);
  void make_room(const Place& place);

  void write_directory(Member member);
  void replace_by_directory(const Place& place, const std::string& name);
  void write_regular(const Member& member, TarReader& reader);
  void write_symlink(const Member& member);
  void write_hard_link(const Member& member);
  void write_node(const Member& member);
  void copy_content(FdRef file, const Member& member, TarReader& reader);
  void finish_directory(const Member& member);
  void finish_acls(Member& member);
  const std::string& database(const std::string& name);

  FdRef root_;
  std::optional<Owner> made_as_;
  Fd parent_;                ///< the directory last written to: an archive is mostly in order
  std::string parent_path_;  ///< its name
  bool parent_known_ = false;

  std::vector<Member> directories_;
  std::unordered_map<std::string, bool> repeated_;  ///< directories that came more than once; true: finished
  std::set<std::string> implied_{""};
  std::vector<Member> named_acls_;
  std::map<std::string, std::string> databases_;  ///< etc/passwd and etc/group of the archive, once needed
  Losses losses_;
  uint64_t bytes_written_ = 0;
  uint64_t members_ = 0;
  time_t newest_mtime_ = 0;
  const time_t now_ = std::time(nullptr);
};

}  // namespace myct::image
