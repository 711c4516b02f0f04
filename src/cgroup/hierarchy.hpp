// Which part of the hierarchy is ours, and making groups in it.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace myct::cgroup {

[[nodiscard]] std::string parent_of(const std::string& path);

/// The group of a process ("self", or its number), from the root of our cgroup namespace; nullopt when there is none.
[[nodiscard]] std::optional<std::string> group_of_process(const std::string& process);

/// The topmost group above `path` that we may change: where the hierarchy is mounted, or what is delegated to us.
[[nodiscard]] std::string top_of(const std::string& path);

/// What a user can do where a group cannot be changed because of EROFS.
[[nodiscard]] std::string how_to_write();

/// Makes the groups that are missing above `path` and marks them, for remove_made_parents(). Throws Error.
void make_parents(const std::string& path);

/// Makes the group and its missing parents. One that is there already is emptied of what an earlier owner has set, if
/// nothing is in it. Throws Error.
void make_group(const std::string& path);

/// The groups in the one at `path`, absolute; none when it is absent.
[[nodiscard]] std::vector<std::string> groups_in(const std::string& path);

/// Whether the group is one that containers are in and nobody else has made.
[[nodiscard]] bool is_ours(const std::string& path);

/// Removes those groups above `path` that make_parents() has made and nothing is in.
void remove_made_parents(const std::string& path);

}  // namespace myct::cgroup
