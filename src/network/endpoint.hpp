#pragma once

#include <string>

#include "myct/network/network.hpp"

namespace myct::network {

/// Whether it hangs on a bridge of ours, with rules and a name server.
[[nodiscard]] bool is_bridged(const Endpoint& endpoint);

/// Writes the note whole. Throws Error.
void save_presence(const std::string& run_directory, const Presence& presence);
/// Idempotent.
void remove_presence(const std::string& run_directory);

}  // namespace myct::network
