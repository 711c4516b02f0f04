#include "myct/image/reference.hpp"

#include <algorithm>
#include <numeric>

#include "digest.hpp"
#include "myct/base/error.hpp"

namespace myct::image {
namespace {

constexpr size_t kLongestReference = 255;
constexpr size_t kLongestTag = 128;
constexpr size_t kFarthestNearName = 2;
constexpr size_t kMostNearNames = 3;

bool is_lower_alnum(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_word(char c) noexcept { return is_lower_alnum(c) || (c >= 'A' && c <= 'Z') || c == '_'; }

[[noreturn]] void refuse(std::string_view text, std::string_view rule) {
  throw_error(ErrorKind::Invalid, "image name '{}': {}", text, rule);
}

/// [a-z0-9]+ joined by one of ".", "_", "__" or any number of "-".
void check_component(std::string_view text, std::string_view component) {
  if (component.empty()) refuse(text, "a part between slashes is empty");
  if (!is_lower_alnum(component.front()) || !is_lower_alnum(component.back()))
    refuse(text, "a part must begin and end with a lower-case letter or a digit");
  for (size_t i = 0; i < component.size();) {
    if (is_lower_alnum(component[i])) {
      ++i;
      continue;
    }
    const size_t start = i;
    while (!is_lower_alnum(component[i])) ++i;
    const std::string_view separator = component.substr(start, i - start);
    const bool dashes = separator.find_first_not_of('-') == std::string_view::npos;
    if (!dashes && separator != "." && separator != "_" && separator != "__")
      refuse(text, "only lower-case letters, digits and the separators . _ __ - are allowed");
  }
}

/// The first component may be a registry's "host[:port]", which may hold capitals.
bool is_registry_host(std::string_view component) {
  return component == "localhost" || component.find_first_of(".:") != std::string_view::npos;
}

void check_registry_host(std::string_view text, std::string_view host) {
  const size_t colon = host.find(':');
  const std::string_view name = host.substr(0, colon);
  // Labels of letters, digits and inner dashes, joined by dots.
  for (size_t start = 0; start <= name.size();) {
    const size_t dot = std::min(name.find('.', start), name.size());
    const std::string_view label = name.substr(start, dot - start);
    const auto allowed = [](char c) { return (is_word(c) && c != '_') || c == '-'; };
    if (label.empty() || label.front() == '-' || label.back() == '-' || !std::ranges::all_of(label, allowed))
      refuse(text, "the registry's host name is malformed");
    start = dot + 1;
  }
  if (colon == std::string_view::npos) return;
  const std::string_view port = host.substr(colon + 1);
  if (port.empty() || !std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; }))
    refuse(text, "the registry's port is not a number");
}

void check_repository(std::string_view text, std::string_view repository) {
  bool first = true;
  for (size_t start = 0;; first = false) {
    const size_t slash = repository.find('/', start);
    const std::string_view component = repository.substr(start, slash - start);
    if (first && slash != std::string_view::npos && is_registry_host(component))
      check_registry_host(text, component);
    else
      check_component(text, component);
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

constexpr std::string_view kDefaultHost = "docker.io";
constexpr std::string_view kOldDefaultHost = "index.docker.io";
constexpr std::string_view kOfficial = "library/";

/// "alpine" for "docker.io/library/alpine", "user/app" for "docker.io/user/app", as docker shows them.
std::string_view familiar(std::string_view repository) {
  for (const std::string_view host : {kDefaultHost, kOldDefaultHost})
    if (repository.size() > host.size() && repository.starts_with(host) && repository[host.size()] == '/')
      repository.remove_prefix(host.size() + 1);
  // "library/a/b" is a path of its own.
  if (repository.starts_with(kOfficial) && repository.find('/', kOfficial.size()) == std::string_view::npos)
    repository.remove_prefix(kOfficial.size());
  return repository;
}

void check_digest(std::string_view text, std::string_view digest) {
  try {
    (void)hex_of(digest);
  } catch (const Error&) {
    refuse(text, "a digest is 'sha256:' and 64 hexadecimal digits");
  }
}

/// Levenshtein's distance.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

}  // namespace

Reference parse_reference(std::string_view text) {
  if (text.empty()) throw_error(ErrorKind::Invalid, "image name is empty");
  const size_t at = text.find('@');
  const std::string_view named = text.substr(0, at);
  if (named.size() > kLongestReference + 1 + kLongestTag) refuse(text.substr(0, 40), "the name is too long");
  // A colon before the last slash belongs to a registry's port.
  const size_t slash = named.find_last_of('/');
  const size_t colon = named.find(':', slash == std::string_view::npos ? 0 : slash);
  const std::string_view repository = named.substr(0, colon);
  if (repository.size() > kLongestReference) refuse(text.substr(0, 40), "the name is longer than 255 characters");
  check_repository(text, repository);
  Reference reference{.repository = std::string(familiar(repository))};
  if (colon != std::string_view::npos) {
    check_tag(text, named.substr(colon + 1));
    reference.tag = named.substr(colon + 1);
  }
  if (at == std::string_view::npos) return reference;
  check_digest(text, text.substr(at + 1));
  reference.digest = text.substr(at + 1);
  reference.tag.clear();
  return reference;
}

RemoteRepository remote_of(const Reference& reference) {
  const std::string& name = reference.repository;
  const size_t slash = name.find('/');
  if (slash == std::string::npos) return {std::string(kDefaultHost), std::string(kOfficial) + name};
  if (is_registry_host(std::string_view(name).substr(0, slash))) return {name.substr(0, slash), name.substr(slash + 1)};
  return {std::string(kDefaultHost), name};
}

std::vector<std::string> near_names(std::string_view text, const std::vector<std::string>& candidates) {
  std::vector<std::pair<size_t, std::string>> near;
  for (const std::string& candidate : candidates) {
    const size_t distance = edit_distance(text, candidate);
    const bool contained = !text.empty() && (candidate.find(text) != std::string::npos ||
                                             (!candidate.empty() && text.find(candidate) != std::string_view::npos));
    // Two edits turn any two-letter word into any other: a near name must keep at least half of the text.
    const bool close = distance <= kFarthestNearName && distance * 2 <= std::max(text.size(), candidate.size());
    if (close || contained) near.emplace_back(distance, candidate);
  }
  std::ranges::sort(near);
  near.erase(std::unique(near.begin(), near.end()), near.end());
  std::vector<std::string> names;
  for (size_t i = 0; i < near.size() && i < kMostNearNames; ++i) names.push_back(near[i].second);
  return names;
}

}  // namespace myct::image
