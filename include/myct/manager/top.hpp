// The processes of a container as the host's ps(1) shows them, as docker-top(1).
#pragma once

#include <string>
#include <vector>

#include "myct/base/process_table.hpp"
#include "myct/manager/request.hpp"

namespace myct::manager {

/// Runs `ps` with `ps_options` (none: -ef), and keeps the lines whose PID is one of the container's. Throws Error when
/// the container does not run, when ps fails, and when its output has no PID column.
[[nodiscard]] ProcessTable top(const Context& context, const std::string& reference,
                               const std::vector<std::string>& ps_options);

}  // namespace myct::manager
