// The parts of create and start that run has in common with them.
#pragma once

#include "myct/engine/engine.hpp"
#include "myct/supervisor/foreground.hpp"
#include "record.hpp"

namespace myct::runtime {

/// A container that has been made, whose init waits and is killed with this object.
struct Created {
  FileLock lock;
  Record record;
  oci::Hooks hooks;
  engine::Running running;
};

/// As create(), with the init still in hand.
[[nodiscard]] Created make(const Context& context, const CreateRequest& request);

/// As start(), by one who has the lock; `hooks` are the configuration's.
void start_created(const Context& context, const Record& record, const oci::Hooks& hooks);

/// Passes signals on, and the terminal where it is this process's, until the program ends; reaps it. Returns its exit
/// status.
[[nodiscard]] int wait_for_end(engine::Running& running, const supervisor::SignalCollector& signals);

/// Where compiled filters of system calls are kept.
[[nodiscard]] std::string seccomp_cache(const Context& context);

/// Removes a stopped container, by one who has the lock; `hooks` are the configuration's.
void remove_stopped(const Context& context, const Record& record, const oci::Hooks& hooks);

/// Those that come when the container has started or ended all the same: of those that fail it is warned. `kind` is the
/// configuration's name of them.
void run_late_hooks(std::string_view kind, const std::vector<oci::Hook>& hooks, const Record& record, Status status);

}  // namespace myct::runtime
