// The two streams of a container's output.
#pragma once

#include <cstdint>

namespace myct::supervisor {

/// The values are the descriptors' numbers in the container. What comes from a terminal is Stdout.
enum class Stream : uint8_t { Stdout = 1, Stderr = 2 };

}  // namespace myct::supervisor
