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

/// One entry of config.json's mounts, its options understood.
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
  std::vector<JoinPlan> joins;
  std::optional<EnterPlan> enter;  ///< then nothing is mounted or made, only entered
  DieWithParent die_with_parent = DieWithParent::Yes;
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
};

}  // namespace myct::engine
