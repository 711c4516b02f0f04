// The control group of a container: made with its limits and its device filter before the first process is in it.
#pragma once

#include <optional>
#include <string>

#include "myct/base/fd.hpp"
#include "myct/cgroup/cgroup.hpp"
#include "myct/spec/runtime_spec.hpp"

namespace myct::engine {

/// nullopt on a host that has no v2 hierarchy or does not let us write to it, if the configuration asks for nothing
/// that only a group can give. One in a scope of systemd's takes this process along. Throws Error.
[[nodiscard]] std::optional<cgroup::Cgroup> make_group(const oci::Spec& spec);

/// The group that the init behind `init` (a pidfd) has moved to below `path`: where a container has handed controllers
/// out to groups of its own, nothing else can be joined. Throws Error.
[[nodiscard]] cgroup::Cgroup open_group_of_init(const std::string& path, FdRef init);

}  // namespace myct::engine
