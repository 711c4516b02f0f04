#include "asker.hpp"

#include "attachment.hpp"

namespace myct::network {
namespace {

std::string directory_beside(const NameServer& server, const std::string& network) {
  return server.directory.substr(0, server.directory.rfind('/') + 1) + network;
}

std::vector<Subnet> ranges_of(const Endpoint& endpoint) {
  std::vector<Subnet> ranges;
  for (const std::string& text : {endpoint.subnet, endpoint.subnet6})
    if (const std::optional<Subnet> range = parse_subnet(text)) ranges.push_back(*range);
  return ranges;
}

}  // namespace

std::optional<OwnAnswer> Asker::find(const dns::Query& query) const {
  for (const OwnNames& network : networks)
    if (std::optional<OwnAnswer> answer = network.find(query)) return answer;
  return std::nullopt;
}

Asker identify_asker(const NameServer& server, std::span<const Subnet> ranges, const std::string& address) {
  Asker asker{.container_id = NameTable(server.directory).holder_of(address).value_or(""),
              .networks = {},
              .forwarding = server.forwarding};
  const OwnNames own(server.network, server.directory, {ranges.begin(), ranges.end()});
  bool is_own_among_them = false;
  if (!asker.container_id.empty()) {
    const Presence presence = load_presence(server.run_containers + "/" + asker.container_id).value_or(Presence{});
    for (const Endpoint& endpoint : presence.endpoints) {
      const bool is_own = endpoint.network == server.network;
      if (is_own)
        asker.networks.push_back(own);
      else if (knows_names(endpoint))
        asker.networks.emplace_back(endpoint.network, directory_beside(server, endpoint.network), ranges_of(endpoint));
      if (!is_own && !endpoint.internal) asker.forwarding = Forwarding::Yes;
      is_own_among_them |= is_own;
    }
  }
  if (!is_own_among_them) asker.networks.push_back(own);
  return asker;
}

}  // namespace myct::network
