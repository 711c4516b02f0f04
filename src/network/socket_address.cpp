#include "socket_address.hpp"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>

namespace myct::network {
namespace {

sockaddr_in* as_ipv4(sockaddr* name) { return reinterpret_cast<sockaddr_in*>(name); }
const sockaddr_in* as_ipv4(const sockaddr* name) { return reinterpret_cast<const sockaddr_in*>(name); }

}  // namespace

std::optional<SocketAddress> SocketAddress::parse(std::string_view text, uint16_t port) {
  SocketAddress address;
  sockaddr_in* const ipv4 = as_ipv4(address.storage());
  if (::inet_pton(AF_INET, std::string(text).c_str(), &ipv4->sin_addr) == 1) {
    ipv4->sin_family = AF_INET;
    ipv4->sin_port = htons(port);
    return address;
  }
  const size_t percent = text.find('%');
  const std::string number(text.substr(0, percent));
  if (::inet_pton(AF_INET6, number.c_str(), &address.name_.sin6_addr) != 1) return std::nullopt;
  address.name_.sin6_family = AF_INET6;
  address.name_.sin6_port = htons(port);
  address.name_.sin6_flowinfo = 0;
  if (percent == std::string_view::npos) return address;
  address.name_.sin6_scope_id = ::if_nametoindex(std::string(text.substr(percent + 1)).c_str());
  if (address.name_.sin6_scope_id == 0) return std::nullopt;
  return address;
}

uint16_t SocketAddress::port() const noexcept { return ntohs(name_.sin6_port); }  // at the same place in both

void SocketAddress::set_port(uint16_t port) noexcept { name_.sin6_port = htons(port); }

std::span<const uint8_t> SocketAddress::bytes() const noexcept {
  if (family() == AF_INET6) return {name_.sin6_addr.s6_addr, sizeof name_.sin6_addr};
  return {reinterpret_cast<const uint8_t*>(&as_ipv4(name())->sin_addr), sizeof(in_addr)};
}

std::string SocketAddress::text() const {
  char buffer[INET6_ADDRSTRLEN];
  const char* const text = ::inet_ntop(family(), bytes().data(), buffer, sizeof buffer);
  return text == nullptr ? std::string() : std::string(text);
}

bool SocketAddress::has_same_address(const SocketAddress& other) const noexcept {
  return family() == other.family() && std::ranges::equal(bytes(), other.bytes());
}

}  // namespace myct::network
