// The note in a container's run directory of what it has of its networks, as JSON.
#include "endpoint.hpp"

#include <fcntl.h>

#include <algorithm>

#include "myct/base/file.hpp"
#include "myct/base/json.hpp"

namespace myct::network {
namespace {

using json::read;
using json::Value;

constexpr const char* kNote = "network.json";

Value to_json(const Endpoint& endpoint) {
  Value value{
      {"id", endpoint.id},         {"network", endpoint.network},     {"driver", endpoint.driver},
      {"bridge", endpoint.bridge}, {"interface", endpoint.interface}, {"hostInterface", endpoint.host_interface},
      {"subnet", endpoint.subnet}, {"address", endpoint.address},     {"gateway", endpoint.gateway},
      {"mac", endpoint.mac},       {"prefix", endpoint.prefix}};
  json::write_unless_empty(value, "parent", endpoint.parent);
  json::write_unless_empty(value, "mode", endpoint.mode);
  if (endpoint.index != 0) value["index"] = endpoint.index;
  if (!endpoint.address6.empty()) {
    value["subnet6"] = endpoint.subnet6;
    value["address6"] = endpoint.address6;
    value["gateway6"] = endpoint.gateway6;
    value["prefix6"] = endpoint.prefix6;
  }
  if (endpoint.routed6) value["routed6"] = true;
  if (endpoint.internal) value["internal"] = true;
  json::write_unless_empty(value, "names", endpoint.names);
  return value;
}

Endpoint endpoint_from_json(const Value& value) {
  Endpoint endpoint;
  read(value, "id", endpoint.id);
  read(value, "network", endpoint.network);
  read(value, "driver", endpoint.driver);
  read(value, "bridge", endpoint.bridge);
  read(value, "parent", endpoint.parent);
  read(value, "mode", endpoint.mode);
  read(value, "interface", endpoint.interface);
  read(value, "hostInterface", endpoint.host_interface);
  read(value, "index", endpoint.index);
  read(value, "subnet", endpoint.subnet);
  read(value, "address", endpoint.address);
  read(value, "gateway", endpoint.gateway);
  read(value, "mac", endpoint.mac);
  read(value, "prefix", endpoint.prefix);
  read(value, "subnet6", endpoint.subnet6);
  read(value, "address6", endpoint.address6);
  read(value, "gateway6", endpoint.gateway6);
  read(value, "prefix6", endpoint.prefix6);
  read(value, "routed6", endpoint.routed6);
  read(value, "internal", endpoint.internal);
  read(value, "names", endpoint.names);
  return endpoint;
}

Presence presence_from_json(const Value& value) {
  Presence presence;
  json::read_array(value, "endpoints", presence.endpoints, endpoint_from_json);
  std::vector<std::string> ports;
  read(value, "ports", ports);
  for (const std::string& text : ports) {
    const std::optional<state::PublishedPort> port = state::published_port_from_text(text);
    if (!port) throw_error(ErrorKind::Invalid, "member 'ports': '{}' is not a port", text);
    presence.ports.push_back(*port);
  }
  return presence;
}

bool has_ipv6(const Endpoint& endpoint) { return !endpoint.address6.empty(); }

/// The first that has a way out and is as is wanted; nullptr: there is none.
template <typename IsWanted>
const Endpoint* find_outward(const std::vector<Endpoint>& endpoints, const IsWanted& is_wanted) {
  const auto found = std::ranges::find_if(
      endpoints, [&](const Endpoint& endpoint) { return !endpoint.internal && is_wanted(endpoint); });
  return found == endpoints.end() ? nullptr : &*found;
}

}  // namespace

bool is_bridged(const Endpoint& endpoint) { return endpoint.driver == kBridgeDriver; }

std::vector<std::string> Endpoint::addresses() const {
  std::vector<std::string> all = {address};
  if (!address6.empty()) all.push_back(address6);
  return all;
}

const Endpoint* Presence::outward() const noexcept {
  const Endpoint* const by_ports = ports.empty() ? nullptr : publishing();
  return by_ports != nullptr ? by_ports : find_outward(endpoints, [](const Endpoint&) { return true; });
}
const Endpoint* Presence::outward6() const noexcept {
  const Endpoint* const by_ports = ports.empty() ? nullptr : publishing6();
  return by_ports != nullptr ? by_ports : find_outward(endpoints, has_ipv6);
}
const Endpoint* Presence::publishing() const noexcept { return find_outward(endpoints, is_bridged); }
const Endpoint* Presence::publishing6() const noexcept {
  return find_outward(endpoints, [](const Endpoint& endpoint) { return is_bridged(endpoint) && has_ipv6(endpoint); });
}

std::vector<state::PublishedPort> Presence::published_ports() const {
  std::vector<state::PublishedPort> found;
  for (const state::PublishedPort& port : ports) {
    const bool needs_ipv6 = state::is_ipv6(port) && port.protocol == state::Protocol::Sctp;
    if ((needs_ipv6 ? publishing6() : publishing()) != nullptr) found.push_back(port);
  }
  return found;
}

void save_presence(const std::string& run_directory, const Presence& presence) {
  Value value = Value::object();
  json::write_array(value, "endpoints", presence.endpoints, to_json);
  std::vector<std::string> ports;
  for (const state::PublishedPort& port : presence.ports) ports.push_back(state::to_text(port));
  json::write_unless_empty(value, "ports", ports);
  const Fd directory = open_path(run_directory, O_RDONLY | O_DIRECTORY);
  save_atomically(directory.ref(), kNote, value.dump(), Durability::SurvivesProcessDeath);
}

void remove_presence(const std::string& run_directory) { remove_file(run_directory + "/" + kNote); }

std::optional<Presence> load_presence(const std::string& run_directory) {
  const std::string path = run_directory + "/" + kNote;
  const std::optional<std::string> text = try_read_file(path);
  if (!text) return std::nullopt;
  return presence_from_json(json::parse(*text, path));
}

}  // namespace myct::network
