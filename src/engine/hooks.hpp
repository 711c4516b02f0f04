// Programs of the user's that are run at points of a container's life (config.md, "POSIX-platform Hooks").
#pragma once

#include <string>
#include <vector>

#include "plan.hpp"

namespace myct::engine {

/// Runs each in turn, as a child of this process, with `state` on its standard input, and stops at the first that
/// fails. Throws Error naming it. Includes only base and plan.hpp: the container's init runs some itself.
void run_hooks(const std::vector<HookPlan>& hooks, const std::string& state);

}  // namespace myct::engine
