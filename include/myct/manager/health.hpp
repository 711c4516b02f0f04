// Health checks of containers.
#pragma once

#include <optional>
#include <string>

#include "myct/manager/request.hpp"
#include "myct/state/health.hpp"

namespace myct::manager {

/// What main does when it is called by supervisor::kHealthName: one check of the container that the command line names,
/// for its supervisor. Returns the process's exit status, a supervisor::ProbeExit if the check could be done.
int do_health_check(int argc, char** argv) noexcept;

/// Does one check now, which counts like all others. What it has found if it has failed. Throws Error when the
/// container does not run or has no check.
std::optional<state::ProbeResult> run_health_check(const Context& context, const std::string& reference);

}  // namespace myct::manager
