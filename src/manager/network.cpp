// What a container's life has to do with its network: before its program's first instruction, and after its last.
#include "myct/network/network.hpp"

#include <algorithm>
#include <iterator>

#include "myct/base/error.hpp"
#include "myct/base/log.hpp"
#include "myct/manager/network.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

/// The container whose network namespace it has.
std::string other_container(const state::Record& record) {
  return record.settings.network.substr(std::string_view(kContainerNetwork).size());
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

/// That container's namespace, which is another one at each of its starts.
void join_container(const Context& context, Container& container) {
  const std::string id = other_container(container.record);
  const auto refuse = [&](const char* why) {
    throw Error(ErrorKind::Conflict, fmt::format("cannot join the network of container {}: it {}", short_id(id), why),
                0, fmt::format("start it with 'myct start {}'", short_id(id)));
  };
  const std::optional<state::RunInfo> run = state::load_run_info(context.paths, id);
  if (!run) refuse("is not running");
  const std::optional<Fd> init = open_process(run->init);
  if (!init) refuse("is not running");
  for (oci::Namespace& space : container.spec.linux_.namespaces)
    if (space.type == "network") space.path = fmt::format("/proc/{}/ns/net", run->init.pid);
}

std::vector<state::PublishedPort> ports_of(const state::Record& record) {
  std::vector<state::PublishedPort> ports;
  for (const std::string& text : record.settings.ports) {
    const std::optional<state::PublishedPort> port = state::published_port_from_text(text);
    if (!port) throw_error(ErrorKind::Invalid, "record of container '{}': '{}' is not a port", record.name, text);
    ports.push_back(*port);
  }
  if (record.settings.publish_all) add_exposed(record.settings.exposed, ports);
  return ports;
}

}  // namespace

network::Directories network_directories(const Context& context, const std::string& id) {
  return {.definitions = context.paths.networks(),
          .networks = context.paths.run_networks(),
          .run_containers = context.paths.run_containers(),
          .run_directory = context.paths.run_container(id),
          .bridge_subnet = context.bridge_subnet};
}

bool joins_container(const state::Record& record) { return record.settings.network.starts_with(kContainerNetwork); }

std::string name_files_directory(const Context& context, const Container& container) {
  return joins_container(container.record) ? context.paths.container(other_container(container.record))
                                           : container.directory;
}

std::optional<network::Lease> reserve_network(const Context& context, Container& container) {
  const state::Record& record = container.record;
  if (joins_container(record)) join_container(context, container);
  if (!record.settings.uses_networks()) return std::nullopt;
  return network::reserve(
      network_directories(context, record.id),
      {.id = record.id, .name = record.name, .networks = record.settings.networks, .ports = ports_of(record)});
}

void connect_network(const Context& context, const Container& container, const network::Lease& lease,
                     engine::Pending& init) {
  try {
    network::connect(network_directories(context, container.record.id), lease, init.pid());
  } catch (const Error&) {
    init.throw_if_ended();
    throw;
  }
  complete_name_files(context, container, lease.presence);
}

void clear_run(const Context& context, const std::string& id) {
  network::release(network_directories(context, id), id);
  remove_tree(context.paths.run_container(id));
}

std::vector<state::PublishedPort> published_ports(const Context& context, const std::string& reference) {
  return find_summary(context, reference).ports;
}

void release_strays(const Context& context, const std::string& id) {
  const network::Directories directories = network_directories(context, id);
  for (const network::Stray& stray : network::find_strays(directories))
    if (stray.container_id == id) network::release_stray(directories, stray);
}

std::vector<network::Stray> list_strays(const Context& context) {
  return network::find_strays(network_directories(context, ""));
}

std::vector<network::Leftover> list_network_leftovers(const Context& context) {
  return network::find_leftovers(network_directories(context, ""));
}

void remove_orphaned_run(const Context& context, const std::string& id) {
  state::remove_orphaned_run_directory(context.paths, id,
                                       [&] { network::release(network_directories(context, id), id); });
}

network::Definition create_network(const Context& context, const network::DefinitionRequest& request) {
  context.paths.make_roots();
  network::finish_definitions(network_directories(context, ""));
  return network::define(context.paths.networks(), request);
}

std::vector<network::Definition> list_networks(const Context& context) {
  std::vector<network::Definition> all = network::list_definitions(context.paths.networks());
  all.push_back(network::describe_default(network_directories(context, "")));
  std::ranges::sort(all, {}, &network::Definition::name);
  return all;
}

network::Definition find_network(const Context& context, const std::string& reference) {
  network::Definition fallback = network::describe_default(network_directories(context, ""));
  if (reference == fallback.name || reference == fallback.id || reference == short_id(fallback.id)) return fallback;
  if (std::optional<network::Definition> found = network::find_definition(context.paths.networks(), reference))
    return std::move(*found);
  throw Error(ErrorKind::NotFound, fmt::format("no such network: '{}'", reference), 0, "see 'myct network ls'");
}

std::vector<std::string> name_networks(const Context& context, std::vector<std::string> references) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name, const std::string& id) {
    const auto begins = [&](const std::string& text) { return !text.empty() && id.starts_with(text); };
    if (std::ranges::any_of(references, begins)) names.push_back(name);
  };
  add(network::kDefaultNetwork, network::kDefaultNetworkId);
  for (const network::Definition& definition : network::list_definitions(context.paths.networks()))
    add(definition.name, definition.id);
  std::ranges::move(names, std::back_inserter(references));
  return references;
}

std::vector<network::Inhabitant> list_inhabitants(const Context& context, const std::string& network) {
  return network::list_inhabitants(context.paths.run_containers(), network);
}

void remove_network(const Context& context, const std::string& reference) {
  network::finish_definitions(network_directories(context, ""));
  const network::Definition found = find_network(context, reference);
  if (found.name == network::kDefaultNetwork)
    throw_error(ErrorKind::Conflict, "network '{}' is myct's own and cannot be removed", found.name);
  network::undefine(network_directories(context, ""), found.name);
}

std::vector<std::string> prune_networks(const Context& context, const PruneRequest& request) {
  std::vector<std::string> removed;
  network::finish_definitions(network_directories(context, ""));
  for (const network::Definition& definition : network::list_definitions(context.paths.networks())) {
    const auto has = [&](const std::string& wanted) { return state::has_label(definition.labels, wanted); };
    if (request.until && definition.created >= *request.until) continue;
    if (!std::ranges::all_of(request.labels, has) || std::ranges::any_of(request.not_labels, has)) continue;
    try {
      network::undefine(network_directories(context, ""), definition.name);
      removed.push_back(definition.name);
    } catch (const Error& error) {
      log::debug("network '{}' is not removed: {}", definition.name, error.what());  // as a rule it is in use
    }
  }
  const bool all = !request.until && request.labels.empty() && request.not_labels.empty();
  if (all) network::remove_unused_bridge(network_directories(context, ""));
  return removed;
}

std::string name_of_container(const Context& context, const std::string& id) {
  const std::optional<state::Record> record = state::load_record(context.paths, id);
  return record ? record->name : std::string();
}

void rename_on_networks(const Context& context, const std::string& id, const std::string& old_name,
                        const std::string& new_name) {
  network::rename(network_directories(context, id), id, old_name, new_name);
}

}  // namespace myct::manager
