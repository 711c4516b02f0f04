// Out of a tree into a tar stream. The tree may belong to a program that is changing it: each name is opened once,
// with O_PATH and O_NOFOLLOW, which neither waits for a fifo nor wakes a device, and what has then been opened is what
// is packed. Only what proves to be a regular file or a directory is opened for reading, through that descriptor.
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <map>

#include "attributes.hpp"
#include "beneath.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/image/archive.hpp"
#include "tar_writer.hpp"
#include "tree_writer.hpp"

namespace myct::image {
namespace {

constexpr size_t kBufferSize = 256 << 10;
/// A file with more pieces than that is packed with its holes: the list of them would be no shorter.
constexpr size_t kMostRegions = 10'000;

std::string descriptor_path(FdRef fd) { return fmt::format("/proc/self/fd/{}", fd.get()); }

struct stat inspect(FdRef file, const std::string& name) {
  struct stat status {};
  if (::fstat(file.get(), &status) == -1) throw_errno("inspect '{}'", name);
  return status;
}

MemberType type_of(mode_t mode) noexcept {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return MemberType::Regular;
    case S_IFDIR:
      return MemberType::Directory;
    case S_IFLNK:
      return MemberType::Symlink;
    case S_IFCHR:
      return MemberType::CharacterDevice;
    case S_IFBLK:
      return MemberType::BlockDevice;
    case S_IFIFO:
      return MemberType::Fifo;
    default:
      return MemberType::Other;
  }
}

// Buffers below are on the heap: the tree is walked by recursion, and whoever made it chose how deep it is.

std::string read_link(FdRef link, const std::string& name) {
  std::string target(PATH_MAX, '\0');
  const ssize_t length = ::readlinkat(link.get(), "", target.data(), target.size());
  if (length == -1) throw_errno("read symbolic link '{}'", name);
  target.resize(static_cast<size_t>(length));
  return target;
}

/// Where data lies in a file with holes; none: the file has no holes, or too many.
std::vector<DataRegion> find_regions(FdRef file, const struct stat& status) {
  constexpr off_t kStatBlock = 512;
  if (status.st_blocks >= (status.st_size + kStatBlock - 1) / kStatBlock) return {};
  std::vector<DataRegion> regions;
  off_t position = 0;
  while (position < status.st_size && regions.size() <= kMostRegions) {
    const off_t start = ::lseek(file.get(), position, SEEK_DATA);
    if (start == -1 || start >= status.st_size) break;  // ENXIO: only a hole is left
    off_t end = ::lseek(file.get(), start, SEEK_HOLE);
    if (end <= start) return {};  // truncated meanwhile
    end = std::min<off_t>(end, status.st_size);
    regions.push_back({static_cast<uint64_t>(start), static_cast<uint64_t>(end - start)});
    position = end;
  }
  if (regions.size() > kMostRegions) return {};
  if (regions.empty()) regions.push_back({static_cast<uint64_t>(status.st_size), 0});
  return regions;
}

/// Where another file system, or another part of one, is mounted.
bool is_mount_root(FdRef file) {
  struct statx status {};
  if (::statx(file.get(), "", AT_EMPTY_PATH, STATX_TYPE, &status) == -1) throw_errno("inspect a file");
  return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

/// overlayfs.rst, "metadata only copy up" and "redirect_dir": where the kernel was told to do so.
void check_is_whole(FdRef file, const std::string& name) {
  for (const char* attribute : {"trusted.overlay.metacopy", "trusted.overlay.redirect"})
    if (::getxattr(descriptor_path(file).c_str(), attribute, nullptr, 0) >= 0)
      throw Error(ErrorKind::Unsupported, fmt::format("'{}' is only in part in the container's own layer", name), 0,
                  "write N to /sys/module/overlay/parameters/metacopy and redirect_dir before it is started");
}

enum class Depth : uint8_t { All, One };

class Packer {
 public:
  struct Options {
    TarForm form = TarForm::Exact;
    Mounts mounts = Mounts::Include;
    Depth depth = Depth::All;
  };
  Packer(FdRef out, Options options) : writer_(out, options.form), options_(options), buffer_(kBufferSize) {}

  void pack(FdRef file, const std::string& name);
  void pack_whiteout(const std::string& name);
  uint64_t finish() {
    writer_.finish();
    losses_.report();
    return writer_.bytes_written();
  }

 private:
  void pack_directory(FdRef file, Member member, bool is_covered);
  void pack_children(FdRef directory, const std::string& name);
  void pack_regular(FdRef file, Member member, const struct stat& status);
  void pack_content(FdRef content, const Member& member, const std::vector<DataRegion>& regions);
  bool pack_as_hard_link(const Member& member, const struct stat& status);
  void write_zeros(uint64_t count);

  TarWriter writer_;
  Options options_;
  std::vector<uint8_t> buffer_;
  const std::vector<uint8_t> zeros_ = std::vector<uint8_t>(kBufferSize);
  std::map<std::pair<dev_t, ino_t>, std::string> linked_;  ///< the first name of each file that has several
  Losses losses_;
};

void Packer::pack(FdRef file, const std::string& name) {
  if (name.size() >= PATH_MAX) throw_error(ErrorKind::Invalid, "'{}…': the path is too long", name.substr(0, 40));
  const struct stat status = inspect(file, name);
  Member member{.name = name.empty() ? "./" : name};
  member.type = type_of(status.st_mode);
  member.mode = status.st_mode & 07777;
  member.uid = status.st_uid;
  member.gid = status.st_gid;
  member.mtime = status.st_mtim;
  const bool is_covered = options_.mounts == Mounts::LeaveOut && !name.empty() && is_mount_root(file);
  if (member.type == MemberType::Directory) return pack_directory(file, std::move(member), is_covered);
  if (is_covered) {
    member.type = MemberType::Regular;
    return writer_.begin(member);
  }
  if (member.type == MemberType::Other) return losses_.note("sockets skipped", name, 0);
  if (is_kernel_file(file)) return losses_.note("files of the kernel skipped", name, 0);
  if (pack_as_hard_link(member, status)) return;
  if (member.type == MemberType::Regular) return pack_regular(file, std::move(member), status);
  if (member.type == MemberType::Symlink) member.target = read_link(file, name);
  member.device = status.st_rdev;
  writer_.begin(member);
}

void Packer::pack_whiteout(const std::string& name) {
  const auto [parent, base] = split_name(name);
  Member member{.name = parent.empty() ? fmt::format(".wh.{}", base) : fmt::format("{}/.wh.{}", parent, base)};
  member.type = MemberType::Regular;
  writer_.begin(member);
}

bool Packer::pack_as_hard_link(const Member& member, const struct stat& status) {
  if (status.st_nlink < 2) return false;
  const auto [found, is_new] = linked_.try_emplace({status.st_dev, status.st_ino}, member.name);
  if (is_new) return false;
  Member link = member;
  link.type = MemberType::HardLink;
  link.target = found->second;
  writer_.begin(link);
  return true;
}

void Packer::pack_directory(FdRef file, Member member, bool is_covered) {
  const Fd directory = open_at(file, ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  member.xattrs = read_xattrs(directory.ref());
  if (!member.name.ends_with('/')) member.name += '/';
  writer_.begin(member);
  // What lies below a mount point of the kernel's is no file of anybody's; some of it acts when it is read.
  if (options_.depth == Depth::All && !is_covered && !is_kernel_file(file)) pack_children(directory.ref(), member.name);
}

void Packer::pack_children(FdRef directory, const std::string& name) {
  std::vector<std::string> children = list_directory(descriptor_path(directory), Hidden::Include);
  std::ranges::sort(children);
  for (const std::string& child : children) {
    const std::optional<Fd> file = try_open_at(directory, child, O_PATH | O_NOFOLLOW);
    if (file) pack(file->ref(), name + child);  // else: gone meanwhile
  }
}

void Packer::pack_regular(FdRef file, Member member, const struct stat& status) {
  const Fd content = open_path(descriptor_path(file), O_RDONLY | O_NONBLOCK | O_NOCTTY);
  member.size = static_cast<uint64_t>(status.st_size);
  if (member.size > kLargestFile)
    throw_error(ErrorKind::Invalid, "'{}': {} bytes are more than the {} that one file may have", member.name,
                member.size, kLargestFile);
  member.xattrs = read_xattrs(content.ref());
  std::vector<DataRegion> regions;
  if (options_.form == TarForm::Exact) regions = find_regions(content.ref(), status);
  writer_.begin(member, regions);
  if (regions.empty()) regions = {{0, member.size}};
  pack_content(content.ref(), member, regions);
}

void Packer::pack_content(FdRef content, const Member& member, const std::vector<DataRegion>& regions) {
  uint64_t position = 0;
  for (const DataRegion& region : regions) {
    write_zeros(region.offset - position);
    position = region.offset;
    const uint64_t end = region.offset + region.length;
    while (position < end) {
      const size_t wanted = std::min<uint64_t>(buffer_.size(), end - position);
      const ssize_t got = ::pread(content.get(), buffer_.data(), wanted, static_cast<off_t>(position));
      if (got == -1 && errno == EINTR) continue;
      if (got == -1) throw_errno("read '{}'", member.name);
      if (got == 0) {
        losses_.note("files that shrank meanwhile, filled up with zeros", member.name, 0);
        return;
      }
      writer_.write({buffer_.data(), static_cast<size_t>(got)});
      position += static_cast<uint64_t>(got);
    }
  }
  write_zeros(member.size - position);
}

void Packer::write_zeros(uint64_t count) {
  while (count > 0) {
    const size_t piece = std::min<uint64_t>(zeros_.size(), count);
    writer_.write({zeros_.data(), piece});
    count -= piece;
  }
}

}  // namespace

bool is_kernel_file(FdRef file) {
  constexpr std::array<uint32_t, 12> kMagics = {
      PROC_SUPER_MAGIC, SYSFS_MAGIC,  CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC,
      SECURITYFS_MAGIC, BPF_FS_MAGIC, PSTOREFS_MAGIC,     EFIVARFS_MAGIC,      SELINUX_MAGIC, BINFMTFS_MAGIC,
  };
  struct statfs status {};
  if (::fstatfs(file.get(), &status) == -1) throw_errno("inspect a file system");
  return std::ranges::find(kMagics, static_cast<uint32_t>(status.f_type)) != kMagics.end();
}

uint64_t write_tar(const PackSource& source, TarForm form, FdRef out, Mounts mounts) {
  Packer packer(out, {.form = form, .mounts = mounts});
  packer.pack(source.file, source.name);
  return packer.finish();
}

uint64_t write_layer(FdRef upper, const std::vector<LayerChange>& changes, FdRef out) {
  Packer packer(out, {.form = TarForm::Portable, .depth = Depth::One});
  for (const LayerChange& change : changes) {
    const std::string name = change.path.substr(1);
    if (change.is_deleted) {
      packer.pack_whiteout(name);
      continue;
    }
    const Fd file(open_beneath(upper, name, O_PATH | O_NOFOLLOW));
    if (!file.valid()) continue;  // gone meanwhile
    check_is_whole(file.ref(), change.path);
    packer.pack(file.ref(), name);
  }
  return packer.finish();
}

}  // namespace myct::image
