// The options that say which networks a container is on, and as what.
#pragma once

#include <string>
#include <vector>

#include "command.hpp"
#include "myct/manager/request.hpp"

namespace myct::cli {

/// What a container is to be on one network, in words as CLI11 collects them.
struct AttachmentFlags {
  std::vector<std::string> aliases;
  std::string address;
  std::string address6;
  std::string mac;
  [[nodiscard]] bool is_plain() const noexcept {
    return aliases.empty() && address.empty() && address6.empty() && mac.empty();
  }
};

/// --ip, --ip6 and --mac-address; `where` ends their help.
void add_attachment_options(CLI::App& command, AttachmentFlags& flags, const std::string& where);
/// Throws Error{Usage}.
void apply_attachment_flags(const AttachmentFlags& flags, state::NetworkAttachment& attachment);
/// Throws Error{Usage} for what the default network has not.
void check_attachment(const state::NetworkAttachment& attachment);

struct NetworkFlags {
  std::vector<std::string> networks;
  AttachmentFlags first;  ///< on the first of them
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
