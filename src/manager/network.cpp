// What a container's life has to do with its network: before its program's first instruction, and after its last.
#include "myct/network/network.hpp"

#include <fcntl.h>

#include <algorithm>

#include "myct/base/error.hpp"
#include "myct/base/log.hpp"
#include "myct/network/resolver.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

network::Directories directories_of(const Context& context, const std::string& id) {
  return {.networks = context.paths.run_networks(),
          .run_containers = context.paths.run_containers(),
          .run_directory = context.paths.run_container(id)};
}

/// Each that is not published already, at a port of the host that is free.
void add_exposed(const std::vector<std::string>& exposed, std::vector<state::PublishedPort>& ports) {
  const auto is_published = [&](const std::string& text) {
    return std::any_of(ports.begin(), ports.end(),
                       [&](const state::PublishedPort& port) { return state::container_side(port) == text; });
  };
  for (const std::string& text : exposed) {
    if (is_published(text)) continue;
    if (const std::optional<state::PublishedPort> port = state::published_port_from_text(":0:" + text))
      ports.push_back(*port);
  }
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
  if (record.settings.publish_all) add_exposed(record.settings.exposed, ports);
  return network::reserve(directories_of(context, record.id), record.id, ports);
}

void connect_network(const Container& container, const network::Lease& lease, pid_t init) {
  network::connect(lease, init);
  // In place: the container has it mounted, or soon will.
  write_file_at(FdRef(AT_FDCWD), container.directory + "/hosts",
                network::build_hosts(lease.endpoint.address, container.spec.hostname));
}

void clear_run(const Context& context, const std::string& id) {
  network::release(directories_of(context, id), id);
  remove_tree(context.paths.run_container(id));
}

std::vector<state::PublishedPort> published_ports(const Context& context, const std::string& reference) {
  return find_summary(context, reference).ports;
}

}  // namespace myct::manager
