// The note in a container's run directory of what it has of the network, as JSON.
#include "endpoint.hpp"

#include <fcntl.h>

#include "myct/base/file.hpp"
#include "myct/base/json.hpp"

namespace myct::network {
namespace {

using json::read;
using json::Value;

constexpr const char* kNote = "network.json";

std::string to_json(const Endpoint& endpoint) {
  Value value{{"network", endpoint.network}, {"bridge", endpoint.bridge},   {"hostInterface", endpoint.host_interface},
              {"subnet", endpoint.subnet},   {"address", endpoint.address}, {"gateway", endpoint.gateway},
              {"mac", endpoint.mac},         {"prefix", endpoint.prefix}};
  std::vector<std::string> ports;
  for (const state::PublishedPort& port : endpoint.ports) ports.push_back(state::to_text(port));
  json::write_unless_empty(value, "ports", ports);
  return value.dump();
}

Endpoint from_json(const Value& value) {
  Endpoint endpoint;
  read(value, "network", endpoint.network);
  read(value, "bridge", endpoint.bridge);
  read(value, "hostInterface", endpoint.host_interface);
  read(value, "subnet", endpoint.subnet);
  read(value, "address", endpoint.address);
  read(value, "gateway", endpoint.gateway);
  read(value, "mac", endpoint.mac);
  read(value, "prefix", endpoint.prefix);
  std::vector<std::string> ports;
  read(value, "ports", ports);
  for (const std::string& text : ports) {
    const std::optional<state::PublishedPort> port = state::published_port_from_text(text);
    if (!port) throw_error(ErrorKind::Invalid, "member 'ports': '{}' is not a port", text);
    endpoint.ports.push_back(*port);
  }
  return endpoint;
}

}  // namespace

void save_endpoint(const std::string& run_directory, const Endpoint& endpoint) {
  const Fd directory = open_path(run_directory, O_RDONLY | O_DIRECTORY);
  save_atomically(directory.ref(), kNote, to_json(endpoint), Durability::SurvivesProcessDeath);
}

void remove_endpoint(const std::string& run_directory) { remove_file(run_directory + "/" + kNote); }

std::optional<Endpoint> load_endpoint(const std::string& run_directory) {
  const std::string path = run_directory + "/" + kNote;
  const std::optional<std::string> text = try_read_file(path);
  if (!text) return std::nullopt;
  return from_json(json::parse(*text, path));
}

}  // namespace myct::network
