// Enabling controllers from the top of what is ours down to a container's parent.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "myct/base/error.hpp"
#include "myct/cgroup/limits.hpp"

namespace myct::cgroup {

/// Where processes go that are in the way: a group with controllers below it may have none of its own
/// (cgroup-v2.rst, "No Internal Process Constraint").
inline constexpr std::string_view kLeaf = "/init";

/// Moves what runs in `group` to that leaf. Throws Error.
void move_to_leaf(const std::string& group);

/// Why a controller cannot be had.
enum class Lack : uint8_t { OnVersion1, NotHandedDown, NotInKernel, NoHierarchy };
/// Names the limit, the controller and the remedy; `group` is the one it is not handed down to. Pure.
[[nodiscard]] Error unavailable(const Setting& setting, Lack lack, const std::string& group);

/// `error`, of a group that could not be made, with what it was for.
[[nodiscard]] Error add_purpose(const Error& error, const std::vector<Setting>& settings);

/// Makes `parent` if it is missing, and has it hand out to its children the controllers that the settings need, and
/// those that count what is used, as far as they can be had. Throws Error{Unsupported} naming the limit, the controller
/// and the remedy when one that is needed cannot.
void enable_controllers(const std::string& parent, const std::vector<Setting>& settings);

}  // namespace myct::cgroup
