// The note in a container's run directory of its relay's process, and of those that it lives for.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "myct/base/process.hpp"

namespace myct::network {

/// What is nullopt is gone; a zombie is not.
struct RelayNote {
  std::optional<ProcessIdentity> relay;
  std::optional<ProcessIdentity> owner;  ///< the container's, which has its sockets, too
  std::optional<ProcessIdentity> init;   ///< the container's
};

/// The processes must be there. Throws Error.
void save_relay_note(const std::string& run_directory, pid_t relay, pid_t owner, pid_t init);
/// nullopt when there is none.
[[nodiscard]] std::optional<RelayNote> load_relay_note(const std::string& run_directory);

}  // namespace myct::network
