#include "url.hpp"

#include <algorithm>
#include <memory>
#include <new>

#include "curl.hpp"
#include "myct/base/error.hpp"

namespace myct::registry {
namespace {

class Url {
 public:
  explicit Url(const std::string& text) : url_(Curl::instance().url(), Curl::instance().url_cleanup) {
    if (!url_) throw std::bad_alloc();
    set(CURLUPART_URL, text);
    const std::string scheme = part(CURLUPART_SCHEME);
    if (scheme != "http" && scheme != "https") refuse(text);
  }
  void set(CURLUPart part, const std::string& text) {
    if (Curl::instance().url_set(url_.get(), part, text.c_str(), 0) != CURLUE_OK) refuse(text);
  }
  void clear(CURLUPart part) { (void)Curl::instance().url_set(url_.get(), part, nullptr, 0); }
  /// "" where it is absent.
  [[nodiscard]] std::string part(CURLUPart which, unsigned flags = 0) const {
    char* text = nullptr;
    if (Curl::instance().url_get(url_.get(), which, &text, flags) != CURLUE_OK) return {};
    const std::unique_ptr<char, decltype(Curl::free)> owner(text, Curl::instance().free);
    return text;
  }

 private:
  [[noreturn]] static void refuse(const std::string& text) {
    throw_error(ErrorKind::Invalid, "'{}' is no http or https address", text.substr(0, text.find('?')));
  }
  std::unique_ptr<CURLU, decltype(Curl::url_cleanup)> url_;
};

std::string to_lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

}  // namespace

Origin origin_of(const std::string& url) {
  const Url parsed(url);
  return {.scheme = parsed.part(CURLUPART_SCHEME),
          .host = to_lower(parsed.part(CURLUPART_HOST)),
          .port = parsed.part(CURLUPART_PORT, CURLU_DEFAULT_PORT)};
}

std::string resolve_url(const std::string& base, const std::string& location) {
  Url url(base);
  url.set(CURLUPART_URL, location);
  url.clear(CURLUPART_USER);
  url.clear(CURLUPART_PASSWORD);
  url.clear(CURLUPART_FRAGMENT);
  const std::string scheme = url.part(CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https")
    throw_error(ErrorKind::Invalid, "the registry leads to an address of the kind '{}:'", scheme);
  return url.part(CURLUPART_URL);
}

std::string with_parameter(const std::string& url, std::string_view name, std::string_view value) {
  const char separator = url.find('?') == std::string::npos ? '?' : '&';
  return fmt::format("{}{}{}={}", url, separator, name, percent_encode(value));
}

std::string presentable(const std::string& url) {
  const std::string_view plain = std::string_view(url).substr(0, url.find_first_of("?#"));
  const size_t authority = plain.find("://") == std::string_view::npos ? 0 : plain.find("://") + 3;
  const size_t path = std::min(plain.find('/', authority), plain.size());
  const size_t at = plain.rfind('@', path);
  if (at == std::string_view::npos || at < authority || at > path) return std::string(plain);
  return std::string(plain.substr(0, authority)) + std::string(plain.substr(at + 1));
}

std::string percent_encode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool is_unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                               std::string_view("-._~").find(c) != std::string_view::npos;
    if (is_unreserved)
      encoded += c;
    else
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

}  // namespace myct::registry
