// IPv4 addresses and subnets as numbers. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace myct::network {

/// In the host's byte order, so that the next address is one more.
struct Ipv4 {
  uint32_t value = 0;
  friend auto operator<=>(const Ipv4&, const Ipv4&) = default;
};
[[nodiscard]] std::optional<Ipv4> parse_ipv4(std::string_view text);
[[nodiscard]] std::string to_text(Ipv4 address);
/// The four bytes as they travel.
[[nodiscard]] uint32_t to_wire(Ipv4 address);

struct Subnet {
  Ipv4 base;  ///< the host's bits are 0
  int prefix = 0;
  [[nodiscard]] uint32_t mask() const noexcept;
  [[nodiscard]] bool contains(Ipv4 address) const noexcept;
  [[nodiscard]] bool overlaps(const Subnet& other) const noexcept;
  /// The last address, to which a datagram to all of them goes.
  [[nodiscard]] Ipv4 broadcast() const noexcept;
};
/// "10.88.0.0/16"; nullopt for anything else, host's bits that are not 0 included.
[[nodiscard]] std::optional<Subnet> parse_subnet(std::string_view text);
[[nodiscard]] std::string to_text(const Subnet& subnet);

}  // namespace myct::network
