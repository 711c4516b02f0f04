#include "network_document.hpp"

#include <nlohmann/json.hpp>

#include "myct/base/error.hpp"
#include "myct/manager/manager.hpp"
#include "myct/manager/network.hpp"

namespace myct::cli {
namespace {

std::string with_prefix(const std::string& address, int prefix) {
  return address.empty() ? address : fmt::format("{}/{}", address, prefix);
}

}  // namespace

Json build_network_document(const manager::Context& context, const std::string& reference) {
  const network::Definition definition = manager::find_network(context, reference);
  Json ranges = Json::array();
  const auto add_range = [&](const std::string& subnet, const std::string& gateway, const std::string& part) {
    if (subnet.empty()) return;
    Json& range = ranges.emplace_back(Json{{"Subnet", subnet}, {"Gateway", gateway}});
    if (!part.empty()) range["IPRange"] = part;
  };
  add_range(definition.subnet, definition.gateway, definition.ip_range);
  add_range(definition.subnet6, definition.gateway6, definition.ip_range6);
  Json containers = Json::object();
  for (const network::Inhabitant& inhabitant : manager::list_inhabitants(context, definition.name)) {
    const network::Endpoint& endpoint = inhabitant.endpoint;
    containers[inhabitant.id] = {{"Name", manager::name_of_container(context, inhabitant.id)},
                                 {"EndpointID", endpoint.id},
                                 {"MacAddress", endpoint.mac},
                                 {"IPv4Address", with_prefix(endpoint.address, endpoint.prefix)},
                                 {"IPv6Address", with_prefix(endpoint.address6, endpoint.prefix6)}};
  }
  Json options = definition.options.empty() ? Json::object() : Json(definition.options);
  if (!definition.bridge.empty()) options["com.docker.network.bridge.name"] = definition.bridge;
  return {{"Name", definition.name},
          {"Id", definition.id},
          {"Created", definition.created == SystemTime{} ? "0001-01-01T00:00:00Z" : format_time(definition.created)},
          {"Scope", "local"},
          {"Driver", definition.driver},
          {"EnableIPv4", true},
          {"EnableIPv6", !definition.subnet6.empty()},
          {"IPAM", {{"Driver", "default"}, {"Options", Json::object()}, {"Config", ranges}}},
          {"Internal", definition.internal},
          {"Attachable", false},
          {"Ingress", false},
          {"Containers", containers},
          {"Options", options},
          {"Labels", definition.labels.empty() ? Json::object() : Json(definition.labels)}};
}

}  // namespace myct::cli
