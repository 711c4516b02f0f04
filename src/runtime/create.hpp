// The parts of create and start that run has in common with them.
#pragma once

#include "myct/engine/engine.hpp"
#include "record.hpp"

namespace myct::runtime {

/// A container that has been made, whose init waits and is killed with this object.
struct Created {
  FileLock lock;
  Record record;
  engine::Running running;
};

/// As create(), with the init still in hand.
[[nodiscard]] Created make(const Context& context, const CreateRequest& request);

/// As start(), by one who has the lock.
void start_created(const Context& context, const Record& record);

/// Warns of those that fail, as the container is gone all the same.
void run_poststop(const std::vector<oci::Hook>& hooks, const Record& record);

/// Where compiled filters of system calls are kept.
[[nodiscard]] std::string seccomp_cache(const Context& context);

/// Removes a stopped container, by one who has the lock.
void remove_stopped(const Context& context, const Record& record);

}  // namespace myct::runtime
