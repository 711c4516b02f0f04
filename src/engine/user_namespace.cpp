#include "user_namespace.hpp"

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/process.hpp"
#include "myct/base/syscall.hpp"

namespace myct::engine {
namespace {

/// A user namespace of its own, which lives as long as this descriptor. A process is needed to make one.
Fd make_user_namespace(const std::string& uid_map, const std::string& gid_map) {
  clone_args arguments{};
  arguments.flags = CLONE_NEWUSER;
  arguments.exit_signal = SIGCHLD;
  pid_t pid = sys::clone3(arguments);
  if (pid == -1 && (errno == ENOSYS || errno == EINVAL)) pid = sys::clone(CLONE_NEWUSER | SIGCHLD, nullptr);
  if (pid == -1) throw_errno("make a user namespace for an idmapped mount");
  if (pid == 0)
    for (;;) ::pause();
  const ChildProcess holder(pid, Fd());  // killed when it has served
  write_maps(pid, uid_map, gid_map);
  return open_path(fmt::format("/proc/{}/ns/user", pid), O_RDONLY);
}

}  // namespace

std::string map_text(const std::vector<oci::IdMapping>& mappings, std::string_view member) {
  std::string text;
  for (const oci::IdMapping& mapping : mappings) {
    if (mapping.size == 0) throw_error(ErrorKind::Invalid, "{}: a mapping has the size 0", member);
    text += fmt::format("{} {} {}\n", mapping.container_id, mapping.host_id, mapping.size);
  }
  return text;
}

void write_maps(pid_t pid, const std::string& uid_map, const std::string& gid_map) {
  const Fd process = open_path(fmt::format("/proc/{}", pid), O_PATH | O_DIRECTORY);
  const auto write = [&](const char* name, const std::string& map) {
    if (map.empty()) return;
    const Fd file = open_at(process.ref(), name, O_WRONLY);
    write_all(file.ref(), map, fmt::format("/proc/{}/{}", pid, name));
  };
  write("gid_map", gid_map);
  write("uid_map", uid_map);
}

Fd make_idmapped_tree(const MountPlan& plan, const std::string& uid_map, const std::string& gid_map) {
  const Fd space = make_user_namespace(uid_map, gid_map);
  const unsigned flags = static_cast<unsigned>(OPEN_TREE_CLONE) | static_cast<unsigned>(OPEN_TREE_CLOEXEC) |
                         (plan.recursive_bind ? static_cast<unsigned>(AT_RECURSIVE) : 0U);
  Fd tree(::open_tree(AT_FDCWD, plan.source.c_str(), flags));
  if (!tree.valid()) throw_errno("bind '{}'", plan.source);
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_IDMAP;
  attributes.userns_fd = static_cast<uint64_t>(space.get());
  const unsigned how =
      static_cast<unsigned>(AT_EMPTY_PATH) | (*plan.recursive_idmap ? static_cast<unsigned>(AT_RECURSIVE) : 0U);
  if (::mount_setattr(tree.get(), "", how, &attributes, sizeof attributes) == 0) return tree;
  const int errnum = errno;
  throw Error(kind_of_errno(errnum), fmt::format("map the owners of mount '{}'", plan.destination), errnum,
              errnum == EINVAL ? "the file system of its source cannot show other owners" : "");
}

}  // namespace myct::engine
