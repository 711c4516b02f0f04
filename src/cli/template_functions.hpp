// The functions of templates: Go's, and docker's own. "and" and "or" are the execution's: they may skip arguments.
#pragma once

#include <string_view>
#include <vector>

#include "go_value.hpp"

namespace myct::cli::syntax {

/// Throws Error{Invalid} that says what is wrong with the arguments; the caller adds where.
[[nodiscard]] go::Value call_function(std::string_view name, const std::vector<go::Value>& arguments);

/// What a function makes of a column's title: json, split, join and the like leave it as it is.
[[nodiscard]] bool keeps_titles(std::string_view name) noexcept;

}  // namespace myct::cli::syntax
