// From an OCI configuration to the child's plan.
#pragma once

#include "myct/engine/engine.hpp"
#include "plan.hpp"

namespace myct::engine {

/// Computes and opens everything that can be before the clone. Throws Error{Invalid} or Error{Unsupported} naming the
/// member of config.json, or the Error of a namespace path that cannot be opened.
[[nodiscard]] ChildPlan plan_child(const oci::Spec& spec, const SpawnOptions& options);

/// The plan of a process that joins the container whose init is behind the pidfd `init`: `spec` is the container's,
/// with the new process in its place.
[[nodiscard]] ChildPlan plan_enter(const oci::Spec& spec, const SpawnOptions& options, FdRef init);

/// Throws Error{Invalid}.
[[nodiscard]] std::vector<HookPlan> plan_hooks(const std::vector<oci::Hook>& hooks);

}  // namespace myct::engine
