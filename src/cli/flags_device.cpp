#include <algorithm>

#include "flags.hpp"
#include "myct/base/error.hpp"
#include "myct/base/units.hpp"

namespace myct::cli {
namespace {

/// "r", "wm", ...: each letter at most once.
bool is_access(std::string_view text) noexcept {
  return !text.empty() && text.find_first_not_of("rwm") == std::string_view::npos &&
         std::ranges::all_of(text, [&](char c) { return std::ranges::count(text, c) == 1; });
}

bool is_device_number(std::string_view text) {
  constexpr uint64_t kLargest = UINT32_MAX;
  const std::optional<uint64_t> number = parse_unsigned(text);
  return text == "*" || (number && *number <= kLargest);
}

}  // namespace

manager::DeviceRequest parse_device(const std::string& text) {
  const std::vector<std::string> parts = split(text, ':');
  manager::DeviceRequest device{.host_path = parts.front(), .container_path = parts.front()};
  if (parts.size() == 2 && is_access(parts[1]))
    device.access = parts[1];
  else if (parts.size() >= 2)
    device.container_path = parts[1];
  if (parts.size() == 3) device.access = parts[2];
  if (parts.size() > 3 || !is_access(device.access))
    throw_error(ErrorKind::Usage, "invalid device '{}': give HOST[:CONTAINER][:rwm]", text);
  if (!device.host_path.starts_with('/') || !device.container_path.starts_with('/'))
    throw_error(ErrorKind::Usage, "invalid device '{}': '{}' is not an absolute path", text,
                device.host_path.starts_with('/') ? device.container_path : device.host_path);
  for (std::string* path : {&device.host_path, &device.container_path})
    while (path->size() > 1 && path->ends_with('/')) path->pop_back();
  const std::vector<std::string> names = split(device.container_path, '/');
  if (std::ranges::find(names, "..") != names.end() || device.container_path == "/")
    throw_error(ErrorKind::Usage, "invalid device '{}': '{}' cannot be a device in the container", text,
                device.container_path);
  return device;
}

std::string parse_device_rule(const std::string& text) {
  const std::vector<std::string> words = split(text, ' ');
  if (words.size() == 3 && (words[0] == "a" || words[0] == "b" || words[0] == "c") && is_access(words[2])) {
    const std::vector<std::string> numbers = split(words[1], ':');
    if (numbers.size() == 2 && is_device_number(numbers[0]) && is_device_number(numbers[1])) return text;
  }
  throw_error(ErrorKind::Usage, "invalid --device-cgroup-rule '{}': give type, numbers and access as in 'c 10:* rwm'",
              text);
}

std::string parse_cgroup_parent(const std::string& text) {
  std::string path;
  for (const std::string& name : split(text, '/')) {
    if (name.empty()) continue;
    if (name == "." || name == ".." || name.find('\n') != std::string::npos)
      throw_error(ErrorKind::Usage, "invalid --cgroup-parent '{}': '{}' is not the name of a control group", text,
                  name);
    path.append("/").append(name);
  }
  if (path.empty()) throw_error(ErrorKind::Usage, "invalid --cgroup-parent '{}': it names no control group", text);
  return path;
}

manager::CgroupView parse_cgroup_view(const std::string& text) {
  if (text == "private") return manager::CgroupView::Private;
  if (text == "host") return manager::CgroupView::Host;
  throw_error(ErrorKind::Usage, "invalid --cgroupns '{}': private or host", text);
}

int parse_oom_score(const std::string& text) {
  constexpr int64_t kLimit = 1000;
  const std::optional<int64_t> score = parse_signed(text);
  if (score && *score >= -kLimit && *score <= kLimit) return static_cast<int>(*score);
  throw_error(ErrorKind::Usage, "invalid --oom-score-adj '{}': give a number from -1000 to 1000", text);
}

}  // namespace myct::cli
