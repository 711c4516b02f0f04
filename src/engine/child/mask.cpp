// Hides and protects paths of the kernel's file systems and writes sysctls. Runs inside the new root, where /proc and
// /sys are ours; every file is opened once and checked before it is covered or written (CVE-2025-31133: a /dev/null
// swapped for a link; CVE-2025-52881: a /proc file that is none).
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "child/mount.hpp"
#include "child/paths.hpp"
#include "child/steps.hpp"
#include "myct/base/file.hpp"

namespace myct::engine {
namespace {

/// Covers files by the null device and directories by an empty read-only tmpfs, opened or made once.
class Covers {
 public:
  void cover_file(const MountPoint& point) {
    if (!null_.valid()) {
      null_ = open_path("/dev/null", O_PATH | O_NOFOLLOW);
      struct stat status {};
      if (::fstat(null_.get(), &status) == -1) throw_errno("inspect '/dev/null'");
      if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3))
        throw_error(ErrorKind::Denied, "'/dev/null' is not the null device");
    }
    (void)BindSource::open(null_.ref(), "", /*recursive=*/false).attach(point);
  }

  void cover_directory(const MountPoint& point) {
    if (empty_.valid()) {
      (void)BindSource::open(empty_.ref(), "", /*recursive=*/false).attach(point);
      return;
    }
    MountPlan plan;
    plan.type = "tmpfs";
    plan.source = "tmpfs";
    plan.destination = point.path;
    plan.parameters = {{"nr_blocks", "1"}, {"nr_inodes", "1"}};
    plan.attributes_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    empty_ = mount_filesystem(plan, point);
  }

 private:
  Fd null_;
  Fd empty_;
};

void mask_path(const std::string& path, Covers& covers) {
  const std::optional<Fd> target = try_open_path(path, O_PATH);
  if (!target) return;
  const MountPoint point{.root = FdRef(AT_FDCWD), .path = path, .target = target->ref()};
  struct stat status {};
  if (::fstat(target->get(), &status) == -1) throw_errno("inspect '{}'", path);
  if (S_ISDIR(status.st_mode))
    covers.cover_directory(point);
  else
    covers.cover_file(point);
}

void protect_path(const std::string& path) {
  const std::optional<Fd> target = try_open_path(path, O_PATH);
  if (!target) return;
  const Fd copy = BindSource::open(target->ref(), "", /*recursive=*/true)
                      .attach({.root = FdRef(AT_FDCWD), .path = path, .target = target->ref()});
  MountPlan plan;
  plan.destination = path;
  plan.attributes_set = MOUNT_ATTR_RDONLY;
  set_mount_attributes(copy.ref(), plan);
}

}  // namespace

void write_sysctls(const std::vector<std::pair<std::string, std::string>>& sysctls) {
  for (const auto& [name, value] : sysctls) write_proc_file("/proc/sys/" + name, value);
}

void mask_paths(const std::vector<std::string>& masked, const std::vector<std::string>& readonly) {
  Covers covers;
  for (const std::string& path : readonly) protect_path(path);
  for (const std::string& path : masked) mask_path(path, covers);
}

}  // namespace myct::engine
