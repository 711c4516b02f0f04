// IP addresses and subnets as numbers. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace myct::network {

__extension__ using Number = unsigned __int128;

enum class Family : uint8_t { Inet, Inet6 };
/// AF_INET or AF_INET6.
[[nodiscard]] int to_af(Family family) noexcept;

struct Address {
  Number value = 0;  ///< in the host's byte order, so that the next address is one more
  Family family = Family::Inet;
  friend bool operator==(const Address&, const Address&) = default;
  [[nodiscard]] Address next() const noexcept { return {.value = value + 1, .family = family}; }
};
/// Of either family.
[[nodiscard]] std::optional<Address> parse_address(std::string_view text);
[[nodiscard]] std::string to_text(const Address& address);
/// The 4 or 16 bytes as they travel.
[[nodiscard]] std::vector<uint8_t> to_wire(const Address& address);
/// The inverse; nullopt for any other number of bytes.
[[nodiscard]] std::optional<Address> from_wire(const void* bytes, size_t size) noexcept;

struct Subnet {
  Address base;  ///< the host's bits are 0
  int prefix = 0;
  [[nodiscard]] Family family() const noexcept { return base.family; }
  /// How many bits its addresses have.
  [[nodiscard]] int width() const noexcept { return family() == Family::Inet ? 32 : 128; }
  [[nodiscard]] bool contains(const Address& address) const noexcept;
  [[nodiscard]] bool overlaps(const Subnet& other) const noexcept;
  /// The last address, to which of IPv4 a datagram to all of them goes.
  [[nodiscard]] Address last() const noexcept;
  [[nodiscard]] Address first_host() const noexcept { return base.next(); }
  /// Whether a host can have it: the first address is the subnet's own name, and the last of IPv4 everybody's.
  [[nodiscard]] bool is_host(const Address& address) const noexcept;
};
/// "10.88.0.0/16" or "fd00::/64"; nullopt for anything else, host's bits that are not 0 included.
[[nodiscard]] std::optional<Subnet> parse_subnet(std::string_view text);
[[nodiscard]] std::string to_text(const Subnet& subnet);

/// The addresses of one family on a network.
struct AddressPlan {
  Subnet subnet;
  Subnet range;     ///< where containers' are taken from, the subnet or a part of it
  Address gateway;  ///< the host's own
};

}  // namespace myct::network
