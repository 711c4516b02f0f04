#include "merge_writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/syscall.hpp"
#include "tree_writer.hpp"

namespace myct::image {
namespace {

/// How often a name is cleared that somebody else takes again and again.
constexpr int kAttempts = 16;

std::pair<std::string, std::string> split(const std::string& name) {
  const size_t slash = name.find_last_of('/');
  if (slash == std::string::npos) return {{}, name};
  return {name.substr(0, slash), name.substr(slash + 1)};
}

/// Removes what has the name, unless it is a directory.
void make_room(FdRef directory, const std::string& base, const std::string& member) {
  if (::unlinkat(directory.get(), base.c_str(), 0) == 0 || errno == ENOENT) return;
  if (errno == EISDIR) throw_error(ErrorKind::Conflict, "cannot overwrite directory '{}' with a file", member);
  throw_errno("replace '{}'", member);
}

/// Calls `make`, which makes a file and returns -1 and errno on failure, until the name is free for it.
template <typename Make>
int make_in_place(FdRef directory, const std::string& base, const std::string& member, Make make) {
  int result = make();
  for (int attempt = 0; result == -1 && errno == EEXIST && attempt < kAttempts; ++attempt) {
    make_room(directory, base, member);
    result = make();
  }
  if (result == -1) throw_errno("make '{}'", member);
  return result;
}

mode_t node_type(MemberType type) noexcept {
  if (type == MemberType::CharacterDevice) return S_IFCHR;
  return type == MemberType::BlockDevice ? S_IFBLK : S_IFIFO;
}

/// Copies the current member's content; returns where it ends.
uint64_t copy_content(FdRef file, const Member& member, TarReader& reader) {
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
    }
    end = std::max(end, offset);
  }
  return end;
}

/// In one call what is there and can be reached without any link; otherwise, and on kernels before 5.6, an invalid
/// descriptor: the way is then taken step by step.
Fd open_without_links(FdRef directory, const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  return Fd(sys::openat2(directory.get(), path.empty() ? "." : path.c_str(), how));
}

void refuse_kernel_directory(FdRef directory, const std::string& member) {
  if (is_kernel_file(directory))
    throw_error(ErrorKind::Denied, "cannot write '{}': its directory is not one of files but a view of the kernel",
                member);
}

}  // namespace

void MergeWriter::write(Member member, TarReader& reader) {
  if (++members_ > kMostMembers) throw_error(ErrorKind::Invalid, "more than {} members", kMostMembers);
  if (member.name.empty()) {
    // The directory itself, which is there and keeps its attributes, as in Docker.
    if (member.type != MemberType::Directory) throw_error(ErrorKind::Invalid, "the archive's top is not a directory");
    return;
  }
  give_owner(member);
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

void MergeWriter::give_owner(Member& member) const {
  if (!target_.owner) return;
  // A program that was somebody's own must not become one that runs as somebody else, least of all as root.
  if (member.type != MemberType::Directory) {
    if (member.uid != target_.owner->uid) member.mode &= ~static_cast<mode_t>(S_ISUID);
    if (member.gid != target_.owner->gid) member.mode &= ~static_cast<mode_t>(S_ISGID);
  }
  // A container can make any device; out here, where it can be opened, it must not give one to everybody.
  if (member.type == MemberType::CharacterDevice || member.type == MemberType::BlockDevice)
    member.mode &= static_cast<mode_t>(S_IRWXU);
  member.uid = target_.owner->uid;
  member.gid = target_.owner->gid;
}

MergeWriter::Place MergeWriter::place_of(const std::string& name) {
  auto [parent, base] = split(name);
  if (!parent_.valid() || parent_path_ != parent) {
    parent_ = Fd();
    parent_ = open_directory(parent, name);
    parent_path_ = std::move(parent);
  }
  return {parent_.ref(), std::move(base)};
}

/// Directories that the archive leaves out come into being as mkdir -p makes them.
Fd MergeWriter::open_directory(const std::string& path, const std::string& member) const {
  Fd directory = open_without_links(target_.directory, path);
  if (directory.valid()) {
    refuse_kernel_directory(directory.ref(), member);
    return directory;
  }
  directory = duplicate(target_.directory);
  for (size_t start = 0; start < path.size();) {
    const size_t end = std::min(path.find('/', start), path.size());
    // In two steps: the directory that is left must stay open until the next one is.
    Fd next = open_or_make_component(directory.ref(), path.substr(0, end), path.substr(start, end - start));
    directory = std::move(next);
    start = end + 1;
  }
  refuse_kernel_directory(directory.ref(), member);
  return directory;
}

Fd MergeWriter::open_or_make_component(FdRef directory, const std::string& path_so_far, const std::string& base) const {
  constexpr int kFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW;
  for (int attempt = 0;; ++attempt) {
    const int fd = ::openat(directory.get(), base.c_str(), kFlags | O_CLOEXEC);
    if (fd >= 0) return Fd(fd);
    if (errno == ENOTDIR && target_.root)
      return open_in_root(*target_.root, target_.path + "/" + path_so_far, O_PATH | O_DIRECTORY);
    if (errno == ENOTDIR)
      throw_error(ErrorKind::Conflict, "'{}' is not a directory, and cannot be replaced by one", path_so_far);
    if (errno != ENOENT || missing_ == Missing::Fail || attempt == kAttempts)
      throw_errno("open directory '{}'", path_so_far);
    refuse_kernel_directory(directory, path_so_far);
    if (::mkdirat(directory.get(), base.c_str(), 0755) == -1 && errno != EEXIST)
      throw_errno("make directory '{}'", path_so_far);
  }
}

void MergeWriter::write_directory(Member member) {
  const Place place = place_of(member.name);
  if (::mkdirat(place.directory.get(), place.base.c_str(), 0700) == -1 && errno != EEXIST)
    throw_errno("make directory '{}'", member.name);
  const Fd directory(
      ::openat(place.directory.get(), place.base.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory.valid()) {
    if (errno == ENOTDIR)
      throw_error(ErrorKind::Conflict, "cannot overwrite non-directory '{}' with a directory", member.name);
    throw_errno("open directory '{}'", member.name);
  }
  struct stat status {};
  if (::fstat(directory.get(), &status) == -1) throw_errno("inspect '{}'", member.name);
  directories_.push_back({std::move(member), status.st_dev, status.st_ino});
}

void MergeWriter::write_regular(const Member& member, TarReader& reader) {
  if (member.size > kLargestFile)
    throw_error(ErrorKind::Invalid, "member '{}': {} bytes are more than the {} that one file may have", member.name,
                member.size, kLargestFile);
  const Place place = place_of(member.name);
  Fd file(make_in_place(place.directory, place.base, member.name, [&] {
    return ::openat(place.directory.get(), place.base.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    0600);
  }));
  // A hole at the end.
  if (copy_content(file.ref(), member, reader) != member.size &&
      ::ftruncate(file.get(), static_cast<off_t>(member.size)) == -1)
    throw_errno("set the size of '{}'", member.name);
  apply_attributes({file.ref(), {}, member}, std::nullopt, losses_);
  file.close_checked();
}

void MergeWriter::write_symlink(const Member& member) {
  const Place place = place_of(member.name);
  make_in_place(place.directory, place.base, member.name,
                [&] { return ::symlinkat(member.target.c_str(), place.directory.get(), place.base.c_str()); });
  apply_to_unopened(place, member, S_IFLNK);
}

void MergeWriter::write_hard_link(const Member& member) {
  if (member.target == member.name) return;
  const std::pair<std::string, std::string> target = split(member.target);
  // Not place_of: it would close the place of the link.
  const Fd directory = open_directory(target.first, member.target);
  const Place place = place_of(member.name);
  // Without AT_SYMLINK_FOLLOW: a link to a symbolic link is a second name of the link, wherever that leads.
  make_in_place(place.directory, place.base, member.name, [&] {
    return ::linkat(directory.get(), target.second.c_str(), place.directory.get(), place.base.c_str(), 0);
  });
}

void MergeWriter::write_node(const Member& member) {
  const Place place = place_of(member.name);
  const mode_t type = node_type(member.type);
  make_in_place(place.directory, place.base, member.name,
                [&] { return ::mknodat(place.directory.get(), place.base.c_str(), type | 0600, member.device); });
  apply_to_unopened(place, member, type);
}

/// For what must not be opened: links, devices, fifos. By a descriptor all the same, and only if it still is what was
/// made: through the name, chmod(2) would follow a link that has been put in its place.
void MergeWriter::apply_to_unopened(const Place& place, const Member& member, mode_t type) {
  const Fd file(::openat(place.directory.get(), place.base.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!file.valid() || ::fstat(file.get(), &status) == -1 || (status.st_mode & S_IFMT) != type) return;
  if (::fchownat(file.get(), "", member.uid, member.gid, AT_EMPTY_PATH) == -1) {
    if (errno != EPERM && errno != EINVAL) throw_errno("set the owner of '{}'", member.name);
    losses_.note("owners not kept", member.name, errno);
  }
  const timespec times[2] = {member.mtime, member.mtime};
  if (type == S_IFLNK) {
    // utimensat(2) takes an empty path only from Linux 5.8 on; of a link that was swapped, the time is no matter.
    ::utimensat(place.directory.get(), place.base.c_str(), times, AT_SYMLINK_NOFOLLOW);
    return;
  }
  const std::string path = fmt::format("/proc/self/fd/{}", file.get());
  if (::chmod(path.c_str(), member.mode) == -1) throw_errno("set the mode of '{}'", member.name);
  if (::utimensat(AT_FDCWD, path.c_str(), times, 0) == -1) throw_errno("set the time of '{}'", member.name);
}

void MergeWriter::finish() {
  missing_ = Missing::Fail;
  // In reverse: a directory's time changes with what is made in it.
  for (auto unfinished = directories_.rbegin(); unfinished != directories_.rend(); ++unfinished) {
    try {
      finish_directory(*unfinished);
    } catch (const Error& error) {
      // What has been moved away meanwhile is no concern of ours any more.
      if (error.kind() != ErrorKind::NotFound && error.kind() != ErrorKind::Conflict) throw;
    }
  }
  losses_.report();
}

void MergeWriter::finish_directory(const Unfinished& unfinished) {
  const Place place = place_of(unfinished.member.name);
  const Fd directory(
      ::openat(place.directory.get(), place.base.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!directory.valid() || ::fstat(directory.get(), &status) == -1) return;
  if (status.st_dev != unfinished.device || status.st_ino != unfinished.inode) return;
  if (is_kernel_file(directory.ref())) return;  // a mount point: what is mounted there is the kernel's
  apply_attributes({directory.ref(), {}, unfinished.member}, std::nullopt, losses_);
}

}  // namespace myct::image
