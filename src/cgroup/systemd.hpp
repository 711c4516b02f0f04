// Control groups that systemd makes for us, as units of its own: systemd.scope(5), and "Control Group APIs and
// Delegation" (https://systemd.io/CGROUP_DELEGATION).
#pragma once

#include <optional>
#include <string>

namespace myct::cgroup {

/// The scope that a cgroupsPath of the form "slice:prefix:name" means, which is how runc and crun write it.
struct Scope {
  std::string slice;  ///< "system.slice"
  std::string unit;   ///< "prefix-name.scope"
};
/// nullopt for a path of any other form.
[[nodiscard]] std::optional<Scope> scope_from_cgroups_path(const std::string& cgroups_path);

/// Where systemd keeps the scope's control group, from the hierarchy's root: "a-b.slice" is in "a.slice".
[[nodiscard]] std::string path_of(const Scope& scope);

}  // namespace myct::cgroup
