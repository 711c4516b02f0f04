// Ports of a container that are reachable at addresses of the host.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace myct::state {

enum class Protocol : uint8_t { Tcp, Udp, Sctp };
/// "tcp"
[[nodiscard]] const char* protocol_word(Protocol protocol) noexcept;
/// In any case; nullopt for any other word.
[[nodiscard]] std::optional<Protocol> protocol_from_word(std::string_view word) noexcept;

struct PublishedPort {
  std::string host_address;     ///< IPv4 or IPv6; empty: every address of the host
  uint16_t host_port = 0;       ///< 0: one that is free
  uint16_t last_host_port = 0;  ///< not 0: the first free one from host_port to this
  uint16_t container_port = 0;
  Protocol protocol = Protocol::Tcp;
  friend bool operator==(const PublishedPort&, const PublishedPort&) = default;
};

/// Whether it is one of the host's IPv6 addresses; an empty one is not.
[[nodiscard]] bool is_ipv6(const PublishedPort& port) noexcept;
/// Whether it is every address of its family: empty, "0.0.0.0" or "::".
[[nodiscard]] bool is_unspecified(const PublishedPort& port) noexcept;
/// The host's address as it stands before a colon: "127.0.0.1", "[::1]"; "0.0.0.0" for an empty one.
[[nodiscard]] std::string address_text(const PublishedPort& port);

/// "127.0.0.1:8080-8090:80/tcp" or "[::1]:8080:80/tcp", as records hold it.
[[nodiscard]] std::string to_text(const PublishedPort& port);
/// The inverse; nullopt for anything else.
[[nodiscard]] std::optional<PublishedPort> published_port_from_text(std::string_view text);

/// "80/tcp" for each port of "80", "80/tcp" or "80-90/udp"; empty for anything else.
[[nodiscard]] std::vector<std::string> expand_ports(std::string_view text);
/// The container's side: "80/tcp".
[[nodiscard]] std::string container_side(const PublishedPort& port);

}  // namespace myct::state
