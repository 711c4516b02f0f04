// The host's device nodes: all for --privileged, some for --device.
#include <dirent.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <memory>
#include <sstream>
#include <string_view>

#include "limits.hpp"
#include "myct/base/error.hpp"
#include "myct/base/units.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

// Directories that are file systems of the container's own, and names that the engine makes or that mean the caller's
// terminal.
constexpr std::array<std::string_view, 9> kSkipped = {"pts",    "shm",    "mqueue",  "fd",  "stdin",
                                                      "stdout", "stderr", "console", "ptmx"};

bool is_device(const struct stat& status) noexcept { return S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode); }

oci::Device describe(const std::string& path, const struct stat& status) {
  return {.path = path,
          .type = S_ISCHR(status.st_mode) ? "c" : "b",
          .major = major(status.st_rdev),
          .minor = minor(status.st_rdev),
          .file_mode = status.st_mode & 07777,
          .uid = status.st_uid,
          .gid = status.st_gid};
}

/// Those in `directory` and below it, which are to be at the same places below `target`. Links in it are left out: what
/// they lead to is found where it is.
void add_devices(const std::string& directory, const std::string& target, std::vector<oci::Device>& devices) {
  const Directory stream(::opendir(directory.c_str()));
  if (!stream) return;  // a device that was unplugged this instant
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name.starts_with('.') || std::find(kSkipped.begin(), kSkipped.end(), name) != kSkipped.end()) continue;
    const std::string path = directory + "/" + entry->d_name;
    struct stat status {};
    if (::lstat(path.c_str(), &status) == -1) continue;
    if (S_ISDIR(status.st_mode)) add_devices(path, target + "/" + entry->d_name, devices);
    if (is_device(status)) devices.push_back(describe(target + "/" + entry->d_name, status));
  }
}

oci::DeviceRule rule_for(const oci::Device& device, const std::string& access) {
  return {.allow = true, .type = device.type, .major = device.major, .minor = device.minor, .access = access};
}

}  // namespace

std::vector<oci::Device> list_host_devices() {
  std::vector<oci::Device> devices;
  add_devices("/dev", "/dev", devices);
  return devices;
}

MappedDevices map_devices(const std::vector<DeviceRequest>& requests) {
  MappedDevices mapped;
  for (const DeviceRequest& request : requests) {
    struct stat status {};
    if (::stat(request.host_path.c_str(), &status) == -1) throw_errno("use device '{}'", request.host_path);
    std::vector<oci::Device> devices;
    if (S_ISDIR(status.st_mode))
      add_devices(request.host_path, request.container_path, devices);
    else if (is_device(status))
      devices.push_back(describe(request.container_path, status));
    else
      throw_error(ErrorKind::Invalid, "use device '{}': it is neither a device nor a directory", request.host_path);
    if (devices.empty())
      throw_error(ErrorKind::Invalid, "use device '{}': there is no device in that directory", request.host_path);
    for (const oci::Device& device : devices) mapped.rules.push_back(rule_for(device, request.access));
    mapped.nodes.insert(mapped.nodes.end(), std::make_move_iterator(devices.begin()),
                        std::make_move_iterator(devices.end()));
  }
  return mapped;
}

oci::DeviceRule device_rule_from(const std::string& text) {
  std::istringstream words(text);
  std::string numbers;
  oci::DeviceRule rule{.allow = true};
  words >> rule.type >> numbers >> rule.access;
  const size_t colon = numbers.find(':');
  const auto number = [](const std::string& word) { return word == "*" ? std::nullopt : parse_signed(word); };
  rule.major = number(numbers.substr(0, colon));
  rule.minor = number(numbers.substr(colon + 1));
  return rule;
}

}  // namespace myct::manager
