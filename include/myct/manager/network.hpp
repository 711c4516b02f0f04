// Networks of one's own, as the commands see them.
#pragma once

#include <string>
#include <vector>

#include "myct/manager/prune.hpp"
#include "myct/manager/request.hpp"
#include "myct/network/network.hpp"

namespace myct::manager {

/// Throws Error as network::define() does.
network::Definition create_network(const Context& context, const network::DefinitionRequest& request);
/// In alphabetical order, the default one among them, which has no id. Throws Error.
[[nodiscard]] std::vector<network::Definition> list_networks(const Context& context);
/// By name, id, or a unique beginning of an id. Throws Error{NotFound} and Error{Conflict}.
[[nodiscard]] network::Definition find_network(const Context& context, const std::string& reference);
/// Each as it is, and the names of the networks whose ids it begins.
[[nodiscard]] std::vector<std::string> name_networks(const Context& context, std::vector<std::string> references);
/// The containers that run on it.
[[nodiscard]] std::vector<network::Inhabitant> list_inhabitants(const Context& context, const std::string& network);
/// Throws Error{Conflict} while containers run on it, and for the default one.
void remove_network(const Context& context, const std::string& reference);
/// Removes those of one's own that no container runs on, and returns their names.
std::vector<std::string> prune_networks(const Context& context, const PruneRequest& request);
/// Puts a container on a network (`wanted.network`: its name or id), at once if it runs, and at each of its starts.
/// Throws Error{Conflict} when it is on it, or cannot be on any.
void connect_to_network(const Context& context, const std::string& reference, state::NetworkAttachment wanted);
/// Takes it off, likewise. Throws Error{NotFound} when it is not on it.
void disconnect_from_network(const Context& context, const std::string& reference, const std::string& network);
/// Empty when it is gone.
[[nodiscard]] std::string name_of_container(const Context& context, const std::string& id);

}  // namespace myct::manager
