// Networks of one's own, as they were made: networks/NAME/network.json, which lasts. What a network has while
// containers are on it dies with the boot (network.hpp).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "myct/base/when.hpp"

namespace myct::network {

/// The drivers: what a container's interface hangs on.
constexpr const char* kBridgeDriver = "bridge";    ///< a bridge of the network's own
constexpr const char* kMacvlanDriver = "macvlan";  ///< an interface of the host's, with a MAC address of its own there
constexpr const char* kIpvlanDriver = "ipvlan";    ///< an interface of the host's, with that one's MAC address

struct Definition {
  std::string name;
  std::string driver;
  std::string id;  ///< 64 hex digits
  SystemTime created;
  std::string bridge;     ///< the host's interface; empty with another driver
  std::string parent;     ///< of macvlan and ipvlan: the host's interface that containers share
  std::string mode;       ///< of theirs: "bridge", "private", "vepa", "passthru"; "l2", "l3", "l3s"
  std::string subnet;     ///< "10.89.0.0/24"
  std::string gateway;    ///< the bridge's own address
  std::string ip_range;   ///< where addresses are taken from, if nobody asks for one; empty: all of the subnet
  std::string subnet6;    ///< "fd00::/64"; empty: it has no IPv6
  std::string gateway6;   ///< as of IPv4
  std::string ip_range6;  ///< likewise
  bool routed6 = false;   ///< others reach its IPv6 addresses by a route of their own: they are not translated
  bool internal = false;  ///< with no way out
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> options;
};

/// What a user asks for; what is empty is chosen.
struct DefinitionRequest {
  std::string name;
  std::string driver = kBridgeDriver;
  std::string bridge;
  std::string parent;
  std::string mode;
  std::vector<std::string> subnets;  ///< at most one of either family
  std::vector<std::string> gateways;
  std::vector<std::string> ip_ranges;
  bool ipv6 = false;  ///< a subnet of unique local addresses (RFC 4193), if `subnets` has none of IPv6
  bool routed6 = false;
  bool internal = false;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> options;
};

/// Makes it. `directory` is that of all definitions. Throws Error{Usage} when the addresses do not fit each other, and
/// Error{Conflict} when the name is taken, or the subnet or bridge is another network's or the host's.
Definition define(const std::string& directory, const DefinitionRequest& request);
/// By name, id, or a unique beginning of an id. nullopt when there is none. Throws Error{Conflict} when it is
/// ambiguous.
[[nodiscard]] std::optional<Definition> find_definition(const std::string& directory, std::string_view reference);
/// By name only.
[[nodiscard]] std::optional<Definition> load_definition(const std::string& directory, const std::string& name);
/// By name, in alphabetical order.
[[nodiscard]] std::vector<Definition> list_definitions(const std::string& directory);

/// [a-zA-Z0-9][a-zA-Z0-9_.-]*; throws Error{Usage} for any other, and for the words that mean something else to
/// --network.
void check_network_name(std::string_view name);

}  // namespace myct::network
