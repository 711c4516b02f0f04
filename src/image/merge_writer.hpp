// Writes the members of an archive into a directory that is in use, and never outside the tree that it belongs to.
//
// Unlike TreeWriter, this one has company: a program in the container may replace directories by links while it
// works. So no path is used twice. The directory of every member is opened one component at a time without following
// links; where a member's name leads through a link that was there before, it is resolved with the container's root as
// root (openat2(2), RESOLVE_IN_ROOT). Files are made with O_EXCL in the directory that has been opened; attributes are
// put onto what has been made, by its descriptor.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attributes.hpp"
#include "myct/image/archive.hpp"
#include "tar_reader.hpp"

namespace myct::image {

class MergeWriter {
 public:
  /// What `target` refers to must outlive the writer.
  explicit MergeWriter(const UnpackTarget& target) : target_(target) {}

  /// Makes the member; takes a regular file's content from `reader`. Throws Error naming the member.
  void write(Member member, TarReader& reader);
  /// After the last member: directories' modes and times. Prints what could not be kept.
  void finish();

 private:
  enum class Missing : uint8_t { Make, Fail };
  struct Place {
    FdRef directory;
    std::string base;
  };
  /// A directory whose attributes are still to come; known by its number, so that none that was put in its place
  /// gets them.
  struct Unfinished {
    Member member;
    dev_t device = 0;
    ino_t inode = 0;
  };

  void give_owner(Member& member) const;
  Place place_of(const std::string& name);
  [[nodiscard]] Fd open_directory(const std::string& path, const std::string& member) const;
  [[nodiscard]] Fd open_or_make_component(FdRef directory, const std::string& path_so_far,
                                          const std::string& base) const;

  void write_directory(Member member);
  void write_regular(const Member& member, TarReader& reader);
  void write_symlink(const Member& member);
  void write_hard_link(const Member& member);
  void write_node(const Member& member);
  void apply_to_unopened(const Place& place, const Member& member, mode_t type);
  void finish_directory(const Unfinished& unfinished);

  const UnpackTarget& target_;
  Fd parent_;                ///< the directory last written to: an archive is mostly in order
  std::string parent_path_;  ///< its name
  Missing missing_ = Missing::Make;
  std::vector<Unfinished> directories_;
  Losses losses_;
  uint64_t members_ = 0;
};

}  // namespace myct::image
