#include "myct/network/leftovers.hpp"

#include <linux/netlink.h>

#include <algorithm>

#include "addresses.hpp"
#include "attachment.hpp"
#include "bridge.hpp"
#include "foreign.hpp"
#include "myct/base/file.hpp"
#include "published.hpp"
#include "rules.hpp"

namespace myct::network {
namespace {

/// Under another root there may be containers on a bridge of that name.
enum class Standing : uint8_t {
  Absent,
  Idle,   ///< made for this network, and without ports
  InUse,  ///< or another's
};
Standing standing_of(NetlinkSocket& route, const std::string& directory, const Bridge& bridge) {
  const std::vector<Link> links = list_links(route);
  const auto link = std::ranges::find(links, bridge.name, &Link::name);
  if (link == links.end()) return Standing::Absent;
  const bool has_ports = std::ranges::find(links, link->index, &Link::master) != links.end();
  return link->alias == mark_of(directory) && !has_ports ? Standing::Idle : Standing::InUse;
}

}  // namespace

void remove_unused_bridge(const Directories& directories) {
  const std::string directory = directory_of(directories, kDefaultNetwork);
  if (!path_exists(directory) || has_claims(directory)) return;
  const Bridge bridge = describe_default_bridge(directory);
  NetlinkSocket route = NetlinkSocket::open(NETLINK_ROUTE);
  NetlinkSocket netfilter = NetlinkSocket::open(NETLINK_NETFILTER);
  {
    const FileLock lock = FileLock::acquire(directory + "/lock");
    const Standing standing = standing_of(route, directory, bridge);
    if (standing == Standing::InUse) return;
    // A start claims its address, and then looks for the elements: either it does not find them, and waits for the lock
    // to make all anew, or its address is seen here.
    const std::vector<Element> elements = elements_of(bridge);
    remove_elements(netfilter, elements);
    if (has_claims(directory)) {
      // Without a bridge there were none, and perhaps no rules either: the start makes them.
      if (standing == Standing::Idle) add_elements(netfilter, elements);
      return;
    }
    remove_bridge(route, netfilter, directory, bridge);
  }
  close_foreign_chains(netfilter, rules_lock(directories));
}

}  // namespace myct::network
