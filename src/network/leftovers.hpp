// The kinds of leftovers; see myct/network/leftovers.hpp.
#pragma once

#include <vector>

#include "myct/network/leftovers.hpp"
#include "netlink.hpp"

namespace myct::network {

/// Bridges of networks that are no more, and elements of our nftables table that lead nowhere.
void find_leftover_rules(const Directories& directories, std::vector<Leftover>& leftovers);
/// A bridge that myct has made, and the elements that make it one of ours, whatever the network was like. One that was
/// made for another network than that of the directory stays as it is. Idempotent. Throws Error.
void remove_bridge_by_name(NetlinkSocket& route, NetlinkSocket& netfilter, const std::string& directory,
                           const std::string& name);
/// Relays that were killed while their containers run.
void find_leftover_relays(const Directories& directories, std::vector<Leftover>& leftovers);
/// Name servers of networks that have no container.
void find_leftover_servers(const Directories& directories, std::vector<Leftover>& leftovers);

}  // namespace myct::network
