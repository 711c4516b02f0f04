// Removing all containers that do not run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "myct/manager/request.hpp"

namespace myct::manager {

struct PruneRequest {
  std::optional<SystemTime> until;      ///< only those made before
  std::vector<std::string> labels;      ///< "key" or "key=value": each must be there
  std::vector<std::string> not_labels;  ///< none may be there
};

struct PruneResult {
  std::vector<std::string> ids;
  uint64_t bytes = 0;  ///< what they had written
};

/// One that starts meanwhile is left alone. Throws Error.
PruneResult prune(const Context& context, const PruneRequest& request);

}  // namespace myct::manager
