#include "tree_writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "beneath.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"

namespace myct::image {
namespace {

/// An etc/passwd of more than this is not one.
constexpr off_t kLargestDatabase = 1 << 20;

mode_t node_type(MemberType type) noexcept {
  switch (type) {
    case MemberType::CharacterDevice:
      return S_IFCHR;
    case MemberType::BlockDevice:
      return S_IFBLK;
    default:
      return S_IFIFO;
  }
}

[[noreturn]] void throw_no_target(const Member& member) {
  throw_error(
      ErrorKind::Invalid,
      "hard link '{}': there is no '{}' before it in the same archive; a file of a lower layer cannot be linked",
      member.name, member.target);
}

}  // namespace

TreeWriter::TreeWriter(FdRef root) : root_(root) {
  struct stat status {};
  if (::fstat(root.get(), &status) == -1) throw_errno("inspect the layer's directory");
  // A new file's group is the process's, or its directory's on a file system mounted with grpid or in a setgid
  // directory. Where the root, just made, has the process's group, both are the same all over the tree, because
  // directories get their own owners last.
  if (status.st_uid == ::geteuid() && status.st_gid == ::getegid()) made_as_ = Owner{status.st_uid, status.st_gid};
}

void TreeWriter::check_room(uint64_t bytes_read) const {
  if (bytes_written_ > kMostBytes) throw_error(ErrorKind::Invalid, "more than {} bytes of files", kMostBytes);
  if (bytes_written_ > kUnsuspicious && bytes_written_ / kGreatestRatio > bytes_read)
    throw_error(ErrorKind::Invalid, "{} bytes of files from {} bytes: made to fill a disk", bytes_written_, bytes_read);
}

void TreeWriter::write(Member member, TarReader& reader) {
  if (++members_ > kMostMembers) throw_error(ErrorKind::Invalid, "more than {} members", kMostMembers);
  // A clock that was wrong when the archive was made must not date the image into the future.
  if (member.mtime.tv_sec <= now_) newest_mtime_ = std::max(newest_mtime_, member.mtime.tv_sec);
  if (member.name.empty() && member.type != MemberType::Directory)
    throw_error(ErrorKind::Invalid, "the root itself is not a directory");
  if (write_whiteout(member)) return;
  switch (member.type) {
    case MemberType::Regular:
      return write_regular(member, reader);
    case MemberType::Directory:
      return write_directory(std::move(member));
    case MemberType::Symlink:
      return write_symlink(member);
    case MemberType::HardLink:
      return write_hard_link(member);
    case MemberType::CharacterDevice:
    case MemberType::BlockDevice:
    case MemberType::Fifo:
      return write_node(member);
    case MemberType::Other:
      losses_.note("sockets and unknown types skipped", member.name, 0);
  }
}

TreeWriter::Place TreeWriter::place_of(const std::string& name) {
  const auto [parent, base] = split_name(name);
  if (!parent_known_ || parent_path_ != parent) {
    parent_known_ = false;
    parent_ = open_directory(std::string(parent), name);
    parent_path_ = parent;
    parent_known_ = true;
  }
  return {parent_.ref(), std::string(base)};
}

Fd TreeWriter::open_directory(const std::string& path, const std::string& member) {
  const int fd = open_beneath(root_, path, O_PATH | O_DIRECTORY);
  if (fd >= 0) return Fd(fd);
  // ENOTDIR: perhaps a whiteout of this archive's own, in whose place the directory comes.
  if ((errno != ENOENT && errno != ENOTDIR) || path.empty()) throw_unreachable(member, errno);
  return make_parent(path, member);
}

/// Archives may leave directories out; they come into being as mkdir -p makes them.
Fd TreeWriter::make_parent(const std::string& path, const std::string& member) {
  size_t end = 0;
  do {
    end = std::min(path.find('/', end + 1), path.size());
    const std::string part = path.substr(0, end);
    const auto [above, base] = split_name(part);
    const Fd directory(open_beneath(root_, std::string(above), O_PATH | O_DIRECTORY));
    if (!directory.valid()) throw_unreachable(member, errno);
    if (make_directory({directory.ref(), std::string(base)}, part, 0755)) {
      implied_.insert(part);
      if (implied_.size() > kMostMembers) throw_error(ErrorKind::Invalid, "more than {} directories", kMostMembers);
    }
  } while (end != path.size());
  const int fd = open_beneath(root_, path, O_PATH | O_DIRECTORY);
  if (fd == -1) throw_unreachable(member, errno);
  return Fd(fd);
}

/// Removes what has the name: the later member wins. Whatever was found through it is looked up anew.
void TreeWriter::make_room(const Place& place) {
  remove_tree_at(place.directory, place.base);
  parent_known_ = false;
}

void TreeWriter::write_directory(Member member) {
  implied_.erase(member.name);
  if (!member.name.empty()) {
    const Place place = place_of(member.name);
    // Nobody is to pass before it has its own mode.
    if (::mkdirat(place.directory.get(), place.base.c_str(), 0700) == -1) {
      if (errno != EEXIST) throw_errno("make directory '{}'", member.name);
      replace_by_directory(place, member.name);
      repeated_.emplace(member.name, false);
    }
  } else {
    repeated_.emplace(member.name, false);
  }
  directories_.push_back(std::move(member));
}

void TreeWriter::write_regular(const Member& member, TarReader& reader) {
  if (member.size > kLargestFile)
    throw_error(ErrorKind::Invalid, "member '{}': {} bytes are more than the {} that one file may have", member.name,
                member.size, kLargestFile);
  const Place place = place_of(member.name);
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  Fd file(::openat(place.directory.get(), place.base.c_str(), kFlags, 0600));
  if (!file.valid() && errno == EEXIST) {
    make_room(place);
    file = Fd(::openat(place.directory.get(), place.base.c_str(), kFlags, 0600));
  }
  if (!file.valid()) throw_errno("make '{}'", member.name);
  copy_content(file.ref(), member, reader);
  apply_attributes({file.ref(), {}, member}, made_as_, losses_);
  if (has_named_acl(member)) named_acls_.push_back(member);
  file.close_checked();
}

void TreeWriter::copy_content(FdRef file, const Member& member, TarReader& reader) {
  uint64_t end = 0;
  while (const std::optional<TarReader::Block> block = reader.next_block()) {
    Bytes bytes = block->bytes;
    uint64_t offset = block->offset;
    if (offset > member.size || bytes.size() > member.size - offset)
      throw_error(ErrorKind::Invalid, "member '{}': content beyond its size", member.name);
    while (!bytes.empty()) {
      const ssize_t written = ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (written == -1 && errno == EINTR) continue;
      if (written == -1) throw_errno("write '{}'", member.name);
      bytes = bytes.subspan(static_cast<size_t>(written));
      offset += static_cast<uint64_t>(written);
      bytes_written_ += static_cast<uint64_t>(written);
    }
    end = std::max(end, offset);
  }
  // A hole at the end.
  if (end != member.size && ::ftruncate(file.get(), static_cast<off_t>(member.size)) == -1)
    throw_errno("set the size of '{}'", member.name);
}

void TreeWriter::write_symlink(const Member& member) {
  const Place place = place_of(member.name);
  if (::symlinkat(member.target.c_str(), place.directory.get(), place.base.c_str()) == -1) {
    if (errno != EEXIST) throw_errno("make symbolic link '{}'", member.name);
    make_room(place);
    if (::symlinkat(member.target.c_str(), place.directory.get(), place.base.c_str()) == -1)
      throw_errno("make symbolic link '{}'", member.name);
  }
  apply_attributes({place.directory, place.base, member}, made_as_, losses_);
}

void TreeWriter::write_hard_link(const Member& member) {
  if (member.target == member.name) return;
  if (member.target.empty()) throw_error(ErrorKind::Invalid, "hard link '{}': leads to the root itself", member.name);
  const auto [parent, base] = split_name(member.target);
  const Fd target_directory(open_beneath(root_, std::string(parent), O_PATH | O_DIRECTORY));
  if (!target_directory.valid()) {
    if (errno == ENOENT) throw_no_target(member);
    throw_unreachable(member.target, errno);
  }
  const std::string target_base(base);
  const Place place = place_of(member.name);
  // Without AT_SYMLINK_FOLLOW: a link to a symbolic link is a second name of the link, wherever that leads.
  const auto link = [&] {
    return ::linkat(target_directory.get(), target_base.c_str(), place.directory.get(), place.base.c_str(), 0);
  };
  if (link() == 0) return;
  if (errno == EEXIST) {
    struct stat target {};
    struct stat existing {};
    if (::fstatat(target_directory.get(), target_base.c_str(), &target, AT_SYMLINK_NOFOLLOW) == 0 &&
        ::fstatat(place.directory.get(), place.base.c_str(), &existing, AT_SYMLINK_NOFOLLOW) == 0) {
      if (target.st_ino == existing.st_ino) return;
      make_room(place);
      if (link() == 0) return;
    }
  }
  if (errno == ENOENT) throw_no_target(member);
  throw_errno("make hard link '{}' to '{}'", member.name, member.target);
}

void TreeWriter::write_node(const Member& member) {
  // It would be a whiteout.
  if (member.type == MemberType::CharacterDevice && member.device == makedev(0, 0)) {
    losses_.note("character devices 0:0 skipped", member.name, 0);
    return;
  }
  const Place place = place_of(member.name);
  const auto make = [&] {
    return ::mknodat(place.directory.get(), place.base.c_str(), node_type(member.type) | 0600, member.device);
  };
  int result = make();
  if (result == -1 && errno == EEXIST) {
    make_room(place);
    result = make();
  }
  if (result == -1) {
    // Root of a user namespace, or one without CAP_MKNOD: containers get their own /dev anyway.
    if (errno != EPERM || member.type == MemberType::Fifo) throw_errno("make device '{}'", member.name);
    losses_.note("device nodes skipped", member.name, errno);
    return;
  }
  apply_attributes({place.directory, place.base, member}, made_as_, losses_);
}

void TreeWriter::finish() {
  // Those with a list of names get it now that the archive's etc/passwd is unpacked.
  for (Member& member : named_acls_) finish_acls(member);
  // In reverse: a directory without search permission must not be closed before those in it are done.
  for (auto directory = directories_.rbegin(); directory != directories_.rend(); ++directory) {
    if (const auto repeated = repeated_.find(directory->name); repeated != repeated_.end())
      if (std::exchange(repeated->second, true)) continue;
    finish_directory(*directory);
    if (has_named_acl(*directory)) finish_acls(*directory);
  }
  losses_.report();
}

void TreeWriter::finish_directory(const Member& member) {
  const Fd directory(open_beneath(root_, member.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (!directory.valid()) {
    // A later member took its place.
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EXDEV) return;
    throw_errno("open directory '{}'", member.name);
  }
  apply_attributes({directory.ref(), {}, member}, made_as_, losses_);
}

const std::string& TreeWriter::database(const std::string& name) {
  const auto [found, absent] = databases_.try_emplace(name);
  if (!absent) return found->second;
  // Looked at before it is opened: opening a device node of the archive could do something on the host.
  const Fd file(open_beneath(root_, name, O_PATH));
  struct stat status {};
  if (!file.valid() || ::fstat(file.get(), &status) == -1 || !S_ISREG(status.st_mode)) return found->second;
  if (status.st_size > kLargestDatabase) return found->second;
  const Fd readable = open_path(fmt::format("/proc/self/fd/{}", file.get()), O_RDONLY);
  found->second = read_all(readable.ref(), name);
  return found->second;
}

void TreeWriter::finish_acls(Member& member) {
  for (Acl* acl : {&member.access_acl, &member.default_acl}) {
    for (AclEntry& entry : *acl) {
      if (entry.name.empty()) continue;
      if (find_id(database(entry.tag == AclTag::User ? "etc/passwd" : "etc/group"), entry.name, entry.id)) continue;
      losses_.note("access control lists with unknown names not kept", member.name, 0);
      acl->clear();
      break;
    }
  }
  const Place place = place_of(member.name.empty() ? "." : member.name);
  apply_acls({place.directory, place.base, member}, losses_);
}

}  // namespace myct::image
