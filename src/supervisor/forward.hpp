// Shared by the two ways of waiting for a container in the foreground.
#pragma once

#include <optional>

#include "myct/supervisor/foreground.hpp"

namespace myct::supervisor {

/// The next collected signal's number, or nullopt when none waits.
[[nodiscard]] std::optional<int> next_signal(const SignalCollector& signals);

}  // namespace myct::supervisor
