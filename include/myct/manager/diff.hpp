// What a container has changed in its image's files, as docker-diff(1).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "myct/manager/request.hpp"

namespace myct::manager {

enum class ChangeKind : uint8_t { Added, Changed, Deleted };

struct Change {
  ChangeKind kind = ChangeKind::Changed;
  std::string path;  ///< absolute, in the container
};

/// Every change, ordered by path. What is deleted with its directory, and mount points that were made for the
/// container's mounts, are not among them. Throws Error.
[[nodiscard]] std::vector<Change> diff(const Context& context, const std::string& reference);

}  // namespace myct::manager
