// What the child of a container start has to do, as plain data: everything that can be computed or opened is
// computed and opened by the parent before the clone, so that the child only makes system calls. The child's
// files include this header and base, nothing else.
#pragma once

#include <linux/filter.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "myct/base/fd.hpp"
#include "myct/security/capabilities.hpp"

namespace myct::engine {

enum class MountKind : uint8_t {
  Filesystem,  ///< a new instance of `type`
  Bind,        ///< a clone of the tree at `source`
  Cgroup,      ///< this host's cgroup v2 hierarchy, as seen from the container's cgroup namespace
};

/// One entry of config.json's mounts, its options understood. Move-only.
struct MountPlan {
  MountKind kind = MountKind::Filesystem;
  std::string destination;  ///< as in config.json; resolved inside the root
  std::string type;
  std::string source;
  std::vector<std::pair<std::string, std::string>> parameters;  ///< fsconfig(2) keys; an empty value is a flag
  uint64_t attributes_set = 0;                                  ///< MOUNT_ATTR_*
  uint64_t attributes_cleared = 0;
  bool recursive_attributes = false;  ///< "rro" and the like
  bool recursive_bind = false;
  uint64_t propagation = 0;  ///< MS_PRIVATE, MS_SLAVE, MS_SHARED or MS_UNBINDABLE; 0: as inherited
  bool recursive_propagation = false;
  bool copy_up = false;                 ///< "tmpcopyup": begins with a copy of what it covers
  Fd detached;                          ///< the bind mount's tree, where the parent has made it: idmapped
  std::optional<bool> recursive_idmap;  ///< an idmapped mount; of the whole tree?
};

/// A program of the user's at a point of the container's life.
struct HookPlan {
  std::string path;
  std::vector<std::string> args;  ///< never empty
  std::vector<std::string> env;
  std::optional<int> timeout;  ///< seconds
};

/// sched_setattr(2).
struct SchedulerPlan {
  uint32_t policy = 0;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime = 0;
  uint64_t deadline = 0;
  uint64_t period = 0;
};

/// Where an init waits to be started, as descriptors of FIFOs in the container's directory, borrowed.
struct HoldPlan {
  int gate = -1;    ///< it reads: one byte is the permission to go on
  int report = -1;  ///< it writes what fails from then on; its end of file is the exec
};

struct RootfsPlan {
  std::string path;                    ///< absolute; the mount point of the root file system
  std::optional<MountPlan> own_mount;  ///< the mount with destination "/", e.g. an overlay
  bool readonly = false;
  uint64_t propagation = 0;  ///< of the new root, MS_* bits; 0: private
};

struct DevicePlan {
  std::string path;
  mode_t mode = 0;  ///< type and permissions
  dev_t device = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

struct LimitPlan {
  int resource = 0;  ///< RLIMIT_*
  std::string name;  ///< "RLIMIT_NOFILE"
  rlimit limit{};
};

/// A namespace to enter instead of making a new one.
struct JoinPlan {
  Fd fd;
  int type = 0;  ///< CLONE_NEW*
  std::string path;
};

struct IdentityPlan {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  mode_t umask = 022;
  std::optional<security::CapabilityPlan> capabilities;
  bool no_new_privileges = false;
  std::string apparmor_profile;
  std::string selinux_label;
};

struct ProgramPlan {
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string cwd;
  std::string search_path;  ///< PATH of env
};

struct TerminalPlan {
  bool wanted = false;
  uint16_t rows = 0;  ///< 0: leave as it is
  uint16_t columns = 0;
};

enum class DieWithParent : uint8_t { No, Yes };

/// How the root file system becomes the root directory.
enum class RootChange : uint8_t {
  Pivot,  ///< pivot_root(2)
  Move,   ///< MS_MOVE and chroot(2): for hosts whose root is the initial ramfs
};

/// A running container to enter.
struct EnterPlan {
  Fd init;             ///< pidfd; its namespaces are entered
  int namespaces = 0;  ///< CLONE_NEW*
};

struct ChildPlan {
  uint64_t clone_flags = 0;  ///< CLONE_NEW* for clone3; the cgroup namespace is unshared by the child itself
  bool new_cgroup_namespace = false;
  bool new_mount_namespace = false;
  bool new_network_namespace = false;
  bool new_user_namespace = false;
  std::string uid_map;  ///< what is written to /proc/PID/uid_map
  std::string gid_map;
  std::string time_offsets;  ///< of a new time namespace, which the parent makes for its child
  bool new_time_namespace = false;
  std::vector<JoinPlan> joins;
  std::optional<JoinPlan> pid_namespace;  ///< that the parent has its child be born in
  /// CLONE_NEW* of namespaces that are to belong to a user namespace that is joined: the child makes them, and where a
  /// pid namespace is among them goes on in a child of its own.
  uint64_t late_namespaces = 0;
  std::optional<EnterPlan> enter;  ///< then nothing is mounted or made, only entered
  DieWithParent die_with_parent = DieWithParent::Yes;
  bool left_to_init = false;  ///< a process that enters a container becomes a child of its init
  std::string hostname;
  std::string domainname;
  RootfsPlan rootfs;
  std::vector<MountPlan> mounts;
  bool populate_dev = false;  ///< /dev is ours to fill: not a bind mount of somebody's
  bool dev_is_nodev = false;  ///< nodes in it cannot be opened, only ones that are mounted there
  std::vector<DevicePlan> devices;
  std::vector<std::pair<std::string, std::string>> sysctls;  ///< path below /proc/sys, value
  std::vector<std::string> masked_paths;
  std::vector<std::string> readonly_paths;
  std::vector<LimitPlan> limits;
  std::optional<int> oom_score_adj;
  IdentityPlan identity;
  TerminalPlan terminal;
  std::vector<sock_filter> seccomp;  ///< empty: no filter
  unsigned seccomp_flags = 0;
  ProgramPlan program;
  std::optional<SchedulerPlan> scheduler;
  std::optional<int> io_priority;  ///< ioprio_set(2)
  std::optional<unsigned long> personality;
  std::string keyring;  ///< the name of a session keyring to make; empty: the caller's stays
  int preserved_descriptors = 0;
  RootChange root_change = RootChange::Pivot;
  std::optional<HoldPlan> hold;
  std::string listener_path;  ///< of who judges system calls, by a descriptor that the child sends; empty: nobody
  std::string listener_metadata;
  std::vector<HookPlan> runtime_hooks;           ///< run by the parent when the child asks for it
  std::vector<HookPlan> create_container_hooks;  ///< run by the child, in its namespaces, before the new root
  std::vector<HookPlan> start_container_hooks;   ///< run by the child, in its root, just before the exec
  std::string lasting_state;                     ///< see SpawnOptions
};

}  // namespace myct::engine
