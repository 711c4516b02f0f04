// The process that stays with a supervised container.
#pragma once

namespace myct::manager {

/// What main does when it is called by supervisor::kSupervisorName: serves the run that the command line hands over.
/// Returns the process's exit status.
int supervise(int argc, char** argv) noexcept;

}  // namespace myct::manager
