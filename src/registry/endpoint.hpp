// Where a registry or a mirror of it listens, and by which rules it is spoken to.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "myct/registry/client.hpp"
#include "transfer.hpp"

namespace myct::registry {

struct Endpoint {
  std::string base;  ///< "https://registry-1.docker.io", without "/v2"
  std::string host;  ///< whose credentials and certificates are used: "docker.io", "mirror.example.org:5000"
  bool is_mirror = false;
  bool may_be_plain = false;  ///< plain HTTP is fine where no TLS is spoken
  TlsSettings tls;

  [[nodiscard]] std::string url(std::string_view path) const { return base + "/v2/" + std::string(path); }
};

enum class Speech : uint8_t { Plain, Tls };

/// Knows the endpoints of all registries. Thread-safe.
class Endpoints {
 public:
  explicit Endpoints(const ClientOptions& options);

  /// The registry itself.
  [[nodiscard]] Endpoint registry(const std::string& host) const;
  /// Its mirrors, then itself: where images may be read from.
  [[nodiscard]] std::vector<Endpoint> sources(const std::string& host) const;
  /// Whether the endpoint has turned out to speak plain HTTP, or TLS; nullopt when it is not known yet.
  [[nodiscard]] std::optional<Speech> speech_of(const Endpoint& endpoint) const;
  void remember(const Endpoint& endpoint, Speech speech);

 private:
  [[nodiscard]] Endpoint make(const std::string& scheme, const std::string& host, const std::string& rest) const;
  [[nodiscard]] TlsSettings tls_of(const std::string& host) const;
  Configuration configuration_;
  TlsVerify verify_;
  std::string directory_;
  std::vector<std::string> roots_;
  mutable std::mutex mutex_;
  std::map<std::string, Speech> speech_;  // by host
};

}  // namespace myct::registry
