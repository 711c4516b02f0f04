// Bytes as people and documents write them.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace myct {

/// Two lower-case digits a byte.
[[nodiscard]] std::string hex_text(std::span<const uint8_t> bytes);

}  // namespace myct
