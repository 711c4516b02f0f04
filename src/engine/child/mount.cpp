#include "child/mount.hpp"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "myct/base/error.hpp"

// <linux/mount.h> and glibc's <sys/mount.h> define the same constants; both are needed for mount_attr and fsopen.

namespace myct::engine {
namespace {

/// What the kernel wrote into a file system context's log ("e overlay: ...", fsopen(2)), or nothing.
std::string context_log(FdRef context) {
  std::string text;
  char line[256];
  for (;;) {
    const ssize_t got = ::read(context.get(), line, sizeof line);
    if (got <= 2) return text;
    if (!text.empty()) text += "; ";
    text.append(line + 2, static_cast<size_t>(got) - 2);
    while (!text.empty() && text.back() == '\n') text.pop_back();
  }
}

[[noreturn]] void throw_mount_error(const MountPlan& plan, FdRef context, std::string_view what) {
  const int errnum = errno;
  std::string hint = context_log(context);
  if (hint.empty() && errnum == ENOSPC) hint = "the limit fs.mount-max is reached";
  if (hint.empty() && errnum == ENODEV) hint = "this kernel has no file system of that name";
  throw Error(kind_of_errno(errnum), fmt::format("mount {} on '{}'{}", plan.type, plan.destination, what), errnum, hint);
}

void set_parameter(const MountPlan& plan, FdRef context, const std::string& key, const std::string& value) {
  const bool is_flag = value.empty();
  if (::fsconfig(context.get(), is_flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, key.c_str(),
                 is_flag ? nullptr : value.c_str(), 0) == -1)
    throw_mount_error(plan, context, fmt::format(", option '{}{}{}'", key, is_flag ? "" : "=", value));
}

}  // namespace

Fd make_filesystem(const MountPlan& plan) {
  const Fd context(::fsopen(plan.type.c_str(), FSOPEN_CLOEXEC));
  if (!context.valid()) throw_mount_error(plan, context.ref(), "");
  if (!plan.source.empty()) set_parameter(plan, context.ref(), "source", plan.source);
  for (const auto& [key, value] : plan.parameters) set_parameter(plan, context.ref(), key, value);
  if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == -1)
    throw_mount_error(plan, context.ref(), "");
  Fd mount(::fsmount(context.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(plan.attributes_set)));
  if (!mount.valid()) throw_mount_error(plan, context.ref(), "");
  return mount;
}

Fd clone_tree(FdRef directory, const std::string& path, bool recursive) {
  const unsigned flags = static_cast<unsigned>(OPEN_TREE_CLONE) | static_cast<unsigned>(OPEN_TREE_CLOEXEC) |
                         (path.empty() ? AT_EMPTY_PATH : 0U) | (recursive ? AT_RECURSIVE : 0U);
  Fd tree(::open_tree(directory.get(), path.c_str(), flags));
  if (!tree.valid()) throw_errno("bind '{}'", path);
  return tree;
}

void set_mount_attributes(FdRef mount, const MountPlan& plan) {
  mount_attr attributes{};
  attributes.attr_set = plan.attributes_set;
  attributes.attr_clr = plan.attributes_cleared;
  if (attributes.attr_set != 0 || attributes.attr_clr != 0) {
    const unsigned flags = AT_EMPTY_PATH | (plan.recursive_attributes ? AT_RECURSIVE : 0U);
    if (::mount_setattr(mount.get(), "", flags, &attributes, sizeof attributes) == -1)
      throw_errno("set the options of mount '{}'", plan.destination);
  }
  if (plan.propagation == 0) return;
  mount_attr propagation{};
  propagation.propagation = plan.propagation;
  const unsigned flags = AT_EMPTY_PATH | (plan.recursive_propagation ? AT_RECURSIVE : 0U);
  if (::mount_setattr(mount.get(), "", flags, &propagation, sizeof propagation) == -1)
    throw_errno("set the propagation of mount '{}'", plan.destination);
}

void attach_mount(FdRef mount, FdRef target, const std::string& name) {
  if (::move_mount(mount.get(), "", target.get(), "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == -1)
    throw_errno("mount on '{}'", name);
}

}  // namespace myct::engine
