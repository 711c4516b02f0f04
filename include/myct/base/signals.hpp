// Signals by name.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace myct {

/// "SIGTERM", "term", "RTMIN+3" or "15"; nullopt for anything else.
[[nodiscard]] std::optional<int> parse_signal(std::string_view text);
/// "SIGTERM"; "SIGRTMIN+3"; the number where it has no name.
[[nodiscard]] std::string signal_name(int number);

}  // namespace myct
