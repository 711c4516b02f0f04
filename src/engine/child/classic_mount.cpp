#include "child/classic_mount.hpp"

#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include <array>
#include <cerrno>

#include "myct/base/error.hpp"
#include "myct/base/log.hpp"
#include "myct/base/overlay_option.hpp"

namespace myct::engine {
namespace {

struct AttributeFlag {
  uint64_t attribute;
  unsigned long flag;
};
constexpr std::array kFlags = {
    AttributeFlag{MOUNT_ATTR_RDONLY, MS_RDONLY},         AttributeFlag{MOUNT_ATTR_NOSUID, MS_NOSUID},
    AttributeFlag{MOUNT_ATTR_NODEV, MS_NODEV},           AttributeFlag{MOUNT_ATTR_NOEXEC, MS_NOEXEC},
    AttributeFlag{MOUNT_ATTR_NOATIME, MS_NOATIME},       AttributeFlag{MOUNT_ATTR_STRICTATIME, MS_STRICTATIME},
    AttributeFlag{MOUNT_ATTR_NODIRATIME, MS_NODIRATIME},
};

unsigned long mount_flags(uint64_t attributes) {
  unsigned long flags = 0;
  for (const AttributeFlag& entry : kFlags)
    if ((attributes & entry.attribute) != 0) flags |= entry.flag;
  return flags;
}

/// The parameters as one text; layers given one by one are joined into the one "lowerdir" of kernels before 6.8.
std::string option_text(const MountPlan& plan) {
  std::string lowerdir;
  std::string text;
  for (const auto& [key, value] : plan.parameters) {
    if (key == "lowerdir+") {
      lowerdir += (lowerdir.empty() ? "lowerdir=" : ":") + escape_overlay_path(value);
      continue;
    }
    if (!text.empty()) text += ',';
    text += key;
    if (!value.empty()) text += "=" + (plan.type == "overlay" ? escape_overlay_path(value) : value);
  }
  if (!lowerdir.empty()) text = lowerdir + (text.empty() ? "" : "," + text);
  return text;
}

}  // namespace

std::string descriptor_path(FdRef fd) { return fmt::format("/proc/self/fd/{}", fd.get()); }

std::string mount_hint(int errnum) {
  if (errnum == ENOSPC) return "the limit fs.mount-max is reached";
  if (errnum == ENODEV) return "this kernel has no file system of that name";
  return {};
}

void mount_classic(const MountPlan& plan, FdRef target) {
  const std::string options = option_text(plan);
  if (::mount(plan.source.c_str(), descriptor_path(target).c_str(), plan.type.c_str(), mount_flags(plan.attributes_set),
              options.c_str()) == 0)
    return;
  const int errnum = errno;
  throw Error(kind_of_errno(errnum), fmt::format("mount {} on '{}'", plan.type, plan.destination), errnum,
              mount_hint(errnum));
}

void bind_classic(FdRef source, FdRef target, bool recursive, const std::string& name) {
  const unsigned long flags = MS_BIND | (recursive ? static_cast<unsigned long>(MS_REC) : 0UL);
  if (::mount(descriptor_path(source).c_str(), descriptor_path(target).c_str(), nullptr, flags, nullptr) == -1)
    throw_errno("bind on '{}'", name);
}

void remount_classic(FdRef mount, const MountPlan& plan) {
  if (plan.recursive_attributes)
    log::info("'{}': what is mounted below it keeps its own options: this kernel has no mount_setattr",
              plan.destination);
  // A remount sets all flags anew, so those that the mount has already are given again (statvfs(3) has the same bits).
  struct statvfs status {};
  if (::fstatvfs(mount.get(), &status) == -1) throw_errno("inspect mount '{}'", plan.destination);
  constexpr unsigned long kKept = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME;
  const unsigned long kept = status.f_flag & kKept & ~mount_flags(plan.attributes_cleared);
  const unsigned long flags = MS_REMOUNT | MS_BIND | kept | mount_flags(plan.attributes_set);
  if (::mount(nullptr, descriptor_path(mount).c_str(), nullptr, flags, nullptr) == -1)
    throw_errno("set the options of mount '{}'", plan.destination);
}

}  // namespace myct::engine
