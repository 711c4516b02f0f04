// The init for --init, carried inside myct: a static binary that runs in any image.
#pragma once

#include <string_view>

namespace myct::supervisor {

/// The executable's bytes.
[[nodiscard]] std::string_view init_program() noexcept;

}  // namespace myct::supervisor
