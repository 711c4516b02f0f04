// What the two sequences of steps, starting a container and entering one, have in common.
#pragma once

#include <ctime>
#include <optional>

#include "child/init.hpp"
#include "child/steps.hpp"

namespace myct::engine {

/// Marks the step that is being taken, and at debug level says how long the one before took.
class Steps {
 public:
  explicit Steps(const ChildContext& context) noexcept;
  void enter(Step step);

 private:
  void report();

  const ChildContext& context_;
  timespec began_{};
};

/// Ends this process when the parent does. Credential changes clear it (prctl(2)), so it is asked for again after
/// them; the parent may have died before, which the closed socket tells (getppid() is 0 across pid namespaces).
void die_with_parent(const ChildContext& context);

/// The gate of an init that waits to be started.
struct Held {
  Fd gate;
  Fd report;
};

/// Makes the streams the program's 0, 1 and 2 and closes everything else but what the program is to keep, the
/// conversation with the parent and the gate, which is returned: here, long before the exec, because the program
/// itself, its interpreter and its working directory are looked up by paths, and a path may lead through
/// /proc/self/fd/<n> and a directory of the host (CVE-2024-21626).
[[nodiscard]] std::optional<Held> keep_descriptors(const ChildContext& context, const int (&streams)[3]);

/// Says that all is made, ends the conversation with the parent, and waits for the permission to go on; whatever fails
/// then is told to who gave it.
void wait_for_start(const ChildContext& context, Held held);

/// Goes on as a new process, in the pid namespace of this one's children; the old one ends. `number` is where its pid
/// is stored.
void be_born_again(uint64_t flags, pid_t* number);

/// The last steps of both. What takes privileges, which are gone then: limits, filter, working directory, identity.
void restrict_process(Steps& steps, const ChildContext& context);
/// What takes none: becoming the program, which find_program() has found.
[[noreturn]] void execute(Steps& steps, const ChildContext& context, const std::string& program);

// enter.cpp
/// Into a running container, and to the program.
[[noreturn]] void enter_container(const ChildContext& context);

}  // namespace myct::engine
