#include "myct/registry/reference.hpp"

#include <algorithm>

#include "digest.hpp"
#include "myct/base/error.hpp"
#include "myct/base/units.hpp"

namespace myct::registry {
namespace {

constexpr size_t kLongestName = 255;
constexpr size_t kLongestTag = 128;
constexpr uint64_t kHighestPort = 65535;
constexpr std::string_view kLibrary = "library/";

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_lower_alnum(char c) noexcept { return (c >= 'a' && c <= 'z') || is_digit(c); }
bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }
bool is_word(char c) noexcept { return is_lower_alnum(c) || is_upper(c) || c == '_'; }

[[noreturn]] void refuse(std::string_view text, std::string_view rule) {
  throw_error(ErrorKind::Invalid, "image name '{}': {}", text, rule);
}

bool is_host(std::string_view component) noexcept {
  return component == "localhost" || component.find_first_of(".:") != std::string_view::npos ||
         std::ranges::any_of(component, is_upper);
}

/// Labels of letters, digits and inner dashes, joined by dots.
bool is_domain(std::string_view name) noexcept {
  for (size_t start = 0; start <= name.size();) {
    const size_t dot = std::min(name.find('.', start), name.size());
    const std::string_view label = name.substr(start, dot - start);
    const auto allowed = [](char c) { return (is_word(c) && c != '_') || c == '-'; };
    if (label.empty() || label.front() == '-' || label.back() == '-' || !std::ranges::all_of(label, allowed))
      return false;
    start = dot + 1;
  }
  return true;
}

bool is_bracketed_address(std::string_view name) noexcept {
  if (name.size() < 4 || name.front() != '[' || name.back() != ']') return false;
  return std::ranges::all_of(name.substr(1, name.size() - 2), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
  });
}

/// Where the port's colon is; npos without one.
size_t find_port(std::string_view host) noexcept {
  const size_t bracket = host.rfind(']');
  return host.find(':', bracket == std::string_view::npos ? 0 : bracket);
}

void check_host(std::string_view text, std::string_view host) {
  const size_t colon = find_port(host);
  const std::string_view name = host.substr(0, colon);
  if (!is_domain(name) && !is_bracketed_address(name)) refuse(text, "the registry's host name is malformed");
  if (colon == std::string_view::npos) return;
  const auto port = parse_unsigned(host.substr(colon + 1));
  if (!port || *port == 0 || *port > kHighestPort) refuse(text, "the registry's port is no number from 1 to 65535");
}

/// [a-z0-9]+ joined by ".", "_", "__" or any number of "-" (distribution-spec, "Pulling manifests").
void check_component(std::string_view text, std::string_view component) {
  if (component.empty()) refuse(text, "a part between slashes is empty");
  if (std::ranges::any_of(component, is_upper)) refuse(text, "a name must be in lower case");
  if (!is_lower_alnum(component.front()) || !is_lower_alnum(component.back()))
    refuse(text, "a part must begin and end with a lower-case letter or a digit");
  for (size_t i = 0; i < component.size();) {
    const size_t start = i;
    while (!is_lower_alnum(component[i])) ++i;
    const std::string_view separator = component.substr(start, i - start);
    const bool dashes = separator.find_first_not_of('-') == std::string_view::npos;
    if (!dashes && separator != "." && separator != "_" && separator != "__")
      refuse(text, "only lower-case letters, digits and the separators . _ __ - are allowed");
    while (i < component.size() && is_lower_alnum(component[i])) ++i;
  }
}

void check_path(std::string_view text, std::string_view path) {
  for (size_t start = 0;;) {
    const size_t slash = path.find('/', start);
    check_component(text, path.substr(start, slash - start));
    if (slash == std::string_view::npos) return;
    start = slash + 1;
  }
}

void check_tag(std::string_view text, std::string_view tag) {
  if (tag.empty()) refuse(text, "the tag is empty");
  if (tag.size() > kLongestTag) refuse(text, "the tag is longer than 128 characters");
  if (!is_word(tag.front())) refuse(text, "a tag must begin with a letter, a digit or an underscore");
  if (!std::ranges::all_of(tag, [](char c) { return is_word(c) || c == '.' || c == '-'; }))
    refuse(text, "a tag may hold letters, digits, underscores, dots and dashes only");
}

/// docker.io has three names, and wants "library/" before what has no slash.
Repository normalize(std::string_view host, std::string_view path) {
  if (host == "index.docker.io" || host == "registry-1.docker.io") host = kDefaultRegistry;
  Repository repository{.host = std::string(host), .path = std::string(path)};
  if (host == kDefaultRegistry && path.find('/') == std::string_view::npos)
    repository.path = fmt::format("{}{}", kLibrary, path);
  return repository;
}

/// "host/path" of `name`, the host checked and taken off when there is one.
Repository parse_repository(std::string_view text, std::string_view name, std::string_view default_registry) {
  std::string_view host = default_registry;
  std::string_view path = name;
  if (has_registry(name)) {
    const size_t slash = name.find('/');
    host = name.substr(0, slash);
    path = name.substr(slash + 1);
    check_host(text, host);
  }
  check_path(text, path);
  if (name.size() > kLongestName) refuse(text.substr(0, 40), "the name is longer than 255 characters");
  return normalize(host, path);
}

}  // namespace

std::string Repository::familiar() const {
  if (host != kDefaultRegistry) return text();
  // Only what has no further slash is found again without "library/".
  const bool official = path.starts_with(kLibrary) && path.find('/', kLibrary.size()) == std::string::npos;
  return official ? path.substr(kLibrary.size()) : path;
}

std::string RegistryReference::text() const {
  return repository.text() + (tag.empty() ? "" : ":" + tag) + (digest.empty() ? "" : "@" + digest);
}

std::string RegistryReference::familiar() const {
  return repository.familiar() + (tag.empty() ? "" : ":" + tag) + (digest.empty() ? "" : "@" + digest);
}

bool has_registry(std::string_view text) noexcept {
  const size_t slash = text.find('/');
  return slash != std::string_view::npos && is_host(text.substr(0, slash));
}

RegistryReference parse_registry_reference(std::string_view text, std::string_view default_registry) {
  if (text.empty()) throw_error(ErrorKind::Invalid, "image name is empty");
  RegistryReference reference;
  std::string_view rest = text;
  if (const size_t at = rest.find('@'); at != std::string_view::npos) {
    reference.digest = rest.substr(at + 1);
    if (!is_digest(reference.digest)) refuse(text, "the digest is not sha256:<64 hex digits> or sha512:<128>");
    rest = rest.substr(0, at);
  }
  // A colon before the last slash belongs to a registry's port.
  const size_t slash = rest.find_last_of('/');
  const size_t colon = rest.find(':', slash == std::string_view::npos ? 0 : slash);
  if (colon != std::string_view::npos) {
    check_tag(text, rest.substr(colon + 1));
    reference.tag = rest.substr(colon + 1);
  } else if (reference.digest.empty()) {
    reference.tag = "latest";
  }
  reference.repository = parse_repository(text, rest.substr(0, colon), default_registry);
  return reference;
}

std::string parse_registry_host(std::string_view text) {
  std::string_view host = text;
  for (const std::string_view scheme : {"https://", "http://"})
    if (host.starts_with(scheme)) host.remove_prefix(scheme.size());
  host = host.substr(0, host.find('/'));
  const std::string_view name = host.substr(0, find_port(host));
  if (!is_domain(name) && !is_bracketed_address(name))
    throw_error(ErrorKind::Invalid, "registry '{}': the host name is malformed", text);
  check_host(text, host);
  return normalize(host, "a/b").host;
}

bool is_loopback(std::string_view host) noexcept {
  const std::string_view name = host.substr(0, find_port(host));
  if (name == "localhost" || name == "[::1]") return true;
  const bool is_ipv4 = std::ranges::all_of(name, [](char c) { return is_digit(c) || c == '.'; });
  return is_ipv4 && name.starts_with("127.") && std::ranges::count(name, '.') == 3;
}

}  // namespace myct::registry
