// Mirrors, unqualified names and insecure registries: /etc/myct/registries.json (docs/files.md).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace myct::registry {

struct Configuration {
  std::vector<std::string> search{"docker.io"};             ///< registries of names without a host, in this order
  std::map<std::string, std::vector<std::string>> mirrors;  ///< base URLs asked before the registry itself, by its host
  std::vector<std::string> insecure;                        ///< "host[:port]": unverified TLS and plain HTTP are fine

  [[nodiscard]] bool is_insecure(std::string_view host) const noexcept;
};

/// Where the file is: $MYCT_REGISTRIES, else /etc/myct/registries.json.
[[nodiscard]] std::string configuration_path();
/// An absent file is the default. Throws Error{Invalid} that names the file and the member.
[[nodiscard]] Configuration load_configuration(const std::string& path);

}  // namespace myct::registry
