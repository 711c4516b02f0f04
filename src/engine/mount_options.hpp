// The option words of config.json's mounts (config.md, "Linux mount options") as MOUNT_ATTR_* and MS_* bits. Pure.
#pragma once

#include "myct/spec/runtime_spec.hpp"
#include "plan.hpp"

namespace myct::engine {

/// Sorts one mount's options into attributes, propagation, bind flags and parameters of the file system.
/// Throws Error{Invalid} for options that contradict the mount's type.
[[nodiscard]] MountPlan plan_mount(const oci::Mount& mount);

/// "private", "rslave", … as MS_* bits, MS_REC included. Throws Error{Invalid} naming `word`.
[[nodiscard]] uint64_t parse_propagation(std::string_view word);

}  // namespace myct::engine
