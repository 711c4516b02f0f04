// The OCI runtime specification's configuration (config.json) as plain structs. Members carry the
// specification's names and meanings (config.md, config-linux.md); a member that is not here is not supported.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "myct/spec/resources.hpp"

namespace myct::oci {

struct ConsoleSize {
  uint16_t height = 0;
  uint16_t width = 0;
};

struct User {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::optional<uint32_t> umask;
  std::vector<uint32_t> additional_gids;
};

/// Names as in capabilities(7), with "CAP_".
struct Capabilities {
  std::vector<std::string> bounding;
  std::vector<std::string> effective;
  std::vector<std::string> inheritable;
  std::vector<std::string> permitted;
  std::vector<std::string> ambient;
};

struct Rlimit {
  std::string type;  ///< "RLIMIT_NOFILE"
  uint64_t hard = 0;
  uint64_t soft = 0;
};

/// sched_setattr(2); times in nanoseconds.
struct Scheduler {
  std::string policy;  ///< "SCHED_OTHER", …
  int nice = 0;
  int priority = 0;
  std::vector<std::string> flags;  ///< "SCHED_FLAG_RESET_ON_FORK", …
  uint64_t runtime = 0;
  uint64_t deadline = 0;
  uint64_t period = 0;
};

/// ioprio_set(2).
struct IoPriority {
  std::string priority_class;  ///< "IOPRIO_CLASS_BE", …
  int priority = 0;
};

struct Process {
  bool terminal = false;
  std::optional<ConsoleSize> console_size;
  User user;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string cwd = "/";
  std::optional<Capabilities> capabilities;
  std::vector<Rlimit> rlimits;
  bool no_new_privileges = false;
  std::optional<int> oom_score_adj;
  std::optional<Scheduler> scheduler;
  std::optional<IoPriority> io_priority;
  std::string apparmor_profile;
  std::string selinux_label;
};

struct Root {
  std::string path;
  bool readonly = false;
};

struct IdMapping {
  uint32_t container_id = 0;
  uint32_t host_id = 0;
  uint32_t size = 0;
};

/// A destination of "/" mounts the root file system itself (the overlay), before anything else and inside the
/// container's own mount namespace.
struct Mount {
  std::string destination;
  std::string type;
  std::string source;
  std::vector<std::string> options;
  std::vector<IdMapping> uid_mappings;  ///< of an idmapped mount
  std::vector<IdMapping> gid_mappings;
};

/// A program of the user's that is run at a point of the container's life (config.md, "POSIX-platform Hooks").
struct Hook {
  std::string path;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::optional<int> timeout;  ///< seconds; more than 0
};

struct Hooks {
  std::vector<Hook> prestart;
  std::vector<Hook> create_runtime;
  std::vector<Hook> create_container;
  std::vector<Hook> start_container;
  std::vector<Hook> poststart;
  std::vector<Hook> poststop;
};

struct Namespace {
  std::string type;  ///< "pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"
  std::string path;  ///< empty: a new one
};

struct Device {
  std::string path;
  std::string type;  ///< "c", "b", "u" or "p"
  int64_t major = 0;
  int64_t minor = 0;
  std::optional<uint32_t> file_mode;
  std::optional<uint32_t> uid;
  std::optional<uint32_t> gid;
};

struct SeccompArg {
  uint32_t index = 0;
  uint64_t value = 0;
  uint64_t value_two = 0;
  std::string op;  ///< "SCMP_CMP_EQ", …
};

struct SeccompRule {
  std::vector<std::string> names;
  std::string action;  ///< "SCMP_ACT_ALLOW", …
  std::optional<uint32_t> errno_ret;
  std::vector<SeccompArg> args;
};

struct Seccomp {
  std::string default_action;
  std::optional<uint32_t> default_errno_ret;
  std::vector<std::string> architectures;  ///< "SCMP_ARCH_X86_64", …
  std::vector<std::string> flags;
  std::vector<SeccompRule> syscalls;
  std::string listener_path;      ///< of the socket that is given the notify descriptor
  std::string listener_metadata;  ///< told to it, as it is
};

/// Of a new time namespace, by clock ("monotonic", "boottime").
struct TimeOffset {
  int64_t seconds = 0;
  uint32_t nanoseconds = 0;
};

/// personality(2).
struct Personality {
  std::string domain;  ///< "LINUX" or "LINUX32"
  std::vector<std::string> flags;
};

struct Linux {
  std::vector<Namespace> namespaces;
  std::vector<IdMapping> uid_mappings;
  std::vector<IdMapping> gid_mappings;
  std::map<std::string, TimeOffset> time_offsets;
  std::vector<Device> devices;
  std::string cgroups_path;
  std::map<std::string, std::string> sysctl;
  Resources resources;
  std::optional<Seccomp> seccomp;
  std::string rootfs_propagation;
  std::vector<std::string> masked_paths;
  std::vector<std::string> readonly_paths;
  std::string mount_label;
  std::optional<Personality> personality;
  bool intel_rdt = false;  ///< whether the member "intelRdt" is there: no more is known of it
};

struct Spec {
  std::string oci_version = "1.2.0";
  Process process;
  Root root;
  std::string hostname;
  std::string domainname;
  std::vector<Mount> mounts;
  Hooks hooks;
  Linux linux_;  ///< "linux"; the plain word is a macro of the GNU dialect
  std::map<std::string, std::string> annotations;
};

/// The document as JSON text; absent and empty members are left out.
[[nodiscard]] std::string to_json(const Spec& spec);
/// Throws Error{Invalid} naming the member; `name` is the document's name for the message.
[[nodiscard]] Spec spec_from_json(std::string_view text, std::string_view name);
/// The member "process" alone, as a file of its own.
[[nodiscard]] Process process_from_json(std::string_view text, std::string_view name);

}  // namespace myct::oci
