// The texts of a container's /etc/hosts and /etc/resolv.conf. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace myct::network {

/// hosts(5) with the names that every container has: localhost and its IPv6 companions, and, unless `address` is
/// empty, the container's own name.
[[nodiscard]] std::string build_hosts(std::string_view address, std::string_view hostname);

/// Whether the only name server of this resolv.conf(5) is systemd's own on the host, which no container reaches.
[[nodiscard]] bool is_systemd_stub(std::string_view resolv_conf);
/// The servers that a resolv.conf(5) names, or a list of them, one a line.
[[nodiscard]] std::vector<std::string> name_servers(std::string_view resolv_conf);
/// The host's resolv.conf(5) without servers on the host's loopback interface; where none is left, with Google's, as
/// Docker does.
[[nodiscard]] std::string build_resolv_conf(std::string_view host);

}  // namespace myct::network
