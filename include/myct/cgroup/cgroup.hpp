// The v2 control group of one container.
#pragma once

#include <optional>
#include <string>

#include "myct/base/fd.hpp"

namespace myct::cgroup {

/// Where this host's cgroup v2 hierarchy is mounted: "/sys/fs/cgroup" on a pure v2 host,
/// "/sys/fs/cgroup/unified" on a hybrid one (controllers on v1, so no limits), nullopt where there is none.
[[nodiscard]] std::optional<std::string> find_hierarchy();

/// A control group that we made. It outlives this object and this process, so the destructor removes nothing.
class Cgroup {
 public:
  /// Makes the group `path` ("/myct/<id>") and its missing parents under `hierarchy`. Throws Error.
  [[nodiscard]] static Cgroup create(const std::string& hierarchy, const std::string& path);

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

/// Kills what is left in the group at `path` (absolute, as Cgroup::path()) and removes it with all groups below.
/// Absent is fine. Throws Error when it cannot be removed.
void remove_cgroup(const std::string& path);

}  // namespace myct::cgroup
