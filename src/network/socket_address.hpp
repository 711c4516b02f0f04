// Addresses of either family, as sockets have them.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace myct::network {

/// An address with a port, in a quarter of a sockaddr_storage.
class SocketAddress {
 public:
  SocketAddress() = default;
  /// "10.88.0.1", "fd00::1" or "fe80::1%eth0"; nullopt for anything else, an interface that is not there included.
  [[nodiscard]] static std::optional<SocketAddress> parse(std::string_view text, uint16_t port);

  [[nodiscard]] int family() const noexcept { return name_.sin6_family; }
  [[nodiscard]] const sockaddr* name() const noexcept { return reinterpret_cast<const sockaddr*>(&name_); }
  [[nodiscard]] socklen_t size() const noexcept {
    return family() == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  }
  /// For calls that fill one in.
  [[nodiscard]] sockaddr* storage() noexcept { return reinterpret_cast<sockaddr*>(&name_); }
  static constexpr socklen_t kStorageSize = sizeof(sockaddr_in6);

  [[nodiscard]] uint16_t port() const noexcept;
  void set_port(uint16_t port) noexcept;
  /// The four or sixteen bytes of the address alone.
  [[nodiscard]] std::span<const uint8_t> bytes() const noexcept;
  /// The address alone, as names of claims have it.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool has_same_address(const SocketAddress& other) const noexcept;

 private:
  sockaddr_in6 name_{};  // or a sockaddr_in, which begins alike
};

}  // namespace myct::network
