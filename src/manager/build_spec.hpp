// From what the user asked for, what the image says and what the host is, to an OCI configuration. Pure.
#pragma once

#include <string>
#include <vector>

#include "limits.hpp"
#include "myct/manager/request.hpp"
#include "myct/spec/image_spec.hpp"
#include "myct/spec/runtime_spec.hpp"
#include "user.hpp"

namespace myct::manager {

/// Everything that had to be looked up first.
struct SpecInputs {
  const RunRequest& request;
  const oci::ImageConfig& image;
  std::string id;
  std::string default_hostname;        ///< when the user gives none
  std::string container_directory;     ///< has merged/, upper/, work/
  std::string name_files_directory;    ///< has hosts, hostname, resolv.conf: its own, unless it has another's network
  std::vector<std::string> lowerdirs;  ///< topmost first
  ResolvedUser user;
  std::vector<oci::Mount> mounts;         ///< the user's, with sources that exist
  std::vector<oci::Device> host_devices;  ///< for --privileged
  MappedDevices devices;                  ///< for --device
  std::string cgroup_parent;              ///< as records have it
  oci::Resources limits;
  std::vector<std::string> masked_paths;
  std::vector<std::string> readonly_paths;
  std::string init_path;  ///< the host's path of the init for --init
  std::optional<oci::ConsoleSize> console_size;
};

/// Throws Error{Invalid} naming the option that cannot be fulfilled ("no command specified").
[[nodiscard]] oci::Spec build_spec(const SpecInputs& inputs);

/// Where a container's control group is made, as cgroup::locate() takes it. An empty parent is the default one.
[[nodiscard]] std::string cgroups_path(const std::string& parent, const std::string& id);

/// The program and its arguments: the request's entrypoint and command over the image's, as Docker combines them.
[[nodiscard]] std::vector<std::string> command_line(const RunRequest& request, const oci::ImageConfig& image);

}  // namespace myct::manager
