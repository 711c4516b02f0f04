// The host's device nodes, for --privileged.
#include <dirent.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

#include "steps.hpp"

namespace myct::manager {
namespace {

// Directories that are file systems of the container's own, and names that the engine makes or that mean the caller's
// terminal.
constexpr std::array<std::string_view, 9> kSkipped = {"pts",    "shm",    "mqueue",  "fd",  "stdin",
                                                      "stdout", "stderr", "console", "ptmx"};

void add_devices(const std::string& directory, std::vector<oci::Device>& devices) {
  const Directory stream(::opendir(directory.c_str()));
  if (!stream) return;  // a device that was unplugged this instant
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name.starts_with('.') || std::find(kSkipped.begin(), kSkipped.end(), name) != kSkipped.end()) continue;
    const std::string path = directory + "/" + entry->d_name;
    struct stat status {};
    if (::lstat(path.c_str(), &status) == -1) continue;
    if (S_ISDIR(status.st_mode)) add_devices(path, devices);
    if (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode)) continue;
    devices.push_back({.path = path,
                       .type = S_ISCHR(status.st_mode) ? "c" : "b",
                       .major = major(status.st_rdev),
                       .minor = minor(status.st_rdev),
                       .file_mode = status.st_mode & 07777,
                       .uid = status.st_uid,
                       .gid = status.st_gid});
  }
}

}  // namespace

std::vector<oci::Device> list_host_devices() {
  std::vector<oci::Device> devices;
  add_devices("/dev", devices);
  return devices;
}

}  // namespace myct::manager
