#include "endpoint.hpp"

#include <algorithm>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/registry/reference.hpp"

namespace myct::registry {
namespace {

constexpr const char* kDockerHubHost = "registry-1.docker.io";

std::vector<std::string> list_of_kind(const std::string& directory, std::string_view suffix) {
  std::vector<std::string> names = list_directory(directory, Hidden::LeaveOut);
  std::erase_if(names, [&](const std::string& name) { return !name.ends_with(suffix); });
  std::ranges::sort(names);
  return names;
}

/// Docker's layout: *.crt are authorities; NAME.cert goes with NAME.key.
void add_directory(TlsSettings& tls, const std::string& directory) {
  for (const std::string& name : list_of_kind(directory, ".crt"))
    tls.authorities += read_file(directory + "/" + name) + "\n";
  for (const std::string& name : list_of_kind(directory, ".cert")) {
    const std::string certificate = directory + "/" + name;
    const std::string key = certificate.substr(0, certificate.size() - std::string_view("cert").size()) + "key";
    if (!path_exists(key))
      throw_error(ErrorKind::NotFound, "the client certificate '{}' has no key '{}'", certificate, key);
    if (!tls.certificate.empty()) continue;
    tls.certificate = certificate;
    tls.key = key;
  }
}

}  // namespace

Endpoints::Endpoints(const ClientOptions& options)
    : configuration_(options.configuration),
      verify_(options.tls_verify),
      directory_(options.certificate_directory),
      roots_(options.certificate_roots) {}

TlsSettings Endpoints::tls_of(const std::string& host) const {
  TlsSettings tls;
  if (!directory_.empty()) {
    if (!path_exists(directory_))
      throw_error(ErrorKind::NotFound, "there is no certificate directory '{}'", directory_);
    add_directory(tls, directory_);
    return tls;
  }
  for (const std::string& root : roots_)
    if (const std::string directory = root + "/" + host; path_exists(directory)) add_directory(tls, directory);
  return tls;
}

Endpoint Endpoints::make(const std::string& scheme, const std::string& host, const std::string& rest) const {
  const std::string place = (host == kDefaultRegistry ? kDockerHubHost : host) + rest;
  Endpoint endpoint{.base = scheme + "://" + place, .host = host, .tls = tls_of(host)};
  // Who has given an authority for this machine's own registry wants it to be checked.
  const bool is_trusted = configuration_.is_insecure(host) || (is_loopback(host) && endpoint.tls.authorities.empty());
  endpoint.may_be_plain = verify_ == TlsVerify::Never || (verify_ == TlsVerify::Default && is_trusted);
  endpoint.tls.verify = !endpoint.may_be_plain;
  if (endpoint.may_be_plain && speech_of(endpoint) == Speech::Plain) endpoint.base = "http://" + place;
  return endpoint;
}

Endpoint Endpoints::registry(const std::string& host) const { return make("https", host, ""); }

std::vector<Endpoint> Endpoints::sources(const std::string& host) const {
  std::vector<Endpoint> endpoints;
  if (const auto mirrors = configuration_.mirrors.find(host); mirrors != configuration_.mirrors.end())
    for (const std::string& url : mirrors->second) {
      const size_t start = url.find("://") + 3;
      const size_t path = std::min(url.find('/', start), url.size());
      Endpoint mirror = make(url.substr(0, url.find(':')), url.substr(start, path - start), url.substr(path));
      mirror.is_mirror = true;
      endpoints.push_back(std::move(mirror));
    }
  endpoints.push_back(registry(host));
  return endpoints;
}

std::optional<Speech> Endpoints::speech_of(const Endpoint& endpoint) const {
  const std::lock_guard lock(mutex_);
  const auto found = speech_.find(endpoint.host);
  return found == speech_.end() ? std::nullopt : std::optional(found->second);
}

void Endpoints::remember(const Endpoint& endpoint, Speech speech) {
  const std::lock_guard lock(mutex_);
  speech_[endpoint.host] = speech;
}

}  // namespace myct::registry
