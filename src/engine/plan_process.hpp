// The part of a child's plan that a container's first program and those that join it have in common.
#pragma once

#include "myct/engine/engine.hpp"
#include "myct/security/capabilities.hpp"
#include "plan.hpp"

namespace myct::engine {

/// Plans the program: who it is, of what is `available` to it, and what it is held to. Throws Error{Invalid} or
/// Error{Unsupported} naming the member of config.json.
void plan_process(const oci::Spec& spec, const SpawnOptions& options, const security::AvailableCapabilities& available,
                  ChildPlan& plan);

}  // namespace myct::engine
