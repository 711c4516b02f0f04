// Ids and names of containers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "myct/state/paths.hpp"

namespace myct::state {

/// 64 random hex digits, the first twelve of which are not all decimal: they serve as a host name.
[[nodiscard]] std::string make_id();

/// "quiet_hopper": an adjective and the surname of somebody who moved computing or science forward.
[[nodiscard]] std::string make_name();

/// Docker's rule: [a-zA-Z0-9][a-zA-Z0-9_.-]+. Throws Error{Invalid} naming the rule.
void check_name(std::string_view name);

/// The id that holds `name`, or nullopt. A name whose container is gone is held by nobody.
[[nodiscard]] std::optional<std::string> find_name(const Paths& paths, std::string_view name);

/// Claims `name` for the container `id`, whose directory must exist already: the name is a link to it, so that a
/// name without a container cannot stay taken. False when another container holds it.
[[nodiscard]] bool claim_name(const Paths& paths, const std::string& name, std::string_view id);

/// Removes names whose containers are gone: left by a kill, and free already. Those in `live` are not looked at.
void remove_dangling_names(const Paths& paths, const std::unordered_set<std::string>& live);

/// Gives the name up if `id` holds it; idempotent.
void release_name(const Paths& paths, const std::string& name, std::string_view id);

}  // namespace myct::state
