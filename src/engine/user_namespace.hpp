// User namespaces, as their parent sees them: their maps, and mounts that show files by them.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "myct/spec/runtime_spec.hpp"
#include "plan.hpp"

namespace myct::engine {

/// What is written to uid_map or gid_map (user_namespaces(7)). Throws Error{Invalid}; `member` is for the message.
[[nodiscard]] std::string map_text(const std::vector<oci::IdMapping>& mappings, std::string_view member);

/// Gives the user namespace of process `pid` its maps. Throws Error.
void write_maps(pid_t pid, const std::string& uid_map, const std::string& gid_map);

/// The tree at plan.source, detached, with the owners of its files shown by the maps (mount_setattr(2),
/// MOUNT_ATTR_IDMAP). Throws Error.
[[nodiscard]] Fd make_idmapped_tree(const MountPlan& plan, const std::string& uid_map, const std::string& gid_map);

}  // namespace myct::engine
