// The name server of a network of one's own: this program executed anew, one small process per network, from its first
// container to its last. It answers for the names in the network's directory and forwards all other questions to the
// host's servers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace myct::network {

/// argv[0] of a name server, which tells it from a command.
constexpr const char* kNameServerName = "myct-names";

/// Whether what the network does not know is asked elsewhere.
enum class Forwarding : uint8_t { No, Yes };

/// What a network's name server is told once.
struct NameServer {
  std::string network;
  std::string directory;       ///< the network's, under the runtime directory
  std::string run_containers;  ///< the run directories of all containers; `resolvers` in one has its own servers
  std::string bridge;
  std::vector<std::string> gateways;  ///< the bridge's own addresses, of either family, on which it listens
  std::vector<std::string> subnets;   ///< whose addresses it answers
  Forwarding forwarding = Forwarding::Yes;
};

/// Makes sure that the network's server runs and serves as described: called by whoever has claimed an address of the
/// network, when the bridge is there with its own addresses. Returns when it answers. Throws Error.
void ensure_name_server(const NameServer& server);

/// What main does when it is called by kNameServerName. Returns the process's exit status.
int serve_names(int argc, char** argv) noexcept;

/// The file in a container's run directory that names the servers which questions of that container are forwarded to,
/// one a line, instead of the host's.
constexpr const char* kResolversFile = "resolvers";

}  // namespace myct::network
