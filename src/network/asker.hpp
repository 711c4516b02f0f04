// Who asks a network's name server, by the address that a question comes from. A container is told of all networks that
// it is on, whichever of their servers it asks: resolvers take the first answer that says no for the last word.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "address.hpp"
#include "myct/network/name_server.hpp"
#include "name_table.hpp"
#include "own_names.hpp"

namespace myct::network {

struct Asker {
  std::string container_id;  ///< empty: the address is nobody's
  std::vector<OwnNames> networks;
  Forwarding forwarding = Forwarding::No;  ///< where one of its networks has a way out

  /// Of the first of its networks that has the name; nullopt: none has. Throws Error when a table cannot be read.
  [[nodiscard]] std::optional<OwnAnswer> find(const dns::Query& query) const;
};

/// `ranges`: the subnets of the server's network, whose names everybody is told. Throws Error.
[[nodiscard]] Asker identify_asker(const NameServer& server, std::span<const Subnet> ranges,
                                   const std::string& address);

}  // namespace myct::network
