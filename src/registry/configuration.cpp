#include "myct/registry/configuration.hpp"

#include <algorithm>
#include <cstdlib>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/json.hpp"
#include "myct/registry/reference.hpp"

namespace myct::registry {
namespace {

constexpr const char* kPath = "/etc/myct/registries.json";

void check_members(const json::Value& document) {
  for (const auto& [name, unused] : document.items())
    if (name != "search" && name != "mirrors" && name != "insecure")
      throw_error(ErrorKind::Invalid, "member '{}' is unknown; there are search, mirrors and insecure", name);
}

void normalize_hosts(std::vector<std::string>& hosts) {
  for (std::string& host : hosts) host = parse_registry_host(host);
}

/// "https://host[:port][/path]" without the last slash.
std::string check_mirror(const std::string& url) {
  if (!url.starts_with("https://") && !url.starts_with("http://"))
    throw_error(ErrorKind::Invalid, "mirror '{}' must begin with https:// or http://", url);
  if (url.find('@') != std::string::npos)
    throw_error(ErrorKind::Invalid, "mirrors hold no credentials: use 'myct login' for its host");
  (void)parse_registry_host(url);
  return url.substr(0, url.find_last_not_of('/') + 1);
}

Configuration from_json(const json::Value& document) {
  if (!document.is_object()) throw_error(ErrorKind::Invalid, "not a JSON object");
  check_members(document);
  Configuration configuration;
  json::read(document, "search", configuration.search);
  json::read(document, "insecure", configuration.insecure);
  std::map<std::string, std::vector<std::string>> mirrors;
  json::read(document, "mirrors", mirrors);
  normalize_hosts(configuration.search);
  normalize_hosts(configuration.insecure);
  for (const auto& [host, urls] : mirrors)
    for (const std::string& url : urls) configuration.mirrors[parse_registry_host(host)].push_back(check_mirror(url));
  return configuration;
}

}  // namespace

bool Configuration::is_insecure(std::string_view host) const noexcept {
  return std::ranges::find(insecure, host) != insecure.end();
}

std::string configuration_path() {
  const char* path = std::getenv("MYCT_REGISTRIES");
  return path != nullptr && *path != '\0' ? path : kPath;
}

Configuration load_configuration(const std::string& path) {
  const std::optional<std::string> text = try_read_file(path);
  if (!text) return {};
  const json::Value document = json::parse(*text, path);
  try {
    return from_json(document);
  } catch (Error& error) {
    throw error.add_context(fmt::format("read '{}'", path));
  }
}

}  // namespace myct::registry
