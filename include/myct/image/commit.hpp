// An image made of another one and a layer above it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "myct/base/fd.hpp"
#include "myct/spec/image_spec.hpp"
#include "myct/state/paths.hpp"

namespace myct::image {

struct CommitRequest {
  std::string parent;                          ///< "sha256:…"
  std::function<void(FdRef out)> write_layer;  ///< a plain layer archive; empty: nothing was changed
  oci::ImageConfig config;                     ///< of the new image
  std::vector<std::string> names;              ///< parse_reference() has taken them
  std::string author;
  std::string comment;
  std::string created_by;  ///< the command that made the layer
};

/// Returns the new image's id. The parent's documents are the pattern, with members that myct does not know. Throws
/// Error.
std::string commit(const state::Paths& paths, const CommitRequest& request);

}  // namespace myct::image
