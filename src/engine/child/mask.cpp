// Hides and protects paths of the kernel's file systems and writes sysctls. Runs inside the new root, where /proc and
// /sys are ours; every file is opened once and checked before it is covered or written (CVE-2025-31133: a /dev/null
// swapped for a link; CVE-2025-52881: a /proc file that is none).
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "child/mount.hpp"
#include "child/steps.hpp"
#include "myct/base/file.hpp"

namespace myct::engine {
namespace {

/// Covers files by the null device and directories by an empty read-only tmpfs, each made once and cloned.
class Covers {
 public:
  Fd for_file() {
    if (!null_.valid()) {
      null_ = open_path("/dev/null", O_PATH | O_NOFOLLOW);
      struct stat status {};
      if (::fstat(null_.get(), &status) == -1) throw_errno("inspect '/dev/null'");
      if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3))
        throw_error(ErrorKind::Denied, "'/dev/null' is not the null device");
    }
    return clone_tree(null_.ref(), "", /*recursive=*/false);
  }

  Fd for_directory() {
    if (!empty_.valid()) {
      MountPlan plan;
      plan.type = "tmpfs";
      plan.source = "tmpfs";
      plan.destination = "a masked path";
      plan.parameters = {{"nr_blocks", "1"}, {"nr_inodes", "1"}};
      plan.attributes_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
      empty_ = make_filesystem(plan);
      return duplicate(empty_.ref());
    }
    return clone_tree(empty_.ref(), "", /*recursive=*/false);
  }

 private:
  Fd null_;
  Fd empty_;
};

void mask_path(const std::string& path, Covers& covers) {
  const std::optional<Fd> target = try_open_path(path, O_PATH);
  if (!target) return;
  struct stat status {};
  if (::fstat(target->get(), &status) == -1) throw_errno("inspect '{}'", path);
  const Fd cover = S_ISDIR(status.st_mode) ? covers.for_directory() : covers.for_file();
  attach_mount(cover.ref(), target->ref(), path);
}

void protect_path(const std::string& path) {
  const std::optional<Fd> target = try_open_path(path, O_PATH);
  if (!target) return;
  const Fd copy = clone_tree(target->ref(), "", /*recursive=*/true);
  MountPlan plan;
  plan.destination = path;
  plan.attributes_set = MOUNT_ATTR_RDONLY;
  plan.recursive_attributes = true;
  set_mount_attributes(copy.ref(), plan);
  attach_mount(copy.ref(), target->ref(), path);
}

}  // namespace

void write_sysctls(const std::vector<std::pair<std::string, std::string>>& sysctls) {
  for (const auto& [name, value] : sysctls) {
    const std::string path = "/proc/sys/" + name;
    const Fd fd = open_path(path, O_WRONLY | O_NOFOLLOW);
    struct statfs status {};
    if (::fstatfs(fd.get(), &status) == -1) throw_errno("inspect '{}'", path);
    if (status.f_type != PROC_SUPER_MAGIC) throw_error(ErrorKind::Denied, "'{}' is not the kernel's", path);
    write_all(fd.ref(), value, path);
  }
}

void mask_paths(const std::vector<std::string>& masked, const std::vector<std::string>& readonly) {
  Covers covers;
  for (const std::string& path : readonly) protect_path(path);
  for (const std::string& path : masked) mask_path(path, covers);
}

}  // namespace myct::engine
