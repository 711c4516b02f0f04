// What a container has written.
#pragma once

#include <string>

#include "myct/manager/request.hpp"
#include "myct/supervisor/logs.hpp"

namespace myct::manager {

/// Prints the log of the container that `reference` means on this process's standard output and error; following ends
/// with the container's supervisor. Throws Error{Unsupported} when its log driver keeps nothing that could be read.
void print_logs(const Context& context, const std::string& reference, const supervisor::LogsRequest& request);

}  // namespace myct::manager
