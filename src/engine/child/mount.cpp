#include "child/mount.hpp"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <string>

#include "child/classic_mount.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"

namespace myct::engine {
namespace {

constexpr size_t kLongestParameter = 255;  // fsconfig(2), FSCONFIG_SET_STRING

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
  if (hint.empty()) hint = mount_hint(errnum);
  throw Error(kind_of_errno(errnum), fmt::format("mount {} on '{}'{}", plan.type, plan.destination, what), errnum,
              hint);
}

void set_parameter(const MountPlan& plan, FdRef context, const std::string& key, const std::string& value) {
  const bool is_flag = value.empty();
  if (::fsconfig(context.get(), is_flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, key.c_str(),
                 is_flag ? nullptr : value.c_str(), 0) == -1)
    throw_mount_error(plan, context, fmt::format(", option '{}{}{}'", key, is_flag ? "" : "=", value));
}

/// A mount that is attached nowhere yet. Throws Error; ENOSYS when the kernel has no fsopen(2).
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

/// fsconfig(2) takes short values only, and overlayfs its layers one by one ("lowerdir+") only from Linux 6.8 on.
bool must_be_classic(const MountPlan& plan) {
  for (const auto& [key, value] : plan.parameters)
    if (value.size() > kLongestParameter) return true;
  return false;
}

bool may_be_an_older_kernel(const MountPlan& plan, const Error& error) {
  return error.errnum() == ENOSYS || (plan.type == "overlay" && error.errnum() == EINVAL);
}

void attach(FdRef mount, const MountPoint& point) {
  if (::move_mount(mount.get(), "", point.target.get(), "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == -1)
    throw_errno("mount on '{}'", point.path);
}

/// The root of what has been mounted over point.target, which itself still refers to what is below.
Fd reopen(const MountPoint& point) {
  if (point.root.get() == AT_FDCWD) return open_path(point.path, O_PATH);
  return open_in_root(point.root, point.path, O_PATH);
}

}  // namespace

BindSource BindSource::open(FdRef directory, const std::string& path, bool recursive) {
  BindSource source;
  source.recursive_ = recursive;
  const unsigned empty = path.empty() ? static_cast<unsigned>(AT_EMPTY_PATH) : 0U;
  const unsigned flags = static_cast<unsigned>(OPEN_TREE_CLONE) | static_cast<unsigned>(OPEN_TREE_CLOEXEC) | empty |
                         (recursive ? static_cast<unsigned>(AT_RECURSIVE) : 0U);
  source.fd_ = Fd(::open_tree(directory.get(), path.c_str(), flags));
  source.detached_ = source.fd_.valid();
  if (source.detached_) return source;
  if (errno != ENOSYS) throw_errno("bind '{}'", path);
  source.fd_ = path.empty() ? duplicate(directory) : open_at(directory, path, O_PATH);
  return source;
}

BindSource BindSource::made_before(Fd tree) {
  BindSource source;
  source.fd_ = std::move(tree);
  source.detached_ = true;
  return source;
}

bool BindSource::is_directory() const {
  struct stat status {};
  if (::fstat(fd_.get(), &status) == -1) throw_errno("inspect a bind mount's source");
  return S_ISDIR(status.st_mode);
}

Fd BindSource::attach(const MountPoint& point) && {
  if (detached_) {
    engine::attach(fd_.ref(), point);
    return std::move(fd_);
  }
  bind_classic(fd_.ref(), point.target, recursive_, point.path);
  return reopen(point);
}

Fd mount_filesystem(const MountPlan& plan, const MountPoint& point) {
  if (!must_be_classic(plan)) {
    try {
      Fd mount = make_filesystem(plan);
      attach(mount.ref(), point);
      return mount;
    } catch (const Error& error) {
      if (!may_be_an_older_kernel(plan, error)) throw;
    }
  }
  mount_classic(plan, point.target);
  return reopen(point);
}

void set_mount_attributes(FdRef mount, const MountPlan& plan) {
  mount_attr attributes{};
  attributes.attr_set = plan.attributes_set;
  attributes.attr_clr = plan.attributes_cleared;
  if (attributes.attr_set != 0 || attributes.attr_clr != 0) {
    const unsigned flags =
        static_cast<unsigned>(AT_EMPTY_PATH) | (plan.recursive_attributes ? static_cast<unsigned>(AT_RECURSIVE) : 0U);
    if (::mount_setattr(mount.get(), "", flags, &attributes, sizeof attributes) == -1) {
      if (errno != ENOSYS) throw_errno("set the options of mount '{}'", plan.destination);
      remount_classic(mount, plan);
    }
  }
  if (plan.propagation == 0) return;
  const unsigned long flags =
      plan.propagation | (plan.recursive_propagation ? static_cast<unsigned long>(MS_REC) : 0UL);
  if (::mount(nullptr, descriptor_path(mount).c_str(), nullptr, flags, nullptr) == -1)
    throw_errno("set the propagation of mount '{}'", plan.destination);
}

}  // namespace myct::engine
