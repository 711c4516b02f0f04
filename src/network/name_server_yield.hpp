// A container may publish the host's port 53 at all addresses, which the name servers of networks that were there
// before have at their bridges' own. They yield it: they are ended, and started again when the port is the container's,
// and then listen on another as they do beside any other program (name_listener.cpp).
#pragma once

#include <vector>

#include "myct/base/file.hpp"
#include "myct/network/name_server.hpp"
#include "myct/network/network.hpp"

namespace myct::network {

class NameServerYield {
 public:
  explicit NameServerYield(const Directories& directories) : directories_(directories) {}
  NameServerYield(const NameServerYield&) = delete;
  NameServerYield& operator=(const NameServerYield&) = delete;
  /// Starts what was ended again. A failure is a warning.
  ~NameServerYield();

  /// Ends the servers of ours that have the port, if there are any; nobody starts them again as long as this lives.
  /// Returns whether it is worth another try. Throws Error.
  [[nodiscard]] bool try_make_room(const state::PublishedPort& port);

 private:
  const Directories& directories_;
  std::vector<NameServer> ended_;
  std::vector<FileLock> locks_;
};

}  // namespace myct::network
