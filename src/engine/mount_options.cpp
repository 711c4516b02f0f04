#include "mount_options.hpp"

#include <linux/mount.h>
#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "myct/base/error.hpp"
#include "myct/engine/engine.hpp"

namespace myct::engine {
namespace {

struct AttributeOption {
  std::string_view word;
  uint64_t set;
  uint64_t cleared;
};

// Each has a recursive form with an "r" in front ("rro"), which mount_setattr(2) applies to the whole tree.
constexpr std::array kAttributeOptions = {
    AttributeOption{"ro", MOUNT_ATTR_RDONLY, 0},
    AttributeOption{"rw", 0, MOUNT_ATTR_RDONLY},
    AttributeOption{"nosuid", MOUNT_ATTR_NOSUID, 0},
    AttributeOption{"suid", 0, MOUNT_ATTR_NOSUID},
    AttributeOption{"nodev", MOUNT_ATTR_NODEV, 0},
    AttributeOption{"dev", 0, MOUNT_ATTR_NODEV},
    AttributeOption{"noexec", MOUNT_ATTR_NOEXEC, 0},
    AttributeOption{"exec", 0, MOUNT_ATTR_NOEXEC},
    AttributeOption{"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    AttributeOption{"diratime", 0, MOUNT_ATTR_NODIRATIME},
    AttributeOption{"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    AttributeOption{"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
    // The access-time modes are one field: setting any clears the others (mount_setattr(2)).
    AttributeOption{"relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    AttributeOption{"norelatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    AttributeOption{"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
    AttributeOption{"atime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    AttributeOption{"strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    AttributeOption{"nostrictatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
};

const AttributeOption* find_attribute(std::string_view word) {
  for (const AttributeOption& option : kAttributeOptions)
    if (option.word == word) return &option;
  return nullptr;
}

uint64_t find_propagation(std::string_view word) {
  uint64_t recursive = 0;
  if (!word.empty() && word.front() == 'r') {
    recursive = MS_REC;
    word.remove_prefix(1);
  }
  if (word == "private") return MS_PRIVATE | recursive;
  if (word == "slave") return MS_SLAVE | recursive;
  if (word == "shared") return MS_SHARED | recursive;
  if (word == "unbindable") return MS_UNBINDABLE | recursive;
  return 0;
}

constexpr std::array<std::string_view, 11> kFilesystemFlags = {
    "sync", "async", "dirsync", "mand", "nomand", "lazytime", "nolazytime", "iversion", "noiversion", "silent", "loud"};

bool is_filesystem_flag(std::string_view word) {
  return std::ranges::find(kFilesystemFlags, word) != kFilesystemFlags.end();
}

void apply_attribute(MountPlan& plan, const AttributeOption& option) {
  // A later word of the same pair wins, as in mount(8).
  plan.attributes_cleared &= ~option.set;
  plan.attributes_set &= ~option.cleared;
  plan.attributes_set |= option.set;
  plan.attributes_cleared |= option.cleared;
}

bool apply_generic_option(MountPlan& plan, std::string_view word) {
  if (word == "defaults") return true;
  if (word == "tmpcopyup") {
    plan.copy_up = true;
    return true;
  }
  if (word == "idmap" || word == "ridmap") {
    plan.recursive_idmap = word == "ridmap";
    return true;
  }
  if (word == "bind" || word == "rbind") {
    plan.kind = MountKind::Bind;
    plan.recursive_bind = word == "rbind";
    return true;
  }
  if (const uint64_t propagation = find_propagation(word)) {
    plan.propagation = propagation & ~static_cast<uint64_t>(MS_REC);
    plan.recursive_propagation = (propagation & MS_REC) != 0;
    return true;
  }
  if (const AttributeOption* option = find_attribute(word)) {
    apply_attribute(plan, *option);
    return true;
  }
  if (const AttributeOption* option = word.empty() ? nullptr : find_attribute(word.substr(1));
      option != nullptr && word.front() == 'r') {
    apply_attribute(plan, *option);
    plan.recursive_attributes = true;
    return true;
  }
  return false;
}

}  // namespace

std::vector<std::string> mount_option_names() {
  std::vector<std::string> names = {"defaults", "bind", "rbind", "tmpcopyup", "idmap", "ridmap"};
  for (const AttributeOption& option : kAttributeOptions)
    for (const char* prefix : {"", "r"}) names.push_back(prefix + std::string(option.word));
  for (const char* name : {"private", "slave", "shared", "unbindable"})
    for (const char* prefix : {"", "r"}) names.push_back(prefix + std::string(name));
  names.insert(names.end(), kFilesystemFlags.begin(), kFilesystemFlags.end());
  std::ranges::sort(names);
  return names;
}

uint64_t parse_propagation(std::string_view word) {
  if (const uint64_t propagation = find_propagation(word)) return propagation;
  throw_error(ErrorKind::Invalid, "propagation '{}' is none of [r]private, [r]slave, [r]shared, [r]unbindable", word);
}

MountPlan plan_mount(const oci::Mount& mount) {
  MountPlan plan;
  plan.destination = mount.destination;
  plan.type = mount.type;
  plan.source = mount.source;
  // "none" and "bind" as a type mean the same to runtimes (config.md, "mounts").
  if (mount.type == "bind") plan.kind = MountKind::Bind;
  if (mount.type == "cgroup" || mount.type == "cgroup2") plan.kind = MountKind::Cgroup;
  for (const std::string& option : mount.options) {
    if (apply_generic_option(plan, option)) continue;
    const size_t equals = option.find('=');
    plan.parameters.emplace_back(option.substr(0, equals),
                                 equals == std::string::npos ? std::string() : option.substr(equals + 1));
  }
  // Of the file system, not of the mount: a bind leaves it as it is, as mount(2) does.
  if (plan.kind == MountKind::Bind)
    std::erase_if(plan.parameters, [](const auto& parameter) { return is_filesystem_flag(parameter.first); });
  if (plan.copy_up && plan.type != "tmpfs")
    throw_error(ErrorKind::Invalid, "mount '{}': tmpcopyup is for a tmpfs", mount.destination);
  if (plan.kind == MountKind::Bind && !plan.parameters.empty())
    throw_error(ErrorKind::Invalid, "mount '{}': option '{}' means nothing for a bind mount", mount.destination,
                plan.parameters.front().first);
  if (plan.kind == MountKind::Bind && mount.source.empty())
    throw_error(ErrorKind::Invalid, "mount '{}': a bind mount needs a source", mount.destination);
  if (plan.kind == MountKind::Filesystem && mount.type.empty())
    throw_error(ErrorKind::Invalid, "mount '{}': neither a type nor 'bind' is given", mount.destination);
  if (mount.destination.empty() || mount.destination.front() != '/')
    throw_error(ErrorKind::Invalid, "mount '{}': the destination is not an absolute path", mount.destination);
  return plan;
}

}  // namespace myct::engine
