// Device nodes and links in the container's /dev, a tmpfs that mount_volumes has just made.
//
// Where that tmpfs is "nodev", each node is bound on itself without that option: these few can be opened, and no other
// that a program makes, there or anywhere else.
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "child/mount.hpp"
#include "child/paths.hpp"
#include "child/steps.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"

namespace myct::engine {
namespace {

struct DeviceLink {
  const char* name;
  const char* target;
};

// config-linux.md, "Dev symbolic links" and "Default devices" (ptmx).
constexpr std::array kLinks = {
    DeviceLink{"fd", "/proc/self/fd"},       DeviceLink{"stdin", "/proc/self/fd/0"},
    DeviceLink{"stdout", "/proc/self/fd/1"}, DeviceLink{"stderr", "/proc/self/fd/2"},
    DeviceLink{"ptmx", "pts/ptmx"},
};

void make_link(FdRef dev, const DeviceLink& link) {
  if (::symlinkat(link.target, dev.get(), link.name) == -1 && errno != EEXIST)
    throw_errno("make link '/dev/{}'", link.name);
}

bool is_device(FdRef node, const DevicePlan& device) {
  struct stat status {};
  return ::fstat(node.get(), &status) == 0 && (status.st_mode & S_IFMT) == (device.mode & S_IFMT) &&
         status.st_rdev == device.device;
}

/// Where mknod is not allowed (no CAP_MKNOD, a user namespace), the host's own node is bound instead.
void bind_host_node(FdRef root, const DevicePlan& device) {
  const Fd target = open_or_make_file(root, device.path);
  const Fd mount = BindSource::open(FdRef(AT_FDCWD), device.path, /*recursive=*/false)
                       .attach({.root = root, .path = device.path, .target = target.ref()});
  if (!is_device(mount.ref(), device))
    throw Error(ErrorKind::Denied, fmt::format("make device '{}'", device.path), EPERM,
                "without CAP_MKNOD a device can only be at the place that it has on the host");
}

/// Makes one node usable on a mount that is "nodev": that which was asked for, and no other that somebody has put in
/// its place, in a volume that another container writes to.
void allow_node(FdRef root, FdRef parent, const std::string& base, const DevicePlan& device) {
  const Fd node = open_at(parent, base, O_PATH | O_NOFOLLOW);
  const Fd mount = BindSource::open(parent, base, /*recursive=*/false)
                       .attach({.root = root, .path = device.path, .target = node.ref()});
  if (!is_device(mount.ref(), device))
    throw_error(ErrorKind::Conflict, "make device '{}': something else is there", device.path);
  MountPlan plan;
  plan.destination = device.path;
  plan.attributes_cleared = MOUNT_ATTR_NODEV;
  set_mount_attributes(mount.ref(), plan);
}

void set_owner(FdRef parent, const std::string& base, const DevicePlan& device) {
  if (device.uid == 0 && device.gid == 0) return;
  if (::fchownat(parent.get(), base.c_str(), device.uid, device.gid, AT_SYMLINK_NOFOLLOW) == -1)
    throw_errno("set the owner of device '{}'", device.path);
}

enum class Nodev : uint8_t { No, Yes };

void make_node(FdRef root, FdRef dev, const DevicePlan& device, Nodev nodev) {
  constexpr std::string_view kDev = "/dev/";
  const bool directly_in_dev = device.path.starts_with(kDev) && device.path.find('/', kDev.size()) == std::string::npos;
  const SplitPath split = split_path(device.path);
  const Fd other_parent = directly_in_dev ? Fd() : open_or_make_directory(root, split.parent);
  const FdRef parent = directly_in_dev ? dev : other_parent.ref();
  if (::mknodat(parent.get(), split.base.c_str(), device.mode, device.device) == -1) {
    // In /dev, a mount of the user's or an earlier one of that name. Elsewhere, perhaps what an earlier run has left.
    if (errno == EEXIST && (directly_in_dev || nodev == Nodev::No)) return;
    if (errno == EPERM) return bind_host_node(root, device);
    if (errno != EEXIST) throw_errno("make device '{}'", device.path);
  } else {
    set_owner(parent, split.base, device);
  }
  if (nodev == Nodev::Yes) allow_node(root, parent, split.base, device);
}

}  // namespace

void populate_dev(FdRef root, const ChildPlan& plan) {
  if (!plan.populate_dev) return;
  const Fd dev = open_or_make_directory(root, "/dev");
  const Nodev nodev = plan.dev_is_nodev ? Nodev::Yes : Nodev::No;
  for (const DevicePlan& device : plan.devices) make_node(root, dev.ref(), device, nodev);
  for (const DeviceLink& link : kLinks) make_link(dev.ref(), link);
  if (path_exists("/proc/kcore")) make_link(dev.ref(), {"core", "/proc/kcore"});
}

}  // namespace myct::engine
