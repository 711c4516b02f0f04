#include "address.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "myct/base/units.hpp"

namespace myct::network {
namespace {

constexpr size_t kBytes4 = 4;
constexpr size_t kBytes6 = 16;

Number host_bits(const Subnet& subnet) noexcept {
  const int bits = subnet.width() - subnet.prefix;
  return bits == 128 ? ~Number{0} : (Number{1} << static_cast<unsigned>(bits)) - 1;
}

}  // namespace

int to_af(Family family) noexcept { return family == Family::Inet ? AF_INET : AF_INET6; }

std::optional<Address> from_wire(const void* bytes, size_t size) noexcept {
  if (size != kBytes4 && size != kBytes6) return std::nullopt;
  Address address{.value = 0, .family = size == kBytes4 ? Family::Inet : Family::Inet6};
  const auto* byte = static_cast<const uint8_t*>(bytes);
  for (size_t index = 0; index < size; ++index) address.value = (address.value << 8U) | byte[index];
  return address;
}

std::vector<uint8_t> to_wire(const Address& address) {
  std::vector<uint8_t> bytes(address.family == Family::Inet ? kBytes4 : kBytes6);
  Number rest = address.value;
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte, rest >>= 8U) *byte = static_cast<uint8_t>(rest);
  return bytes;
}

std::optional<Address> parse_address(std::string_view text) {
  std::array<uint8_t, kBytes6> bytes{};
  const bool is_6 = text.find(':') != std::string_view::npos;
  if (::inet_pton(is_6 ? AF_INET6 : AF_INET, std::string(text).c_str(), bytes.data()) != 1) return std::nullopt;
  return from_wire(bytes.data(), is_6 ? kBytes6 : kBytes4);
}

std::string to_text(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  (void)::inet_ntop(to_af(address.family), to_wire(address).data(), text.data(), text.size());
  return text.data();
}

bool Subnet::contains(const Address& address) const noexcept {
  return address.family == family() && (address.value & ~host_bits(*this)) == base.value;
}

bool Subnet::overlaps(const Subnet& other) const noexcept { return contains(other.base) || other.contains(base); }

Address Subnet::last() const noexcept { return {.value = base.value | host_bits(*this), .family = family()}; }

bool Subnet::is_host(const Address& address) const noexcept {
  return contains(address) && address != base && (family() == Family::Inet6 || address != last());
}

std::optional<Subnet> parse_subnet(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::optional<Address> base = parse_address(text.substr(0, slash));
  const std::optional<uint64_t> prefix = parse_unsigned(text.substr(slash + 1));
  if (!base || !prefix) return std::nullopt;
  Subnet subnet{.base = *base, .prefix = 0};
  if (*prefix > static_cast<uint64_t>(subnet.width())) return std::nullopt;
  subnet.prefix = static_cast<int>(*prefix);
  if (!subnet.contains(*base)) return std::nullopt;
  return subnet;
}

std::string to_text(const Subnet& subnet) { return fmt::format("{}/{}", to_text(subnet.base), subnet.prefix); }

}  // namespace myct::network
