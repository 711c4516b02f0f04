// Mounting by descriptors: a mount is made detached, given its attributes, and only then attached where a descriptor
// says, so that no path is looked up twice (fsopen(2), open_tree(2), mount_setattr(2), move_mount(2)).
#pragma once

#include <string>

#include "myct/base/fd.hpp"
#include "plan.hpp"

namespace myct::engine {

/// A mount of a new file system instance, attached nowhere yet. Throws Error with the kernel's own words where it
/// left any in the context's log.
[[nodiscard]] Fd make_filesystem(const MountPlan& plan);
/// A copy of the mount or tree at `path`, attached nowhere yet. Throws Error.
[[nodiscard]] Fd clone_tree(FdRef directory, const std::string& path, bool recursive);
/// Applies attributes and propagation to a detached mount. Throws Error.
void set_mount_attributes(FdRef mount, const MountPlan& plan);
/// Attaches a detached mount on what `target` refers to. Throws Error; `name` is for the message.
void attach_mount(FdRef mount, FdRef target, const std::string& name);

}  // namespace myct::engine
