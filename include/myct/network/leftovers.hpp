// What kills, crashes and hands that meddle leave of networks, and what nobody needs any more.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "myct/network/network.hpp"

namespace myct::network {

/// One thing that nobody uses and no other command comes upon, or that is missing and somebody needs.
struct Leftover {
  std::string object;            ///< "bridge 'br-0123456789ab'"
  std::string problem;           ///< "network 'app', which it was made for, is gone"
  std::string remedy;            ///< what `remove` does: "removes it"
  std::function<void()> remove;  ///< looks again first: somebody may have come to need it
};
/// Changes nothing and waits for no lock. What cannot be seen for lack of privileges is left out with a warning.
/// Throws Error.
[[nodiscard]] std::vector<Leftover> find_leftovers(const Directories& directories);

/// Completes what a kill has cut short: removals of networks, and their making. Waits for what is under way. Throws
/// Error.
void finish_definitions(const Directories& directories);

/// Takes the default network's bridge away when no container is on it, and when it was the last one, our rules in other
/// firewalls' chains. The next start makes them again. Throws Error.
void remove_unused_bridge(const Directories& directories);

}  // namespace myct::network
