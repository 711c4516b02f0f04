// "tmpcopyup": a file system that begins with a copy of what it covers.
#pragma once

#include "myct/base/fd.hpp"

namespace myct::engine {

/// Copies what is in the directory `covered` into the directory `covering`: files, directories, links and device nodes
/// with owners, modes, times and extended attributes. Throws Error.
void copy_up(FdRef covered, FdRef covering);

}  // namespace myct::engine
