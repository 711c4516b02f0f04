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
/// Writes what is buffered; throws Error when it cannot be written (a full disk), and ends the process quietly with
/// status 0 less noise when nobody reads (EPIPE).
void flush_output();

/// Columns as docker prints them: cells at least as wide as the longest of their column, three spaces between.
[[nodiscard]] std::string format_table(const std::vector<std::vector<std::string>>& rows);

/// "shell 'a b'" as one quoted cell of at most `width` characters, cut with an ellipsis.
[[nodiscard]] std::string quoted_command(const std::vector<std::string>& command, size_t width);

}  // namespace myct::cli
