#include "myct/manager/filter.hpp"

#include <regex.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>

#include "myct/base/error.hpp"
#include "myct/base/units.hpp"
#include "myct/image/reference.hpp"
#include "myct/manager/inspect.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

// "removing" and "dead" are docker's too; no container of ours is ever seen so.
constexpr std::array<std::string_view, 7> kStatuses = {"created", "restarting", "running", "removing",
                                                       "paused",  "exited",     "dead"};
constexpr std::array<std::string_view, 4> kHealths = {"none", "starting", "healthy", "unhealthy"};
constexpr const char* kKeys =
    "ancestor, before, exited, expose, health, id, label, name, network, publish, since, status, volume";

[[noreturn]] void throw_bad_value(std::string_view condition, const std::string& why, std::string hint = {}) {
  Error error(ErrorKind::Invalid, fmt::format("filter '{}': {}", condition, why), 0, std::move(hint));
  error.set_exit_status(1);
  throw error;
}

struct FreePattern {
  void operator()(regex_t* pattern) const noexcept {
    ::regfree(pattern);
    delete pattern;
  }
};
/// A compiled extended regular expression: regcomp(3), because std::regex would cost every start of the program.
using Pattern = std::unique_ptr<regex_t, FreePattern>;

std::vector<Pattern> compile(const std::vector<std::string>& texts) {
  std::vector<Pattern> patterns;
  for (const std::string& text : texts) {
    auto pattern = std::make_unique<regex_t>();
    if (const int result = ::regcomp(pattern.get(), text.c_str(), REG_EXTENDED | REG_NOSUB); result != 0) {
      char why[128];
      ::regerror(result, pattern.get(), why, sizeof why);
      throw_bad_value(text, std::string("not a regular expression: ") + why);
    }
    patterns.emplace_back(pattern.release());
  }
  return patterns;
}

bool is_found(const Pattern& pattern, const std::string& text) {
  return ::regexec(pattern.get(), text.c_str(), 0, nullptr, 0) == 0;
}

template <typename Range, typename Matches>
bool any_or_none(const Range& alternatives, Matches matches) {
  return alternatives.empty() || std::any_of(alternatives.begin(), alternatives.end(), matches);
}

std::string_view health_word_of(const ContainerSummary& container) {
  return container.health ? state::health_word(container.health->status) : "none";
}

bool is_on_network(const state::Record& record, const std::string& name) {
  if (!record.settings.uses_networks()) return record.settings.network == name;
  return std::ranges::any_of(record.settings.networks,
                             [&](const state::NetworkAttachment& attachment) { return attachment.network == name; });
}

bool has_volume(const state::Record& record, const std::string& volume) {
  return std::any_of(record.settings.mounts.begin(), record.settings.mounts.end(), [&](const state::MountPoint& mount) {
    return mount.name == volume || mount.destination == volume || (mount.name.empty() && mount.source == volume);
  });
}

bool begins_id(std::string_view id, std::string_view text) {
  constexpr std::string_view kAlgorithm = "sha256:";
  if (text.starts_with(kAlgorithm)) text.remove_prefix(kAlgorithm.size());
  if (id.starts_with(kAlgorithm)) id.remove_prefix(kAlgorithm.size());
  return is_hex(text) && id.starts_with(text);
}

std::set<std::string> image_ids(const std::vector<std::string>& ancestors,
                                const std::vector<image::ImageSummary>& images) {
  std::set<std::string> ids;
  for (const std::string& ancestor : ancestors) {
    image::Reference reference;
    try {
      reference = image::parse_reference(ancestor);
    } catch (const Error&) {
      reference.repository.clear();  // no name; perhaps an id
    }
    for (const image::ImageSummary& image : images) {
      const bool named =
          !image.repository.empty() && image.repository == reference.repository && image.tag == reference.tag;
      constexpr size_t kShortestId = 4;
      if (named || (ancestor.size() >= kShortestId && begins_id(image.id, ancestor))) ids.insert(image.id);
    }
  }
  return ids;
}

/// By name, id or the beginning of an id.
std::vector<SystemTime> times_of(const std::vector<std::string>& references,
                                 const std::vector<ContainerSummary>& containers) {
  std::vector<SystemTime> times;
  for (const std::string& reference : references) {
    const auto is_meant = [&](const ContainerSummary& container) { return container.record.name == reference; };
    const auto begins = [&](const ContainerSummary& container) { return begins_id(container.record.id, reference); };
    auto found = std::find_if(containers.begin(), containers.end(), is_meant);
    if (found == containers.end()) found = std::find_if(containers.begin(), containers.end(), begins);
    if (found == containers.end()) {
      Error error(ErrorKind::NotFound, fmt::format("no such container: '{}'", reference), 0, "see 'myct ps -a'");
      error.set_exit_status(1);
      throw error;
    }
    times.push_back(found->record.created);
  }
  return times;
}

int parse_exited(const std::string& condition, const std::string& value) {
  const std::optional<int64_t> status = parse_signed(value);
  if (!status || *status < INT32_MIN || *status > INT32_MAX) throw_bad_value(condition, "not an exit status");
  return static_cast<int>(*status);
}

/// As Docker does, a port of either condition is enough; ports are those of a container that runs.
bool has_port(const ContainerFilter& filter, const ContainerSummary& container) {
  if (filter.exposed.empty() && filter.published.empty()) return true;
  if (!state::is_active(container.status)) return false;
  const std::vector<std::string>& exposed = container.record.settings.exposed;
  return std::any_of(exposed.begin(), exposed.end(), [&](const auto& port) { return filter.exposed.contains(port); }) ||
         std::any_of(container.ports.begin(), container.ports.end(), [&](const state::PublishedPort& port) {
           return filter.published.contains(fmt::format("{}/{}", port.host_port, state::protocol_word(port.protocol)));
         });
}

}  // namespace

ContainerFilter parse_container_filter(const std::vector<std::string>& conditions) {
  ContainerFilter filter;
  const auto list_of = [&](std::string_view key) -> std::vector<std::string>* {
    if (key == "name") return &filter.names;
    if (key == "id") return &filter.ids;
    if (key == "status") return &filter.statuses;
    if (key == "label") return &filter.labels;
    if (key == "ancestor") return &filter.ancestors;
    if (key == "before") return &filter.before;
    if (key == "since") return &filter.since;
    if (key == "volume") return &filter.volumes;
    if (key == "network") return &filter.networks;
    if (key == "health") return &filter.healths;
    return nullptr;
  };
  for (const std::string& condition : conditions) {
    const size_t equals = condition.find('=');
    if (equals == std::string::npos)
      throw Error(ErrorKind::Usage, fmt::format("filter '{}': no '='", condition), 0, "write KEY=VALUE");
    const std::string key = condition.substr(0, equals);
    const std::string value = condition.substr(equals + 1);
    if (key == "exited") {
      filter.exited.push_back(parse_exited(condition, value));
      continue;
    }
    if (key == "expose" || key == "publish") {
      const std::vector<std::string> ports = state::expand_ports(value);
      if (ports.empty()) throw_bad_value(condition, "no port", "write PORT[-PORT][/PROTOCOL]");
      (key == "expose" ? filter.exposed : filter.published).insert(ports.begin(), ports.end());
      continue;
    }
    std::vector<std::string>* list = list_of(key);
    if (list == nullptr) throw_bad_value(condition, "unknown key", std::string("keys are ") + kKeys);
    if (key == "status" && std::find(kStatuses.begin(), kStatuses.end(), value) == kStatuses.end())
      throw_bad_value(condition, "unknown status");
    if (key == "health" && std::find(kHealths.begin(), kHealths.end(), value) == kHealths.end())
      throw_bad_value(condition, "unknown health", "there are: none, starting, healthy, unhealthy");
    list->push_back(value);
  }
  return filter;
}

std::vector<ContainerSummary> apply_filter(const ContainerFilter& filter, std::vector<ContainerSummary> containers,
                                           const std::vector<image::ImageSummary>& images) {
  const std::vector<Pattern> names = compile(filter.names);
  const std::vector<Pattern> ids = compile(filter.ids);
  const std::set<std::string> ancestors = image_ids(filter.ancestors, images);
  const std::vector<SystemTime> before = times_of(filter.before, containers);
  const std::vector<SystemTime> since = times_of(filter.since, containers);
  std::erase_if(containers, [&](const ContainerSummary& container) {
    const state::Record& record = container.record;
    const bool has_exited = container.status == state::Status::Exited;
    const bool matches =
        any_or_none(names,
                    [&](const Pattern& p) { return is_found(p, record.name) || is_found(p, "/" + record.name); }) &&
        any_or_none(ids, [&](const Pattern& p) { return is_found(p, record.id); }) &&
        any_or_none(filter.statuses, [&](const auto& s) { return s == state::status_word(container.status); }) &&
        any_or_none(filter.exited, [&](int status) { return has_exited && exit_code_of(record) == status; }) &&
        any_or_none(before, [&](SystemTime time) { return record.created < time; }) &&
        any_or_none(since, [&](SystemTime time) { return record.created > time; }) &&
        any_or_none(filter.volumes, [&](const std::string& volume) { return has_volume(record, volume); }) &&
        any_or_none(filter.networks, [&](const std::string& name) { return is_on_network(record, name); }) &&
        any_or_none(filter.healths, [&](const auto& word) { return word == health_word_of(container); }) &&
        has_port(filter, container) && (filter.ancestors.empty() || ancestors.contains(record.image_id)) &&
        std::all_of(filter.labels.begin(), filter.labels.end(),
                    [&](const std::string& label) { return state::has_label(record.labels, label); });
    return !matches;
  });
  return containers;
}

}  // namespace myct::manager
