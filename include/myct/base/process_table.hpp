// Some of the host's processes, as its ps(1) shows them.
#pragma once

#include <sys/types.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace myct {

struct ProcessTable {
  std::vector<std::string> titles;
  std::vector<std::vector<std::string>> rows;  ///< as many cells as titles
};

/// Runs `ps` with `ps_options` (none: -ef), and keeps the lines whose PID is one of those that `find` then finds.
/// Throws Error when ps fails, and when its output has no PID column.
[[nodiscard]] ProcessTable list_processes(const std::function<std::set<pid_t>()>& find,
                                          const std::vector<std::string>& ps_options);

}  // namespace myct
