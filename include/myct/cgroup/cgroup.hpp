// The v2 control group of one container.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "myct/base/fd.hpp"
#include "myct/cgroup/limits.hpp"

namespace myct::cgroup {

/// Where this host's cgroup v2 hierarchy is mounted: "/sys/fs/cgroup" on a pure v2 host,
/// "/sys/fs/cgroup/unified" on a hybrid one (controllers on v1, so no limits), nullopt where there is none.
[[nodiscard]] std::optional<std::string> find_hierarchy();

/// The directory of the group that a configuration's cgroupsPath means: "/a/b" is below the hierarchy's root, "a/b"
/// below what is ours: the root too, or the group that systemd has delegated to the service or scope that we run in
/// (Delegate=); "slice:prefix:name" is in the scope "prefix-name.scope" of systemd's. nullopt where there is no
/// hierarchy.
[[nodiscard]] std::optional<std::string> locate(const std::string& cgroups_path);

/// Has systemd make the scope that a cgroupsPath of the form "slice:prefix:name" means, and moves this process into it;
/// for a path of any other form does nothing. Throws Error.
void enter_scope_of(const std::string& cgroups_path);

/// The group at `path` that process `pid` is in, absolute; `path` itself, or one below that the container has made.
/// nullopt when it is neither, or the process is gone.
[[nodiscard]] std::optional<std::string> group_below(const std::string& path, pid_t pid);

/// fork(2) for a process that stands beside containers, into a group for those, made when it is missing: a service that
/// starts a container has its own processes killed at its end, and not what containers need. In the caller's group
/// where that cannot be. By the raw call, as the caller has one thread.
[[nodiscard]] pid_t fork_beside_containers();

/// A control group that we made. It outlives this object and this process, so the destructor removes nothing.
class Cgroup {
 public:
  /// Makes the group at `path` (as locate() gives it) with its missing parents, and sets its limits. The controllers
  /// that these need, and those that count what is used, are enabled on the way. Throws Error, and leaves no group.
  [[nodiscard]] static Cgroup create(const std::string& path, const std::vector<Setting>& settings);
  /// The existing group at `path` (absolute, as path()). Throws Error.
  [[nodiscard]] static Cgroup open(const std::string& path);

  /// The group's directory, for CLONE_INTO_CGROUP.
  [[nodiscard]] FdRef directory() const noexcept { return directory_.ref(); }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Moves a process into the group, on kernels without CLONE_INTO_CGROUP (before 5.7). Throws Error.
  void add(pid_t pid) const;

 private:
  Cgroup(Fd directory, std::string path) : directory_(std::move(directory)), path_(std::move(path)) {}
  Fd directory_;
  std::string path_;
};

enum class Freezer : uint8_t { Thawed, Frozen };
/// Stops or continues every process in the group at `path` and waits until that is so (cgroup.freeze, since 5.2).
/// Throws Error.
void set_freezer(const std::string& path, Freezer freezer);

/// The processes in the group at `path` and those below; none when it is absent.
[[nodiscard]] std::vector<pid_t> processes_in(const std::string& path);

/// Whether anything runs in the group at `path` or below; no when it is absent.
[[nodiscard]] bool is_populated(const std::string& path);

/// Tells when the kernel kills a process of a group because its memory is used up (memory.events, "oom_kill").
class OomWatch {
 public:
  /// nullopt where the group has no memory controller.
  [[nodiscard]] static std::optional<OomWatch> open(const std::string& path);

  /// Becomes readable-with-priority (POLLPRI) on each change.
  [[nodiscard]] FdRef fd() const noexcept { return fd_.ref(); }
  /// Whether a process was killed since the watch was opened or last asked.
  [[nodiscard]] bool killed();

 private:
  explicit OomWatch(Fd fd) : fd_(std::move(fd)) { (void)killed(); }
  Fd fd_;
  uint64_t kills_ = 0;
};

/// Kills every process in the group at `path`, those too that are born meanwhile (cgroup.kill, since 5.14); does
/// nothing where that is absent. Throws Error.
void kill_processes(const std::string& path);

/// Kills what is left in the group at `path` (absolute, as Cgroup::path()) and removes it with all groups below.
/// Absent is fine. Parents that create() had to make go with the last group in them. Throws Error when it cannot be
/// removed.
void remove_cgroup(const std::string& path);

}  // namespace myct::cgroup
