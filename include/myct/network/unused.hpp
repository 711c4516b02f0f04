// What myct has made on the host for networks, and nobody needs any more.
#pragma once

#include "myct/network/network.hpp"

namespace myct::network {

/// Takes the default network's bridge away when no container is on it, and when it was the last one, our rules in other
/// firewalls' chains. The next start makes them again. Throws Error.
void remove_unused_bridge(const Directories& directories);

}  // namespace myct::network
