// Putting containers on networks and taking them off, whether they run or not.
#include <algorithm>

#include "myct/base/error.hpp"
#include "myct/manager/network.hpp"
#include "myct/state/events.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

constexpr std::string_view kOwnNetworkNeeded =
    "a container whose network is none, the host's or another's is on no other; run it with '--network bridge'";

/// Under its lock.
Container lock_for_networks(const Context& context, const std::string& reference) {
  Container container;
  const std::string id = find_container(context, reference);
  container.lock = state::lock_container(context.paths, id);
  std::optional<state::Record> record = state::load_record(context.paths, id);
  if (!record) throw_error(ErrorKind::NotFound, "no such container: '{}'", reference);
  container.record = std::move(*record);
  container.directory = context.paths.container(id);
  container.spec = load_spec(context, id);
  return container;
}

/// The first process of a container that runs; nullopt when it does not.
std::optional<pid_t> process_of(const Context& context, const std::string& id) {
  const std::optional<state::RunInfo> run = state::load_run_info(context.paths, id);
  if (!run || !state::look_at(*run).init_runs) return std::nullopt;
  return run->init.pid;
}

auto find_attachment(state::Record& record, const std::string& network) {
  return std::ranges::find(record.settings.networks, network, &state::NetworkAttachment::network);
}

network::Presence presence_of(const Context& context, const std::string& id) {
  return network::load_presence(context.paths.run_container(id)).value_or(network::Presence{});
}

bool is_on(const network::Presence& presence, const std::string& network) {
  return std::ranges::find(presence.endpoints, network, &network::Endpoint::network) != presence.endpoints.end();
}

void detach(const Context& context, const Container& container, const std::string& network, pid_t pid) {
  const std::string& id = container.record.id;
  const network::Presence before = presence_of(context, id);
  follow_networks(context, container, before, network::detach(network_directories(context, id), id, network, pid));
}

void attach(const Context& context, const Container& container, const state::NetworkAttachment& wanted, pid_t pid) {
  const state::Record& record = container.record;
  const network::Presence before = presence_of(context, record.id);
  const network::Station station{.id = record.id, .name = record.name, .networks = {}, .ports = {}};
  follow_networks(context, container, before,
                  network::attach(network_directories(context, record.id), station, wanted, pid));
}

}  // namespace

void connect_to_network(const Context& context, const std::string& reference, state::NetworkAttachment wanted) {
  const network::Definition definition = find_network(context, wanted.network);
  wanted.network = definition.name;
  Container container = lock_for_networks(context, reference);
  state::Record& record = container.record;
  if (!record.settings.uses_networks())
    throw Error(ErrorKind::Conflict, fmt::format("connect container '{}' to network '{}'", reference, wanted.network),
                0, std::string(kOwnNetworkNeeded));
  if (find_attachment(record, wanted.network) != record.settings.networks.end())
    throw_error(ErrorKind::Conflict, "container '{}' is on network '{}' already", reference, wanted.network);
  const std::optional<pid_t> pid = process_of(context, record.id);
  if (pid) attach(context, container, wanted, *pid);
  record.settings.networks.push_back(wanted);
  try {
    state::save_record(context.paths, record);
  } catch (const Error&) {
    if (pid) detach(context, container, wanted.network, *pid);
    throw;
  }
}

void disconnect_from_network(const Context& context, const std::string& reference, const std::string& network) {
  Container container = lock_for_networks(context, reference);
  state::Record& record = container.record;
  // One that does not run may be on a network that has been removed: its record has the name still.
  const std::string name = find_attachment(record, network) != record.settings.networks.end()
                               ? network
                               : find_network(context, network).name;
  const auto attachment = find_attachment(record, name);
  const bool is_recorded = attachment != record.settings.networks.end();
  if (!is_recorded && !is_on(presence_of(context, record.id), name))
    throw_error(ErrorKind::NotFound, "container '{}' is not on network '{}'", reference, name);
  if (is_recorded) {
    record.settings.networks.erase(attachment);
    state::save_record(context.paths, record);
  }
  if (const std::optional<pid_t> pid = process_of(context, record.id)) detach(context, container, name, *pid);
}

}  // namespace myct::manager
