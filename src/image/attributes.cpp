#include "attributes.hpp"

#include <fcntl.h>
#include <linux/limits.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>

#include "myct/base/error.hpp"
#include "myct/base/log.hpp"

namespace myct::image {
namespace {

void set_xattr(const Target& target, const char* name, std::string_view value, std::string_view kind, Losses& losses) {
  int result;
  if (target.base.empty()) {
    result = ::fsetxattr(target.directory.get(), name, value.data(), value.size(), 0);
  } else {
    // There is no lsetxattrat(2) before Linux 6.13; the descriptor's own link leads to the directory itself.
    const std::string path = fmt::format("/proc/self/fd/{}/{}", target.directory.get(), target.base);
    result = ::lsetxattr(path.c_str(), name, value.data(), value.size(), 0);
  }
  if (result == 0) return;
  if (errno == EOPNOTSUPP || errno == EPERM || errno == EACCES)
    losses.note(kind, target.member.name, errno);
  else
    throw_errno("set {} of '{}'", name, target.member.name);
}

void set_owner(const Target& target, Losses& losses, mode_t& mode) {
  const Member& member = target.member;
  const int result = target.base.empty() ? ::fchown(target.directory.get(), member.uid, member.gid)
                                         : ::fchownat(target.directory.get(), target.base.c_str(), member.uid,
                                                      member.gid, AT_SYMLINK_NOFOLLOW);
  if (result == 0) return;
  // Without CAP_CHOWN (rootless), or in a user namespace without that number (EINVAL).
  if (errno != EPERM && errno != EINVAL) throw_errno("set the owner of '{}'", member.name);
  losses.note("owners not kept", member.name, errno);
  // setuid for an owner that nobody chose must not come into being.
  mode &= 0777U;
}

void set_mode(const Target& target, mode_t mode) {
  if (target.member.type == MemberType::Symlink) return;
  const int result = target.base.empty() ? ::fchmod(target.directory.get(), mode)
                                         : ::fchmodat(target.directory.get(), target.base.c_str(), mode, 0);
  if (result == -1) throw_errno("set the mode of '{}'", target.member.name);
}

void set_times(const Target& target) {
  const timespec times[2] = {target.member.mtime, target.member.mtime};
  const int result = target.base.empty()
                         ? ::futimens(target.directory.get(), times)
                         : ::utimensat(target.directory.get(), target.base.c_str(), times, AT_SYMLINK_NOFOLLOW);
  if (result == -1) throw_errno("set the time of '{}'", target.member.name);
}

}  // namespace

/// trusted.overlay.* and user.overlay.* steer overlayfs itself: a lowerdir that carries them could redirect a lookup
/// to another directory of the layer's file system. security.selinux and its like label for the host's policy.
bool is_kept_xattr(std::string_view name) noexcept {
  if (name.starts_with("trusted.overlay.") || name.starts_with("user.overlay.")) return false;
  return name == "security.capability" || name.starts_with("user.") || name.starts_with("trusted.") ||
         name == kAccessAclXattr || name == kDefaultAclXattr;
}

std::vector<Xattr> read_xattrs(FdRef file) {
  std::vector<Xattr> xattrs;
  if (::flistxattr(file.get(), nullptr, 0) <= 0) return xattrs;
  std::string names(XATTR_LIST_MAX, '\0');
  const ssize_t length = ::flistxattr(file.get(), names.data(), names.size());
  std::string value(XATTR_SIZE_MAX, '\0');
  for (const char* name = names.data(); name < names.data() + length; name += std::string_view(name).size() + 1) {
    if (!is_kept_xattr(name)) continue;
    const ssize_t size = ::fgetxattr(file.get(), name, value.data(), value.size());
    if (size >= 0) xattrs.push_back({name, value.substr(0, static_cast<size_t>(size))});
  }
  return xattrs;
}

void Losses::note(std::string_view what, const std::string& member, int errnum) {
  const auto found = losses_.find(what);
  if (found == losses_.end())
    losses_.emplace(what, Loss{member, 1, errnum});
  else
    ++found->second.count;
}

void Losses::report() const {
  for (const auto& [what, loss] : losses_) {
    const std::string reason = loss.errnum != 0 ? ": " + errno_text(loss.errnum) : "";
    log::warning("{}: {} (the first is '{}'){}", what, loss.count, loss.member, reason);
  }
}

bool has_named_acl(const Member& member) noexcept {
  const auto named = [](const AclEntry& entry) { return !entry.name.empty(); };
  return std::ranges::any_of(member.access_acl, named) || std::ranges::any_of(member.default_acl, named);
}

void apply_acls(const Target& target, Losses& losses) {
  constexpr std::string_view kKind = "access control lists not kept";
  const Member& member = target.member;
  if (!member.access_acl.empty()) set_xattr(target, kAccessAclXattr, encode_acl(member.access_acl), kKind, losses);
  if (!member.default_acl.empty() && member.type == MemberType::Directory)
    set_xattr(target, kDefaultAclXattr, encode_acl(member.default_acl), kKind, losses);
}

void apply_attributes(const Target& target, const std::optional<Owner>& made_as, Losses& losses) {
  const Member& member = target.member;
  mode_t mode = member.mode;
  if (!made_as || made_as->uid != member.uid || made_as->gid != member.gid) set_owner(target, losses, mode);
  set_mode(target, mode);
  for (const Xattr& xattr : member.xattrs) {
    if (is_kept_xattr(xattr.name))
      set_xattr(target, xattr.name.c_str(), xattr.value, "extended attributes not kept", losses);
    else
      losses.note("extended attributes dropped", member.name, 0);
  }
  if (!has_named_acl(member)) apply_acls(target, losses);
  set_times(target);
}

}  // namespace myct::image
