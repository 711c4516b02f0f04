// What leaves a container: its root file system as an archive, or its changes as an image.
#pragma once

#include <string>
#include <vector>

#include "myct/base/fd.hpp"
#include "myct/manager/request.hpp"

namespace myct::manager {

struct CommitRequest {
  std::string name;                  ///< of the image; empty: it has none
  std::vector<std::string> changes;  ///< instructions (image/change.hpp)
  std::string author;
  std::string message;
  bool pause = true;  ///< freeze the container meanwhile, if it runs
};

/// Makes an image of the container's image, what the container has changed, and its configuration. Volumes and what is
/// mounted are not part of it. Returns the id. Throws Error.
std::string commit(const Context& context, const std::string& reference, const CommitRequest& request);

/// Writes the container's root as a plain tar archive, without what is mounted in it. Throws Error.
void export_root(const Context& context, const std::string& reference, FdRef out);

}  // namespace myct::manager
