// Mounting by descriptors: a mount is made detached and attached where a descriptor says, so that no path is looked up
// twice (fsopen(2), open_tree(2), move_mount(2), mount_setattr(2)). Kernels that lack these calls (before 5.2; before
// 5.12 for the last), and seccomp filters that pretend to, get mount(2) on /proc/self/fd/<target> instead.
#pragma once

#include <string>

#include "myct/base/fd.hpp"
#include "plan.hpp"

namespace myct::engine {

/// Where something is mounted: `target` is what `path` leads to below `root`.
struct MountPoint {
  FdRef root;  ///< AT_FDCWD: `path` is one of this process
  std::string path;
  FdRef target;
};

/// What a bind mount shows, taken before mounts are made private so that it can stay a peer of the host's mount.
class BindSource {
 public:
  /// `path` is relative to `directory`; an empty one means the directory's own descriptor. Throws Error.
  [[nodiscard]] static BindSource open(FdRef directory, const std::string& path, bool recursive);

  /// A detached tree.
  [[nodiscard]] static BindSource made_before(Fd tree);

  [[nodiscard]] bool is_directory() const;
  /// Attaches it, once, and returns a descriptor of the mount. Throws Error.
  [[nodiscard]] Fd attach(const MountPoint& point) &&;

 private:
  Fd fd_;
  bool detached_ = false;  ///< a detached clone; otherwise the place to bind from
  bool recursive_ = false;
};

/// Mounts a new instance of plan.type and returns a descriptor of it. Throws Error with the kernel's own words where it
/// left any in the context's log.
[[nodiscard]] Fd mount_filesystem(const MountPlan& plan, const MountPoint& point);

/// Applies attributes and propagation to a mount that is attached. Throws Error.
void set_mount_attributes(FdRef mount, const MountPlan& plan);

}  // namespace myct::engine
