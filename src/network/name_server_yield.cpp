#include "name_server_yield.hpp"

#include <algorithm>

#include "attachment.hpp"
#include "myct/base/error.hpp"
#include "myct/base/log.hpp"
#include "name_server_sign.hpp"

namespace myct::network {
namespace {

constexpr uint16_t kPort = 53;

/// Where another program has the port of IPv4, the server has that of IPv6 at most.
bool has_port(const Sign& sign, const state::PublishedPort& port) {
  return state::is_ipv6(port) || sign.detours.empty();
}

}  // namespace

NameServerYield::~NameServerYield() {
  locks_.clear();
  for (const NameServer& server : ended_) {
    try {
      ensure_name_server(server);
    } catch (const Error& error) {
      log::warning("network '{}' has no name server until the next start on it: {}", server.network, error.what());
    }
  }
}

bool NameServerYield::try_make_room(const state::PublishedPort& port) {
  if (port.host_port != kPort || !state::is_unspecified(port) || !path_exists(directories_.networks)) return false;
  std::vector<std::string> networks = list_directory(directories_.networks, Hidden::LeaveOut);
  std::ranges::sort(networks);  // two that do this at once wait for each other's locks in the same order
  bool any = false;
  for (const std::string& network : networks) {
    const std::string directory = directory_of(directories_, network);
    const std::optional<Sign> sign = find_living(directory);
    if (!sign || !has_port(*sign, port)) continue;
    const std::vector<Inhabitant> inhabitants = list_inhabitants(directories_.run_containers, network);
    if (inhabitants.empty()) continue;  // it is about to end
    locks_.push_back(FileLock::acquire(directory + "/lock"));
    ended_.push_back(name_server_of(directories_, inhabitants.front().endpoint));
    end_name_server(directory);
    any = true;
  }
  return any;
}

}  // namespace myct::network
