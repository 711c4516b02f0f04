// What commands print on stdout.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "myct/base/units.hpp"

namespace myct::cli {

/// "myct version 0.1.0".
[[nodiscard]] std::string version_line();

/// Buffers a line for stdout.
void print_line(std::string_view line);
/// The same with text that has its newlines.
void print_text(std::string_view text);
/// Takes what is buffered away.
[[nodiscard]] std::string take_output();
/// Writes what is buffered. False when nobody reads (EPIPE), which is no failure; throws Error when it cannot be
/// written (a full disk).
bool flush_output();

/// Columns as docker prints them: cells as wide as the longest of their column, three spaces between, ten in all at
/// least.
[[nodiscard]] std::string format_table(const std::vector<std::vector<std::string>>& rows);

/// At most `width` characters, the last an ellipsis where something was cut off.
[[nodiscard]] std::string ellipsis(const std::string& text, size_t width);

/// "shell 'a b'" as one quoted cell of at most `width` characters, cut with an ellipsis.
[[nodiscard]] std::string quoted_command(const std::vector<std::string>& command, size_t width);

}  // namespace myct::cli
