// Memory that is reserved for containers, in the groups above theirs.
#pragma once

#include <string>
#include <vector>

#include "myct/cgroup/limits.hpp"

namespace myct::cgroup {

/// To be called when the settings have been written to the group at `path`. Where they reserve memory, the groups above
/// that are ours get as much as is reserved in them, and a group of somebody else's that has less is warned of.
void hand_down_reservation(const std::string& path, const std::vector<Setting>& settings);

/// The same when the group at `path` has gone, and what it had reserved with it.
void give_back_reservation(const std::string& path);

}  // namespace myct::cgroup
