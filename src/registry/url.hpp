// Addresses of the web as libcurl reads them, so that what is compared is what is connected to.
#pragma once

#include <string>
#include <string_view>

namespace myct::registry {

/// Who is spoken to: what may see an Authorization header meant for it.
struct Origin {
  std::string scheme;  ///< "http" or "https"
  std::string host;
  std::string port;
  bool operator==(const Origin&) const = default;
};

/// Throws Error{Invalid} for what is no http(s) URL.
[[nodiscard]] Origin origin_of(const std::string& url);
/// `location` as seen from `base`: absolute or relative, without any user and password. Throws Error{Invalid}.
[[nodiscard]] std::string resolve_url(const std::string& base, const std::string& location);
/// `url` with another parameter in its query; `value` is encoded.
[[nodiscard]] std::string with_parameter(const std::string& url, std::string_view name, std::string_view value);
/// Scheme, host and path: what messages may show. Queries hold signatures and tokens.
[[nodiscard]] std::string presentable(const std::string& url);
/// Percent-encoding of everything but unreserved characters (RFC 3986).
[[nodiscard]] std::string percent_encode(std::string_view text);

}  // namespace myct::registry
