// Base64 (RFC 4648), as HTTP's Basic authentication and docker's config.json want it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace myct::registry {

[[nodiscard]] std::string to_base64(std::string_view bytes);
/// nullopt for anything malformed.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace myct::registry
