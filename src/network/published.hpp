// The firewall elements of what containers have: their bridges' and their published ports'.
#pragma once

#include <string>
#include <vector>

#include "myct/network/network.hpp"
#include "rules.hpp"

namespace myct::network {

/// What leads published ports to the container, and lets others reach them where nothing is translated.
[[nodiscard]] std::vector<Element> port_elements(const Presence& presence);
/// "container 0123456789ab", or empty.
[[nodiscard]] std::string container_that_publishes(const std::string& run_containers, const state::PublishedPort& port);

/// Elements and notes change together under it: who makes the rules anew finds the notes of those who need elements.
[[nodiscard]] std::string rules_lock(const Directories& directories);
/// Adds a container's port_elements(). The ports are bound by us: what leads elsewhere from them is of one who was
/// killed, and is replaced.
void publish(NetlinkSocket& netfilter, const Directories& directories, const Presence& presence);
/// Puts the elements of all who run, and of the name servers that serve, into rules that may just have been made, as
/// somebody had flushed them.
void restore_elements(NetlinkSocket& netfilter, const Directories& directories);

}  // namespace myct::network
