#include "address.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>

#include "myct/base/units.hpp"

namespace myct::network {

std::optional<Ipv4> parse_ipv4(std::string_view text) {
  in_addr address{};
  if (::inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) return std::nullopt;
  return Ipv4{ntohl(address.s_addr)};
}

std::string to_text(Ipv4 address) {
  return fmt::format("{}.{}.{}.{}", address.value >> 24, (address.value >> 16) & 0xff, (address.value >> 8) & 0xff,
                     address.value & 0xff);
}

uint32_t to_wire(Ipv4 address) { return htonl(address.value); }

uint32_t Subnet::mask() const noexcept { return prefix == 0 ? 0 : ~uint32_t{0} << (32 - prefix); }

bool Subnet::contains(Ipv4 address) const noexcept { return (address.value & mask()) == base.value; }

bool Subnet::overlaps(const Subnet& other) const noexcept { return contains(other.base) || other.contains(base); }

Ipv4 Subnet::broadcast() const noexcept { return {base.value | ~mask()}; }

std::optional<Subnet> parse_subnet(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::optional<Ipv4> base = parse_ipv4(text.substr(0, slash));
  const std::optional<uint64_t> prefix = parse_unsigned(text.substr(slash + 1));
  if (!base || !prefix || *prefix > 32) return std::nullopt;
  const Subnet subnet{.base = *base, .prefix = static_cast<int>(*prefix)};
  if (!subnet.contains(*base)) return std::nullopt;
  return subnet;
}

std::string to_text(const Subnet& subnet) { return fmt::format("{}/{}", to_text(subnet.base), subnet.prefix); }

}  // namespace myct::network
