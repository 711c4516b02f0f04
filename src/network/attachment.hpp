// One container on one network: its address, its interface and its names there.
#pragma once

#include <string>
#include <string_view>

#include "bridge.hpp"
#include "inside.hpp"
#include "link.hpp"
#include "myct/network/name_server.hpp"
#include "myct/network/network.hpp"
#include "netlink.hpp"

namespace myct::network {

/// The network's, under the runtime directory.
[[nodiscard]] std::string directory_of(const Directories& directories, const std::string& network);
/// Whether containers find each other by name there.
[[nodiscard]] bool knows_names(const Endpoint& endpoint);

/// What a network's containers hang on.
struct Layout {
  std::string driver = kBridgeDriver;
  Bridge bridge;       ///< with macvlan and ipvlan its addresses alone
  std::string parent;  ///< of these
  std::string mode;
};
/// Throws Error{NotFound} when there is no such network.
[[nodiscard]] Layout describe(const Directories& directories, const std::string& network);
/// As the note of one that is on it says. Throws Error.
[[nodiscard]] Bridge bridge_of(const Endpoint& endpoint);

/// Claims an address of each family, and adds the endpoint to the presence and to its note. What is noted is noted
/// before it is claimed: a kill in between leaves nothing that nobody knows of.
void reserve_endpoint(const Directories& directories, const Station& station, const state::NetworkAttachment& wanted,
                      const std::string& interface, Presence& presence);
/// Makes the interface with its addresses, for an endpoint of the presence, which comes to know its index.
void connect_endpoint(const Directories& directories, NetlinkSocket& route, NetlinkSocket& netfilter,
                      const Presence& presence, Endpoint& endpoint, Inside& inside);
/// The one of the endpoint's network.
[[nodiscard]] NameServer name_server_of(const Directories& directories, const Endpoint& endpoint);
/// Has its names known, and somebody who answers for them.
void make_known(const Directories& directories, const std::string& container_id, const Endpoint& endpoint);
/// Gives names and addresses back. Idempotent.
void release_endpoint(const Directories& directories, const std::string& container_id, const Endpoint& endpoint);

/// The default routes, by the networks that lead outward, of families that have none.
void add_default_routes(NetlinkSocket& route, Inside& inside, const Presence& presence);

}  // namespace myct::network
