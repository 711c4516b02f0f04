// Makes the container's root file system and enters it. Runs as root with CAP_SYS_ADMIN, in the new mount namespace.
//
// Order matters: the sources of binds are taken while the host's mounts are still shared (a volume that asks for slave
// or shared propagation has to be a peer of the host's mount), then everything is made private, then the root is
// mounted, then what lies on it, in the order of config.json. The mounts die with this mount namespace; nothing is
// undone by hand. See pivot_root(2), mount_setattr(2), Documentation/filesystems/{overlayfs,sharedsubtree}.rst,
// config-linux.md.
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child/copy_up.hpp"
#include "child/mount.hpp"
#include "child/paths.hpp"
#include "child/steps.hpp"
#include "myct/base/file.hpp"
#include "myct/base/syscall.hpp"

namespace myct::engine {
namespace {

/// /proc and /sys themselves must not be links: an image could point them elsewhere and have us write there
/// (CVE-2019-19921).
Fd open_kernel_mount_point(FdRef root, const std::string& destination) {
  const SplitPath split = split_path(destination);
  const Fd parent = open_or_make_directory(root, split.parent);
  make_directory_at(parent.ref(), split.base);
  const int fd = ::openat(parent.get(), split.base.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd == -1) throw_errno("open '{}' (it must be a plain directory)", destination);
  return Fd(fd);
}

Fd open_mount_point(FdRef root, const MountPlan& plan, bool directory) {
  if (plan.type == "proc" || plan.type == "sysfs") return open_kernel_mount_point(root, plan.destination);
  try {
    return directory ? open_or_make_directory(root, plan.destination) : open_or_make_file(root, plan.destination);
  } catch (Error& error) {
    error.add_context(
        fmt::format("mount '{}' on '{}'", plan.source.empty() ? plan.type : plan.source, plan.destination));
    throw;
  }
}

void pivot() {
  // With both arguments the same, the old root is stacked on the new one and can be unmounted by "." (pivot_root(2)).
  if (sys::pivot_root(".", ".") == -1) throw_errno("pivot into the root file system");
  if (::umount2(".", MNT_DETACH) == -1) throw_errno("detach the host's root file system");
}

/// The initial ramfs cannot be pivoted away from: the new root is put on top of it (switch_root(8)). /proc and /sys of
/// the host would otherwise still be there below.
void move_root() {
  if (::mount(".", "/", nullptr, MS_MOVE, nullptr) == -1) throw_errno("move the root file system to '/'");
  if (::chroot(".") == -1) throw_errno("change the root directory");
}

}  // namespace

std::vector<BindSource> open_bind_sources(const std::vector<MountPlan>& mounts) {
  std::vector<BindSource> sources;
  for (const MountPlan& plan : mounts) {
    if (plan.kind != MountKind::Bind) continue;
    if (plan.detached.valid())
      sources.push_back(BindSource::made_before(duplicate(plan.detached.ref())));
    else
      sources.push_back(BindSource::open(FdRef(AT_FDCWD), plan.source, plan.recursive_bind));
  }
  return sources;
}

void make_mounts_private() {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == -1) throw_errno("make '/' private");
}

Fd mount_rootfs(const RootfsPlan& rootfs, FdRef target) {
  const MountPoint point{.root = FdRef(AT_FDCWD), .path = rootfs.path, .target = target};
  if (rootfs.own_mount) return mount_filesystem(*rootfs.own_mount, point);
  // pivot_root(2) wants a mount point: the directory is bound on itself.
  return BindSource::open(target, "", /*recursive=*/true).attach(point);
}

void mount_volumes(FdRef root, const std::vector<MountPlan>& mounts, std::vector<BindSource> sources) {
  auto next_source = sources.begin();
  for (const MountPlan& plan : mounts) {
    const bool is_bind = plan.kind == MountKind::Bind;
    const Fd target = open_mount_point(root, plan, !is_bind || next_source->is_directory());
    const MountPoint point{.root = root, .path = plan.destination, .target = target.ref()};
    const Fd mount = is_bind ? std::move(*next_source++).attach(point) : mount_filesystem(plan, point);
    if (plan.copy_up) copy_up(target.ref(), mount.ref());
    if (is_bind || plan.propagation != 0) set_mount_attributes(mount.ref(), plan);
  }
}

void change_root(FdRef root, const ChildPlan& plan) {
  if (::fchdir(root.get()) == -1) throw_errno("enter the root file system");
  if (plan.root_change == RootChange::Pivot)
    pivot();
  else
    move_root();
  if (::chdir("/") == -1) throw_errno("change directory to '/'");
  const uint64_t propagation = plan.rootfs.propagation;
  if (propagation != 0 && ::mount(nullptr, "/", nullptr, propagation, nullptr) == -1)
    throw_errno("set the propagation of the root file system");
}

void make_root_readonly() {
  MountPlan plan;
  plan.destination = "/";
  plan.attributes_set = MOUNT_ATTR_RDONLY;
  set_mount_attributes(open_path("/", O_PATH | O_DIRECTORY).ref(), plan);
}

}  // namespace myct::engine
