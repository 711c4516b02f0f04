// What a user asks of a network for a container.
#pragma once

#include <string>
#include <vector>

namespace myct::state {

/// A network that a container is to be on; what is empty is chosen at each start.
struct NetworkAttachment {
  std::string network;               ///< "bridge", or the name of one of the user's own
  std::string address;               ///< IPv4
  std::string address6;              ///< IPv6
  std::string mac;                   ///< "02:42:0a:58:00:02"
  std::vector<std::string> aliases;  ///< names beside the container's own
};

}  // namespace myct::state
