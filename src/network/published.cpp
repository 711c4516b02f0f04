#include "published.hpp"

#include "addresses.hpp"
#include "attachment.hpp"
#include "endpoint.hpp"
#include "flows.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "name_server_sign.hpp"
#include "relay_start.hpp"

namespace myct::network {
namespace {

bool is_same_port(const state::PublishedPort& one, const state::PublishedPort& other) {
  const bool same_address =
      state::is_unspecified(one) || state::is_unspecified(other) || one.host_address == other.host_address;
  return same_address && state::is_ipv6(one) == state::is_ipv6(other) && one.host_port == other.host_port &&
         one.protocol == other.protocol;
}

/// Questions to a network's name server that another program keeps from its port.
void restore_detours(NetlinkSocket& netfilter, const Directories& directories) {
  for (const std::string& network : list_directory(directories.networks, Hidden::LeaveOut))
    if (const std::optional<Sign> sign = find_living(directory_of(directories, network)))
      replace_elements(netfilter, elements_of(sign->detours));
}

/// What is restored without one is restored without the others.
template <typename Restore>
void try_restore(const std::string& what, const Restore& restore) {
  try {
    restore();
  } catch (const Error& error) {
    log::warning("the rules for {} are not restored: {}", what, error.what());
  }
}

void restore_presence(NetlinkSocket& netfilter, const Directories& directories, const std::string& id,
                      const Presence& presence) {
  for (const Endpoint& endpoint : presence.endpoints) {
    if (!is_bridged(endpoint)) continue;
    // One that still looks for an address adds its elements itself, for another address perhaps.
    if (!is_claimed(directory_of(directories, endpoint.network), endpoint.address, id)) continue;
    add_elements(netfilter, elements_of(bridge_of(endpoint)));
    if (&endpoint == presence.publishing()) add_elements(netfilter, port_elements(presence));
  }
}

}  // namespace

std::vector<Element> port_elements(const Presence& presence) {
  std::vector<Element> elements;
  const auto add = [&](const std::string& text, bool is_routed) {
    const std::optional<Address> address = parse_address(text);
    if (!address) return;
    for (const state::PublishedPort& port : presence.ports) {
      // What an IPv6 address of the host's has to send on to an IPv4 address is the relay's.
      if (state::is_ipv6(port) == (address->family == Family::Inet6))
        elements.push_back(is_routed ? element_of_open_port(port, *address) : element_of_port(port, *address));
    }
  };
  if (const Endpoint* by = presence.publishing()) add(by->address, false);
  if (const Endpoint* by = presence.publishing6()) add(by->address6, by->routed6);
  for (const state::PublishedPort& port : presence.ports)
    if (is_relayed(port) && presence.publishing() != nullptr && presence.publishing6() == nullptr)
      elements.push_back(element_of_relayed_port(port));
  return elements;
}

std::string container_that_publishes(const std::string& run_containers, const state::PublishedPort& port) {
  for (const std::string& id : list_directory(run_containers, Hidden::LeaveOut))
    if (const std::optional<Presence> presence = load_presence(run_containers + "/" + id))
      for (const state::PublishedPort& other : presence->ports)
        if (is_same_port(port, other)) return "container " + short_id(id);
  return {};
}

std::string rules_lock(const Directories& directories) { return directories.networks + "/.rules.lock"; }

void publish(NetlinkSocket& netfilter, const Directories& directories, const Presence& presence) {
  const std::vector<Element> elements = port_elements(presence);
  try {
    add_elements(netfilter, elements);
  } catch (const Error& error) {
    if (error.errnum() != EEXIST) throw;
    const FileLock lock = FileLock::acquire(rules_lock(directories));
    replace_elements(netfilter, elements);
  }
  forget_flows(netfilter, presence.ports);
}

void restore_elements(NetlinkSocket& netfilter, const Directories& directories) {
  const FileLock lock = FileLock::acquire(rules_lock(directories));
  for (const std::string& id : list_directory(directories.run_containers, Hidden::LeaveOut)) {
    const std::optional<Presence> presence = load_presence(directories.run_containers + "/" + id);
    if (presence)
      try_restore("container " + short_id(id), [&] { restore_presence(netfilter, directories, id, *presence); });
  }
  try_restore("name servers", [&] { restore_detours(netfilter, directories); });
}

}  // namespace myct::network
