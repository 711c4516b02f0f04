// From an OCI configuration to the child's plan.
#pragma once

#include "myct/engine/engine.hpp"
#include "plan.hpp"

namespace myct::engine {

/// Computes and opens everything that can be before the clone. Throws Error{Invalid} or Error{Unsupported} naming the
/// member of config.json, or the Error of a namespace path that cannot be opened.
[[nodiscard]] ChildPlan plan_child(const oci::Spec& spec, const SpawnOptions& options);

}  // namespace myct::engine
