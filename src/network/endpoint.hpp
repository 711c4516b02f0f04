#pragma once

#include <string>

#include "myct/network/network.hpp"

namespace myct::network {

/// Writes the note whole. Throws Error.
void save_endpoint(const std::string& run_directory, const Endpoint& endpoint);
/// Idempotent.
void remove_endpoint(const std::string& run_directory);

}  // namespace myct::network
