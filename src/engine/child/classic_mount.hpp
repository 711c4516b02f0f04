// mount(2), for kernels without the calls of mount.cpp. Everything is named by /proc/self/fd/<n>, which leads to
// the object that the descriptor refers to and not to whatever has its path now.
#pragma once

#include <string>

#include "myct/base/fd.hpp"
#include "plan.hpp"

namespace myct::engine {

/// "/proc/self/fd/<n>".
[[nodiscard]] std::string descriptor_path(FdRef fd);

/// What to say when the kernel's text for a failed mount misleads; empty if it does not.
[[nodiscard]] std::string mount_hint(int errnum);

/// Mounts plan.type on `target`. Throws Error.
void mount_classic(const MountPlan& plan, FdRef target);
/// Binds `source` on `target`. Throws Error; `name` is for the message.
void bind_classic(FdRef source, FdRef target, bool recursive, const std::string& name);
/// Sets the attributes of the one mount that `mount` is the root of; recursive ones are beyond mount(2), which is
/// said at info level. Throws Error.
void remount_classic(FdRef mount, const MountPlan& plan);

}  // namespace myct::engine
