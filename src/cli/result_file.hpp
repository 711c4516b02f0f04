// What a command writes to a file or to standard output.
#pragma once

#include <functional>
#include <string>

#include "myct/base/fd.hpp"

namespace myct::cli {

/// Lets `write` write to the file `path`, which appears whole or not at all and is replaced if it is there; or, if the
/// path is empty, to standard output, which must not be a terminal. `what` it is is for the message. Throws Error.
void write_result(const std::string& path, const char* what, const std::function<void(FdRef out)>& write);

}  // namespace myct::cli
