#include "myct/image/merged_root.hpp"

#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>

#include <exception>
#include <thread>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/overlay_option.hpp"

namespace myct::image {
namespace {

/// nullopt on kernels that do not take layers one by one (before 6.8).
std::optional<Fd> try_mount_detached(const std::vector<std::string>& lowerdirs) {
  const Fd context(::fsopen("overlay", FSOPEN_CLOEXEC));
  if (!context.valid()) return std::nullopt;
  for (const std::string& lowerdir : lowerdirs)
    if (::fsconfig(context.get(), FSCONFIG_SET_STRING, "lowerdir+", lowerdir.c_str(), 0) == -1) return std::nullopt;
  if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == -1) return std::nullopt;
  Fd mount(::fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID));
  if (!mount.valid()) return std::nullopt;
  return mount;
}

/// In a mount namespace that ends with this thread; the descriptor keeps the mount.
Fd mount_in_own_namespace(const std::vector<std::string>& lowerdirs) {
  std::string data;
  for (const std::string& lowerdir : lowerdirs)
    data += (data.empty() ? "lowerdir=" : ":") + escape_overlay_path(lowerdir);
  const std::string& place = lowerdirs.front();
  if (::unshare(CLONE_FS | CLONE_NEWNS) == -1) throw_errno("make a mount namespace");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == -1) throw_errno("make mounts private");
  if (::mount("overlay", place.c_str(), "overlay", MS_RDONLY | MS_NODEV | MS_NOSUID, data.c_str()) == -1)
    throw_errno("mount {} layers of an image", lowerdirs.size());
  return open_path(place, O_PATH | O_DIRECTORY);
}

}  // namespace

Fd open_merged_root(const std::vector<std::string>& lowerdirs) {
  if (lowerdirs.size() == 1) return open_path(lowerdirs.front(), O_PATH | O_DIRECTORY);
  if (std::optional<Fd> mount = try_mount_detached(lowerdirs)) return std::move(*mount);
  Fd root;
  std::exception_ptr failure;
  std::thread([&] {
    try {
      root = mount_in_own_namespace(lowerdirs);
    } catch (...) {
      failure = std::current_exception();
    }
  }).join();
  if (failure) std::rethrow_exception(failure);
  return root;
}

}  // namespace myct::image
