// What is left of networks in directories: removals and makings that were cut short, and state of networks that are
// no more.
#include "leftovers.hpp"

#include <linux/netlink.h>
#include <unistd.h>

#include <algorithm>

#include "addresses.hpp"
#include "attachment.hpp"
#include "foreign.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "netlink.hpp"
#include "published.hpp"

namespace myct::network {
namespace {

constexpr std::string_view kRemoved = ".removed-";

/// A damaged one is one, too.
bool is_defined(const Directories& directories, const std::string& network) {
  return network == kDefaultNetwork || path_exists(directories.definitions + "/" + network + "/network.json");
}

/// Names of networks whose removal has begun and is not complete.
std::vector<std::string> list_removed(const Directories& directories) {
  std::vector<std::string> names;
  for (const std::string& name : list_directory(directories.definitions, Hidden::Include))
    if (name.starts_with(kRemoved)) names.push_back(name.substr(kRemoved.size()));
  return names;
}

/// Under the network's lock.
void finish_removal(const Directories& directories, const std::string& network) {
  const std::string removed = directories.definitions + "/" + std::string(kRemoved) + network;
  const std::string definition = directories.definitions + "/" + network;
  const std::string directory = directory_of(directories, network);
  const bool is_made_anew = is_defined(directories, network);
  if (!is_made_anew && has_claims(directory)) {
    // It was to be put back: containers are on it.
    if (::rename(removed.c_str(), definition.c_str()) == -1 && errno != ENOENT)
      throw_errno("rename '{}' to '{}'", removed, definition);
    return;
  }
  if (!path_exists(removed)) {  // somebody has completed it while we waited
    if (!is_made_anew) remove_tree(directory);
    return;
  }
  NetlinkSocket route = NetlinkSocket::open(NETLINK_ROUTE);
  NetlinkSocket netfilter = NetlinkSocket::open(NETLINK_NETFILTER);
  if (const std::optional<Definition> old = load_definition(directories.definitions, std::string(kRemoved) + network);
      old && !old->bridge.empty())
    remove_bridge_by_name(route, netfilter, directory, old->bridge);
  close_foreign_chains(netfilter, rules_lock(directories));
  if (!is_made_anew) remove_tree(directory);
  remove_tree(removed);
}

/// Only who makes a network makes its directory, and writes the definition at once.
std::vector<std::string> list_unmade(const Directories& directories) {
  std::vector<std::string> names;
  for (const std::string& name : list_directory(directories.definitions, Hidden::LeaveOut))
    if (list_directory(directories.definitions + "/" + name, Hidden::Include).empty()) names.push_back(name);
  return names;
}

void find_leftover_definitions(const Directories& directories, std::vector<Leftover>& leftovers) {
  const auto finish = [directories] { finish_definitions(directories); };
  for (const std::string& network : list_removed(directories))
    if (const std::string directory = directory_of(directories, network);
        !path_exists(directory) || FileLock::try_acquire(directory + "/lock"))
      leftovers.push_back({fmt::format("network '{}'", network), "its removal was cut short", "completes it", finish});
  for (const std::string& network : list_unmade(directories))
    if (FileLock::try_acquire(directories.definitions + "/.lock"))
      leftovers.push_back({fmt::format("network '{}'", network), "it was never completed", "removes it", finish});
}

void remove_directory(const Directories& directories, const std::string& network) {
  const std::string directory = directory_of(directories, network);
  if (!path_exists(directory)) return;
  const FileLock lock = FileLock::acquire(directory + "/lock");
  if (!is_defined(directories, network) && !has_claims(directory)) remove_tree(directory);
}

void find_leftover_directories(const Directories& directories, std::vector<Leftover>& leftovers) {
  const std::vector<Stray> strays = find_strays(directories);
  const std::vector<std::string> removed = list_removed(directories);
  for (const std::string& network : list_directory(directories.networks, Hidden::LeaveOut)) {
    if (is_defined(directories, network) || std::ranges::find(removed, network) != removed.end()) continue;
    const std::string directory = directory_of(directories, network);
    const auto claims = list_directory(directory + "/addresses", Hidden::LeaveOut).size();
    if (claims != static_cast<size_t>(std::ranges::count(strays, network, &Stray::network))) continue;
    leftovers.push_back({fmt::format("directory '{}'", directory), fmt::format("network '{}' is gone", network),
                         "removes it", [directories, network] { remove_directory(directories, network); }});
  }
}

}  // namespace

void finish_definitions(const Directories& directories) {
  for (const std::string& network : list_removed(directories)) {
    const std::string directory = directory_of(directories, network);
    make_directories(directory);
    const FileLock lock = FileLock::acquire(directory + "/lock");
    finish_removal(directories, network);
  }
  if (list_unmade(directories).empty()) return;
  const FileLock lock = FileLock::acquire(directories.definitions + "/.lock");
  for (const std::string& network : list_unmade(directories))
    ::rmdir((directories.definitions + "/" + network).c_str());
}

std::vector<Leftover> find_leftovers(const Directories& directories) {
  std::vector<Leftover> leftovers;
  find_leftover_definitions(directories, leftovers);
  find_leftover_servers(directories, leftovers);
  find_leftover_relays(directories, leftovers);
  try {
    find_leftover_rules(directories, leftovers);
  } catch (const Error& error) {
    // A host without nf_tables has none of ours.
    if (error.errnum() != EPERM && error.errnum() != EPROTONOSUPPORT && error.errnum() != EOPNOTSUPP) throw;
    if (error.errnum() == EPERM) log::warning("bridges and rules are not looked at: {}", error.what());
  }
  find_leftover_directories(directories, leftovers);
  return leftovers;
}

}  // namespace myct::network
