// The options that say which networks a container is on, and as what.
#pragma once

#include <string>
#include <vector>

#include "command.hpp"
#include "myct/manager/request.hpp"

namespace myct::cli {

/// Their words as CLI11 collects them.
struct NetworkFlags {
  std::vector<std::string> networks;
  std::vector<std::string> aliases;
  std::string address;
  std::string mac;
  std::vector<std::string> published;
  std::vector<std::string> exposed;
  bool publish_all = false;
};

void add_network_options(CLI::App& command, NetworkFlags& flags);
/// Throws Error{Usage}.
void apply_network_flags(const NetworkFlags& flags, manager::RunRequest& request);

/// One --network: "NAME", podman's "NAME:ip=ADDRESS,mac=ADDRESS,alias=NAME", or docker's
/// "name=NAME,ip=ADDRESS,mac-address=ADDRESS,alias=NAME". Pure; throws Error{Usage}.
[[nodiscard]] state::NetworkAttachment parse_attachment_to_network(const std::string& text);

}  // namespace myct::cli
