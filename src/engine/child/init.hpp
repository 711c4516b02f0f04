// The child of a container start, from clone3 to execve. Includes only base and plan.hpp: no JSON, no command
// line, no logger of the parent's; CI checks it.
#pragma once

#include "handshake.hpp"
#include "plan.hpp"

namespace myct::engine {

/// What the clone needs to hand over besides the plan.
struct ChildContext {
  const ChildPlan& plan;
  Handshake& parent;
  int parent_end;  ///< the parent's end of the conversation, inherited by the clone and closed first thing
  SharedStep& step;
  SharedPid& born;  ///< of the process that a child makes in a container it enters
  int standard_streams[3];
};

/// Runs every step and executes the program; or reports the step that failed and exits. Never returns.
[[noreturn]] void child_main(const ChildContext& context) noexcept;

}  // namespace myct::engine
