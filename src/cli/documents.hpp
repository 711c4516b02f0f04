// How the inspect commands print what they have found.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "template.hpp"

namespace myct::cli {

/// A JSON array of what `look_up` finds for each name, or by `format`, as in docker: "json" without indentation, else a
/// template for each. One that fails is named on stderr. Returns the exit status.
[[nodiscard]] int print_documents(const std::vector<std::string>& names, const std::string& format,
                                  const std::function<Json(const std::string&)>& look_up);

}  // namespace myct::cli
