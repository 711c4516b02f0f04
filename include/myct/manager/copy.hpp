// Copying files between a container and the host, as docker-cp(1).
#pragma once

#include <cstdint>
#include <string>

#include "myct/manager/request.hpp"

namespace myct::manager {

/// A path, of the host when `container` is empty. The host's path "-" is a tar stream on standard input or output.
struct CopyPlace {
  std::string container;
  std::string path;

  [[nodiscard]] bool is_stream() const { return container.empty() && path == "-"; }
};

struct CopyRequest {
  CopyPlace source;
  CopyPlace destination;
  bool keep_owner = false;   ///< else files belong to root in a container, and to the caller on the host
  bool follow_link = false;  ///< a source that is a symbolic link means what it leads to
};

/// Copies between a container, running or not, and the host. Returns how many bytes the files took as an archive;
/// unknown, 0, when the archive came from standard input. Throws Error.
uint64_t copy(const Context& context, const CopyRequest& request);

}  // namespace myct::manager
