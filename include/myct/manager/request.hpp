// What a user asks for, as typed values: the command line's result and the manager's input.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "myct/manager/limits.hpp"
#include "myct/registry/platform.hpp"
#include "myct/spec/healthcheck.hpp"
#include "myct/spec/runtime_spec.hpp"
#include "myct/state/paths.hpp"
#include "myct/state/port.hpp"
#include "myct/state/record.hpp"

namespace myct::manager {

enum class MountType : uint8_t { Bind, Volume, Tmpfs };
enum class Access : uint8_t { ReadWrite, ReadOnly };
/// Whether a bind's missing source directory is made (-v) or an error (--mount).
enum class MissingSource : uint8_t { Create, Fail };
/// Whether a new, empty volume gets what the image has at the mount's place.
enum class Populate : uint8_t { Yes, No };

struct MountRequest {
  MountType type = MountType::Bind;
  std::string source;  ///< absolute path, volume name, or empty for an anonymous volume
  std::string target;  ///< absolute path in the container
  Access access = Access::ReadWrite;
  MissingSource missing_source = MissingSource::Fail;
  Populate populate = Populate::Yes;
  std::string propagation = "rprivate";
  bool recursive = true;  ///< bind with what is mounted below the source
  std::vector<std::string> tmpfs_options;
};

enum class NetworkMode : uint8_t {
  None,
  Host,
  Bridge,     ///< on networks of myct's
  Container,  ///< in another container's network namespace
  Path,       ///< in the network namespace that a file stands for (namespaces(7))
};
/// Whether the container sees its own control group as the root of all, or the host's groups as they are.
enum class CgroupView : uint8_t { Private, Host };

struct SecurityRequest {
  std::vector<std::string> cap_add;
  std::vector<std::string> cap_drop;
  bool privileged = false;
  bool no_new_privileges = false;
  bool seccomp_unconfined = false;
  bool system_paths_unconfined = false;
  bool writable_cgroups = false;  ///< its own control group, to make others below it
};

/// When an image is fetched from its registry although, or only because, it is not here.
enum class PullPolicy : uint8_t { Missing, Always, Never };

struct RunRequest {
  std::string image;
  PullPolicy pull = PullPolicy::Missing;
  std::optional<registry::Platform> platform = std::nullopt;  ///< nullopt: whatever is here, else this machine's
  /// Brings the image into the store; empty: images are never pulled.
  std::function<void(const std::string& image)> pull_image = {};
  std::vector<std::string> image_search_path;
  std::vector<std::string> command;                    ///< replaces the image's cmd when not empty
  std::optional<std::vector<std::string>> entrypoint;  ///< replaces the image's entrypoint and clears its cmd
  std::string name;                                    ///< empty: one is made up
  std::string hostname;                                ///< empty: the id's first twelve digits
  std::vector<std::string> env;                        ///< "NAME=value", in order of growing precedence
  std::optional<std::string> workdir;
  std::optional<std::string> user;
  std::vector<MountRequest> mounts;
  NetworkMode network = NetworkMode::Bridge;
  std::string network_target;                      ///< the other container, or the path
  std::vector<state::NetworkAttachment> networks;  ///< with Bridge; none: the default one
  std::vector<state::PublishedPort> ports;
  std::vector<std::string> dns;          ///< addresses of name servers, instead of the host's
  std::vector<std::string> dns_search;   ///< "." alone: none
  std::vector<std::string> dns_options;  ///< as in resolv.conf(5)
  std::vector<std::string> extra_hosts;  ///< "name:address", or "name:host-gateway"
  std::vector<std::string> exposed;      ///< "80/tcp"
  bool publish_all = false;              ///< those, and the image's
  std::vector<oci::Rlimit> ulimits;
  SecurityRequest security;
  LimitsRequest limits;
  std::vector<DeviceRequest> devices;
  std::vector<std::string> device_rules;  ///< "c 10:200 rwm", as the user wrote them; checked
  std::optional<int> oom_score_adj;
  std::string cgroup_parent;  ///< "/a/b", or a slice as "/a.slice"; empty: the default
  CgroupView cgroup_view = CgroupView::Private;
  std::optional<uint64_t> shm_size;  ///< of /dev/shm; without it, 64 MiB
  std::map<std::string, std::string> labels;
  std::string cidfile;
  std::optional<int> stop_signal;   ///< instead of the image's
  std::optional<int> stop_seconds;  ///< until SIGKILL; -1: for ever
  state::Restart restart;
  std::optional<oci::Healthcheck> healthcheck;  ///< member by member instead of the image's
  std::optional<state::LogConfig> log;          ///< without it: json-file, or passthrough for what needs no supervisor
  bool interactive = false;
  bool tty = false;
  bool remove = false;
  bool read_only = false;
  bool init = false;
};

/// How a user's streams stand to a running container.
struct Attachment {
  std::string detach_keys;  ///< the bytes; empty: none
  bool input = false;       ///< stdin goes to the program
  bool forward_signals = true;
};

struct StopRequest {
  std::optional<int> signal;   ///< instead of the container's
  std::optional<int> seconds;  ///< until SIGKILL; -1: for ever
};

/// What is absent stays as it is.
struct UpdateRequest {
  std::optional<state::Restart> restart;
  std::optional<LimitsRequest> limits;
};

struct ExecRequest {
  std::vector<std::string> command;
  std::vector<std::string> env;
  std::optional<std::string> user;
  std::optional<std::string> workdir;
  bool interactive = false;
  bool tty = false;
  std::string detach_keys;  ///< the bytes; empty: none
  bool detach = false;
  bool privileged = false;
};

/// Where everything is kept.
/// Who makes control groups.
enum class CgroupManager : uint8_t {
  Cgroupfs,  ///< myct, in the hierarchy itself
  Systemd,   ///< systemd: each container is a scope of its own (systemd.scope(5))
};

struct Context {
  state::Paths paths;
  CgroupManager cgroup_manager = CgroupManager::Cgroupfs;  ///< of containers that are created
  std::string bridge_subnet;  ///< of the default network when it is first used after a boot; empty: one that is free
};

}  // namespace myct::manager
