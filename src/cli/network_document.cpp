#include "network_document.hpp"

#include <nlohmann/json.hpp>

#include "myct/base/error.hpp"
#include "myct/manager/manager.hpp"
#include "myct/manager/network.hpp"

namespace myct::cli {

Json build_network_document(const manager::Context& context, const std::string& reference) {
  const network::Definition definition = manager::find_network(context, reference);
  Json address = {{"Subnet", definition.subnet}, {"Gateway", definition.gateway}};
  if (!definition.ip_range.empty()) address["IPRange"] = definition.ip_range;
  Json containers = Json::object();
  for (const network::Inhabitant& inhabitant : manager::list_inhabitants(context, definition.name)) {
    const network::Endpoint& endpoint = inhabitant.endpoint;
    containers[inhabitant.id] = {{"Name", manager::name_of_container(context, inhabitant.id)},
                                 {"EndpointID", ""},
                                 {"MacAddress", endpoint.mac},
                                 {"IPv4Address", fmt::format("{}/{}", endpoint.address, endpoint.prefix)},
                                 {"IPv6Address", ""}};
  }
  Json options = definition.options.empty() ? Json::object() : Json(definition.options);
  options["com.docker.network.bridge.name"] = definition.bridge;
  return {{"Name", definition.name},
          {"Id", definition.id},
          {"Created", definition.created == SystemTime{} ? "0001-01-01T00:00:00Z" : format_time(definition.created)},
          {"Scope", "local"},
          {"Driver", "bridge"},
          {"EnableIPv4", true},
          {"EnableIPv6", false},
          {"IPAM", {{"Driver", "default"}, {"Options", Json::object()}, {"Config", Json::array({address})}}},
          {"Internal", definition.internal},
          {"Attachable", false},
          {"Ingress", false},
          {"Containers", containers},
          {"Options", options},
          {"Labels", definition.labels.empty() ? Json::object() : Json(definition.labels)}};
}

}  // namespace myct::cli
