// The texts of a container's /etc/hosts and /etc/resolv.conf. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace myct::network {

/// A line of hosts(5).
struct HostEntry {
  std::string address;
  std::string name;
};

/// hosts(5) with the names that every container has: localhost and its IPv6 companions, then the added ones, and then
/// the container's own name at each of its addresses.
[[nodiscard]] std::string build_hosts(std::span<const std::string> addresses, std::string_view hostname,
                                      std::span<const HostEntry> added = {});
/// A hosts(5) file without the lines of the container's own name at `old` addresses, and with those at `added` ones.
[[nodiscard]] std::string change_hosts(std::string_view hosts, std::string_view hostname,
                                       std::span<const std::string> old, std::span<const std::string> added);

/// What a user wants in resolv.conf(5) instead of what the host has; what is empty stays as it is there.
struct ResolverChoice {
  std::vector<std::string> servers;
  std::vector<std::string> searches;  ///< "." alone: none
  std::vector<std::string> options;
};

/// Whether the only name server of this resolv.conf(5) is systemd's own on the host, which no container reaches.
[[nodiscard]] bool is_systemd_stub(std::string_view resolv_conf);
/// The servers that a resolv.conf(5) names.
[[nodiscard]] std::vector<std::string> name_servers(std::string_view resolv_conf);

/// The host's resolv.conf(5) with what the user has chosen, for a container that is where the host is, or nowhere.
[[nodiscard]] std::string override_resolv_conf(std::string_view host, const ResolverChoice& choice);
/// Whether a container has an IPv6 address of a network.
enum class HasIpv6 : uint8_t { No, Yes };
/// The same for a container on the default network: without servers that it does not reach, which are those on the
/// host's loopback interface, those beside one of its interfaces (link-local), and those of IPv6 unless it has that.
/// Where none is left, with Google's, as Docker does.
[[nodiscard]] std::string build_resolv_conf(std::string_view host, const ResolverChoice& choice = {},
                                            HasIpv6 ipv6 = HasIpv6::Yes);
/// The same for a container on a network with a name server at `gateways`, which asks the host's servers and the
/// user's. Names without a dot go to it as they are (ndots:0), unless the user says otherwise.
[[nodiscard]] std::string build_named_resolv_conf(std::string_view host, const std::vector<std::string>& gateways,
                                                  ResolverChoice choice);

}  // namespace myct::network
