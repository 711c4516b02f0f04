// What a container's life has to do with its network: before its program's first instruction, and after its last.
#include "myct/network/network.hpp"

#include "myct/base/error.hpp"
#include "myct/base/log.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

network::Directories directories_of(const Context& context, const std::string& id) {
  return {.networks = context.paths.run_networks(),
          .run_containers = context.paths.run_containers(),
          .run_directory = context.paths.run_container(id)};
}

}  // namespace

std::optional<network::Lease> reserve_network(const Context& context, const state::Record& record) {
  if (record.settings.network != network::kDefaultNetwork) return std::nullopt;
  std::vector<state::PublishedPort> ports;
  for (const std::string& text : record.settings.ports) {
    const std::optional<state::PublishedPort> port = state::published_port_from_text(text);
    if (!port) throw_error(ErrorKind::Invalid, "record of container '{}': '{}' is not a port", record.name, text);
    ports.push_back(*port);
  }
  return network::reserve(directories_of(context, record.id), record.id, ports);
}

void connect_network(const Container& container, const network::Lease& lease, pid_t init) {
  network::connect(lease, init);
  complete_name_files(container, lease.endpoint);
}

void clear_run(const Context& context, const std::string& id) {
  network::release(directories_of(context, id), id);
  remove_tree(context.paths.run_container(id));
}

std::vector<state::PublishedPort> published_ports(const Context& context, const std::string& reference) {
  return find_summary(context, reference).ports;
}

}  // namespace myct::manager
