// Owner, mode, times, extended attributes and access lists of one member, put onto the file made for it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "myct/base/fd.hpp"
#include "tar_reader.hpp"

namespace myct::image {

/// What could not be kept, told once per kind when the import is over: a machine whose root is restricted, or a file
/// system without attributes, would otherwise print thousands of lines.
class Losses {
 public:
  /// `what` in the plural ("device nodes skipped").
  void note(std::string_view what, const std::string& member, int errnum);
  void report() const;

 private:
  struct Loss {
    std::string member;
    uint64_t count = 0;
    int errnum = 0;
  };
  std::map<std::string, Loss, std::less<>> losses_;
};

/// A file that has just been made, to be addressed either by descriptor or by its name in an open directory (what
/// cannot be opened: links, devices).
struct Target {
  FdRef directory;
  std::string base;  ///< empty: `directory` is the file itself, open for reading or writing
  const Member& member;
};

/// Whether an extended attribute of that name goes with its file from one tree to another.
[[nodiscard]] bool is_kept_xattr(std::string_view name) noexcept;

/// Those that are kept, of a file or directory that is open for reading. A file system without them, or one that
/// vanishes while it is asked for, is as good as none.
[[nodiscard]] std::vector<Xattr> read_xattrs(FdRef file);

/// Whom a file belongs to that this process makes.
struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
};

/// Sets everything in the order that keeps it: owner first, because it clears setuid and file capabilities; times
/// last. Access lists whose entries name users are left for `apply_acls`. `made_as` is whose the file is already,
/// which spares most files of a base system a system call; nullopt when that is not known.
void apply_attributes(const Target& target, const std::optional<Owner>& made_as, Losses& losses);

/// Whether an access list holds names, which mean something only once the archive's own etc/passwd is there.
[[nodiscard]] bool has_named_acl(const Member& member) noexcept;
/// Sets the access lists; every entry must have its number by now.
void apply_acls(const Target& target, Losses& losses);

}  // namespace myct::image
