// What the prune commands share.
#pragma once

#include <string>
#include <vector>

#include "myct/manager/prune.hpp"

namespace myct::cli {

/// --filter until=TIME, label=…, label!=…. Throws Error{Usage}.
[[nodiscard]] manager::PruneRequest parse_prune_filters(const std::vector<std::string>& texts);
/// Asks docker's question about removing `what`; the end of the input is a no.
[[nodiscard]] bool is_confirmed(const char* what);

}  // namespace myct::cli
