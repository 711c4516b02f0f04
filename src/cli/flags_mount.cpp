#include <algorithm>
#include <array>

#include "flags.hpp"
#include "myct/base/error.hpp"
#include "myct/base/units.hpp"

namespace myct::cli {
namespace {

using manager::Access;
using manager::MissingSource;
using manager::MountRequest;
using manager::MountType;
using manager::Populate;

constexpr std::array<std::string_view, 6> kPropagations = {"private", "rprivate", "slave",
                                                           "rslave",  "shared",   "rshared"};
// Hints for other platforms' file sharing and for SELinux: accepted and without effect where there is none, as Docker.
constexpr std::array<std::string_view, 5> kIgnoredOptions = {"consistent", "cached", "delegated", "z", "Z"};

template <size_t Size>
bool contains(const std::array<std::string_view, Size>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// "/a//b/./c/" as "/a/b/c"; throws for what is not absolute, the root, or has "..".
std::string check_target(const std::string& target, const std::string& text) {
  if (!target.starts_with('/'))
    throw_error(ErrorKind::Usage, "invalid mount '{}': the path in the container, '{}', is not absolute", text, target);
  std::string clean;
  for (const std::string& component : split(std::string_view(target).substr(1), '/')) {
    if (component.empty() || component == ".") continue;
    if (component == "..") throw_error(ErrorKind::Usage, "invalid mount '{}': '..' in the path in the container", text);
    clean += "/" + component;
  }
  if (clean.empty()) throw_error(ErrorKind::Usage, "invalid mount '{}': the destination can't be '/'", text);
  return clean;
}

void check_volume_name(const std::string& name, const std::string& text) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  if (name.size() >= 2 && name.find_first_not_of(kAllowed) == std::string::npos && name.front() != '.' &&
      name.front() != '-' && name.front() != '_')
    return;
  throw Error(ErrorKind::Usage,
              fmt::format("invalid mount '{}': '{}' is no volume name ([a-zA-Z0-9][a-zA-Z0-9_.-]+)", text, name), 0,
              "for a directory of the host give a path that starts with '/' or './'");
}

std::string absolute_source(const std::string& source, const std::string& working_directory) {
  return source.starts_with('/') ? source : working_directory + "/" + source;
}

bool is_path(const std::string& source) {
  return source.starts_with('/') || source.starts_with("./") || source.starts_with("../") || source == "." ||
         source == "..";
}

void apply_volume_option(MountRequest& request, const std::string& option, const std::string& text) {
  if (option == "ro")
    request.access = Access::ReadOnly;
  else if (option == "rw")
    request.access = Access::ReadWrite;
  else if (option == "nocopy" && request.type == MountType::Volume)
    request.populate = Populate::No;
  else if (contains(kPropagations, option))
    request.propagation = option;
  else if (!contains(kIgnoredOptions, option))
    throw_error(ErrorKind::Usage, "invalid mount '{}': unknown option '{}'", text, option);
}

struct KeyValue {
  std::string key;
  std::optional<std::string> value;
};

std::vector<KeyValue> parse_pairs(const std::string& text) {
  std::vector<KeyValue> pairs;
  for (const std::string& field : split(text, ',')) {
    const size_t equals = field.find('=');
    KeyValue pair{.key = field.substr(0, equals), .value = std::nullopt};
    if (equals != std::string::npos) pair.value = field.substr(equals + 1);
    if (pair.key.empty()) throw_error(ErrorKind::Usage, "invalid --mount '{}': an empty field", text);
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

MountType parse_mount_type(const std::vector<KeyValue>& pairs, const std::string& text) {
  MountType type = MountType::Volume;
  for (const KeyValue& pair : pairs) {
    if (pair.key != "type") continue;
    const std::string value = pair.value.value_or("");
    if (value == "bind")
      type = MountType::Bind;
    else if (value == "tmpfs")
      type = MountType::Tmpfs;
    else if (value != "volume")
      throw_error(ErrorKind::Usage, "invalid --mount '{}': type '{}' is none of bind, volume, tmpfs", text, value);
  }
  return type;
}

/// One field of --mount into the request. False when the key is unknown.
bool apply_mount_field(MountRequest& request, const KeyValue& pair, const std::string& text) {
  const std::string value = pair.value.value_or("");
  const auto flag = [&] { return !pair.value || parse_bool(value, pair.key); };
  const auto only_for = [&](MountType type, const char* word) {
    if (request.type != type)
      throw_error(ErrorKind::Usage, "invalid --mount '{}': '{}' is only for type {}", text, pair.key, word);
  };
  if (pair.key == "type") return true;
  if (pair.key == "source" || pair.key == "src") {
    request.source = value;
  } else if (pair.key == "target" || pair.key == "destination" || pair.key == "dst") {
    request.target = check_target(value, text);
  } else if (pair.key == "readonly" || pair.key == "ro") {
    request.access = flag() ? Access::ReadOnly : Access::ReadWrite;
  } else if (pair.key == "bind-propagation") {
    only_for(MountType::Bind, "bind");
    if (!contains(kPropagations, value))
      throw_error(ErrorKind::Usage, "invalid --mount '{}': unknown propagation '{}'", text, value);
    request.propagation = value;
  } else if (pair.key == "bind-nonrecursive") {
    only_for(MountType::Bind, "bind");
    request.recursive = !flag();
  } else if (pair.key == "volume-nocopy") {
    only_for(MountType::Volume, "volume");
    request.populate = flag() ? Populate::No : Populate::Yes;
  } else if (pair.key == "tmpfs-size") {
    only_for(MountType::Tmpfs, "tmpfs");
    const std::optional<uint64_t> size = parse_bytes(value);
    if (!size) throw_error(ErrorKind::Usage, "invalid --mount '{}': '{}' is not a size", text, value);
    request.tmpfs_options.push_back("size=" + std::to_string(*size));
  } else if (pair.key == "tmpfs-mode") {
    only_for(MountType::Tmpfs, "tmpfs");
    if (value.empty() || value.size() > 5 || value.find_first_not_of("01234567") != std::string::npos)
      throw_error(ErrorKind::Usage, "invalid --mount '{}': '{}' is not an octal mode", text, value);
    request.tmpfs_options.push_back("mode=" + value);
  } else {
    return false;
  }
  return true;
}

}  // namespace

MountRequest parse_volume(const std::string& text, const std::string& working_directory) {
  const std::vector<std::string> fields = split(text, ':');
  if (fields.size() > 3 || fields.back().empty() || (fields.size() > 1 && fields[0].empty()))
    throw_error(ErrorKind::Usage, "invalid volume '{}': give [SOURCE:]TARGET[:OPTIONS]", text);
  MountRequest request{.type = MountType::Volume};
  request.target = check_target(fields.size() == 1 ? fields[0] : fields[1], text);
  if (fields.size() > 1) request.source = fields[0];
  if (is_path(request.source)) {
    request.type = MountType::Bind;
    request.source = absolute_source(request.source, working_directory);
    request.missing_source = MissingSource::Create;
  } else if (!request.source.empty()) {
    check_volume_name(request.source, text);
  }
  if (fields.size() == 3)
    for (const std::string& option : split(fields[2], ',')) apply_volume_option(request, option, text);
  return request;
}

MountRequest parse_mount(const std::string& text, const std::string& working_directory) {
  const std::vector<KeyValue> pairs = parse_pairs(text);
  MountRequest request{.type = parse_mount_type(pairs, text)};
  for (const KeyValue& pair : pairs)
    if (!apply_mount_field(request, pair, text))
      throw_error(ErrorKind::Usage, "invalid --mount '{}': unknown field '{}'", text, pair.key);
  if (request.target.empty()) throw_error(ErrorKind::Usage, "invalid --mount '{}': 'target' is missing", text);
  if (request.type == MountType::Bind) {
    if (request.source.empty()) throw_error(ErrorKind::Usage, "invalid --mount '{}': 'source' is missing", text);
    request.source = absolute_source(request.source, working_directory);
  }
  if (request.type == MountType::Tmpfs && !request.source.empty())
    throw_error(ErrorKind::Usage, "invalid --mount '{}': a tmpfs has no source", text);
  if (request.type == MountType::Volume && !request.source.empty()) check_volume_name(request.source, text);
  return request;
}

MountRequest parse_tmpfs(const std::string& text) {
  const size_t colon = text.find(':');
  MountRequest request{.type = MountType::Tmpfs};
  request.target = check_target(text.substr(0, colon), text);
  if (colon != std::string::npos) request.tmpfs_options = split(std::string_view(text).substr(colon + 1), ',');
  return request;
}

}  // namespace myct::cli
