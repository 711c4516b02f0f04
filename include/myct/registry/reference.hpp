// Names of images in registries as users write them, pure.
#pragma once

#include <string>
#include <string_view>

namespace myct::registry {

/// The registry behind names without a host.
inline constexpr std::string_view kDefaultRegistry = "docker.io";

/// What a host of a registry is to errors, credentials and configuration files.
struct Repository {
  std::string host;  ///< "docker.io", "example.org:5000", "[::1]:5000"
  std::string path;  ///< "library/alpine"

  /// "docker.io/library/alpine"
  [[nodiscard]] std::string text() const { return host + "/" + path; }
  /// As users write it: "alpine", "team/app", "example.org:5000/app".
  [[nodiscard]] std::string familiar() const;
  bool operator==(const Repository&) const = default;
};

/// "[host[:port]/]path[:tag][@digest]" taken apart. There is a tag or a digest, or both; then the digest decides.
struct RegistryReference {
  Repository repository;
  std::string tag;     ///< "latest"; empty when only a digest was given
  std::string digest;  ///< "sha256:<hex>", or empty

  /// "docker.io/library/alpine:latest"
  [[nodiscard]] std::string text() const;
  /// "alpine:latest"
  [[nodiscard]] std::string familiar() const;
  /// What the registry is asked for: the digest, else the tag.
  [[nodiscard]] const std::string& target() const noexcept { return digest.empty() ? tag : digest; }
  bool operator==(const RegistryReference&) const = default;
};

/// Takes a name apart by Docker's rules: the first part is a host if it holds a dot or a colon, is "localhost", or has
/// capitals; without one the image is `default_registry`'s; docker.io's images without a "/" are in "library/"; without
/// tag and digest the tag is "latest". Throws Error{Invalid} that names the text and the rule it breaks.
[[nodiscard]] RegistryReference parse_registry_reference(std::string_view text,
                                                         std::string_view default_registry = kDefaultRegistry);

/// Whether the name says itself which registry it is in.
[[nodiscard]] bool has_registry(std::string_view text) noexcept;

/// A registry as `login` takes it: "example.org:5000", "https://example.org/v1/", "docker.io", "index.docker.io".
/// Returns the host alone. Throws Error{Invalid}.
[[nodiscard]] std::string parse_registry_host(std::string_view text);

/// Whether it is this very machine: localhost, 127.0.0.0/8 or ::1, with or without a port.
[[nodiscard]] bool is_loopback(std::string_view host) noexcept;

}  // namespace myct::registry
