// The header WWW-Authenticate (RFC 9110, 11.6.1): what a registry asks for before it answers. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace myct::registry {

struct Challenge {
  std::string scheme;                             ///< in lower case: "bearer", "basic"
  std::map<std::string, std::string> parameters;  ///< names in lower case; quotes and escapes taken away

  /// "" without it.
  [[nodiscard]] std::string parameter(const std::string& name) const;
};

/// All challenges of one header line. What is malformed ends the list.
[[nodiscard]] std::vector<Challenge> parse_challenges(std::string_view header);

}  // namespace myct::registry
