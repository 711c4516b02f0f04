#include "build_spec.hpp"

#include <algorithm>

#include "myct/base/error.hpp"
#include "myct/security/capabilities.hpp"
#include "myct/security/defaults.hpp"
#include "myct/security/seccomp_default.hpp"

namespace myct::manager {
namespace {

constexpr const char* kDefaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr const char* kInitInContainer = "/sbin/docker-init";
constexpr uint64_t kDefaultShmSize = 64 << 20;

/// Appends "NAME=value", or puts it in the place of an earlier NAME.
void set_variable(std::vector<std::string>& env, const std::string& variable) {
  const std::string prefix = variable.substr(0, variable.find('=') + 1);
  const auto earlier =
      std::find_if(env.begin(), env.end(), [&](const std::string& e) { return e.starts_with(prefix); });
  if (earlier != env.end())
    *earlier = variable;
  else
    env.push_back(variable);
}

bool has_variable(const std::vector<std::string>& env, std::string_view prefix) {
  return std::any_of(env.begin(), env.end(), [&](const std::string& e) { return e.starts_with(prefix); });
}

std::string hostname_of(const SpecInputs& inputs) {
  return inputs.request.hostname.empty() ? inputs.default_hostname : inputs.request.hostname;
}

/// Docker's order: its own defaults, the image's, the user's; HOME from passwd when nobody set it.
std::vector<std::string> build_env(const SpecInputs& inputs) {
  std::vector<std::string> env = {kDefaultPath, "HOSTNAME=" + hostname_of(inputs)};
  if (inputs.request.tty) env.emplace_back("TERM=xterm");
  for (const std::string& variable : inputs.image.env) set_variable(env, variable);
  for (const std::string& variable : inputs.request.env) set_variable(env, variable);
  if (!has_variable(env, "HOME=")) env.push_back("HOME=" + inputs.user.home);
  return env;
}

security::CapabilitySet capabilities_of(const SecurityRequest& request) {
  const security::CapabilitySet all = security::kernel_capabilities();
  if (request.privileged) return all;
  return security::select_capabilities(request.cap_add, request.cap_drop, all);
}

oci::Process build_process(const SpecInputs& inputs, security::CapabilitySet capabilities) {
  const RunRequest& request = inputs.request;
  oci::Process process;
  process.terminal = request.tty;
  process.console_size = inputs.console_size;
  process.user = {
      .uid = inputs.user.uid, .gid = inputs.user.gid, .umask = std::nullopt, .additional_gids = inputs.user.groups};
  process.args = command_line(request, inputs.image);
  if (request.init) process.args.insert(process.args.begin(), {kInitInContainer, "--"});
  process.env = build_env(inputs);
  process.cwd = request.workdir.value_or(inputs.image.working_dir);
  if (process.cwd.empty()) process.cwd = "/";
  process.capabilities = security::oci_capabilities(capabilities);
  process.rlimits = request.ulimits;
  process.no_new_privileges = request.security.no_new_privileges;
  process.oom_score_adj = request.oom_score_adj;
  return process;
}

/// Whether nodes that a program makes are to be of use: the device filter alone then says which.
bool opens_devices(const RunRequest& request) { return request.security.privileged || !request.device_rules.empty(); }

oci::Mount build_overlay(const SpecInputs& inputs) {
  oci::Mount overlay{.destination = "/", .type = "overlay", .source = "overlay"};
  for (const std::string& lowerdir : inputs.lowerdirs) overlay.options.push_back("lowerdir+=" + lowerdir);
  overlay.options.push_back("upperdir=" + inputs.container_directory + "/upper");
  overlay.options.push_back("workdir=" + inputs.container_directory + "/work");
  if (!opens_devices(inputs.request)) overlay.options.emplace_back("nodev");
  // What is thrown away at the end need not be synced when the overlay is unmounted.
  if (inputs.request.remove) overlay.options.emplace_back("volatile");
  return overlay;
}

/// Devices can be opened nowhere but at the nodes in /dev that the engine binds there: CAP_MKNOD, which is among the
/// default capabilities, would otherwise open the host's disks. Hence "nodev" on everything that is writable.
std::vector<oci::Mount> default_mounts(const SpecInputs& inputs) {
  const bool privileged = inputs.request.security.privileged;
  const char* access = privileged ? "rw" : "ro";
  const char* cgroup_access = privileged || inputs.request.security.writable_cgroups ? "rw" : "ro";
  const std::string shm_size = fmt::format("size={}", inputs.request.shm_size.value_or(kDefaultShmSize));
  return {
      {"/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}},
      {"/dev",
       "tmpfs",
       "tmpfs",
       {"nosuid", opens_devices(inputs.request) ? "dev" : "nodev", "strictatime", "mode=755", "size=65536k"}},
      {"/dev/pts", "devpts", "devpts", {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
      {"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", access}},
      {"/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", cgroup_access}},
      {"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}},
      {"/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", shm_size}},
  };
}

oci::Mount bind_file(const std::string& source, const std::string& destination, bool readonly) {
  return {.destination = destination,
          .type = "bind",
          .source = source,
          .options = {"rbind", "rprivate", readonly ? "ro" : "rw"}};
}

size_t depth_of(const std::string& path) {
  return static_cast<size_t>(std::count(path.begin(), path.end(), '/')) - (path.ends_with('/') ? 1 : 0);
}

bool covers(const std::vector<oci::Mount>& mounts, const std::string& destination) {
  return std::any_of(mounts.begin(), mounts.end(), [&](const oci::Mount& mount) {
    return mount.destination == destination || destination.starts_with(mount.destination + "/");
  });
}

std::vector<oci::Mount> build_mounts(const SpecInputs& inputs) {
  std::vector<oci::Mount> mounts = {build_overlay(inputs)};
  // A user's mount at the place of a default one, or above it ("-v /dev:/dev"), takes its place, as in Docker.
  for (oci::Mount& mount : default_mounts(inputs))
    if (!covers(inputs.mounts, mount.destination)) mounts.push_back(std::move(mount));
  std::vector<oci::Mount> users = inputs.mounts;
  if (!inputs.request.security.privileged)
    for (oci::Mount& mount : users)
      if (mount.type == "bind") mount.options.emplace_back("rnodev");
  for (const char* name : {"resolv.conf", "hostname", "hosts"}) {
    const std::string destination = std::string("/etc/") + name;
    if (!covers(inputs.mounts, destination))
      users.push_back(bind_file(inputs.name_files_directory + "/" + name, destination, inputs.request.read_only));
  }
  // By depth, so that "-v a:/x/y -v b:/x" does not hide the first under the second.
  std::stable_sort(users.begin(), users.end(), [](const oci::Mount& a, const oci::Mount& b) {
    return depth_of(a.destination) < depth_of(b.destination);
  });
  mounts.insert(mounts.end(), std::make_move_iterator(users.begin()), std::make_move_iterator(users.end()));
  if (inputs.request.init) {
    mounts.push_back(bind_file(inputs.init_path, kInitInContainer, /*readonly=*/true));
  }
  return mounts;
}

/// The user's devices beside, for --privileged, all of the host's.
std::vector<oci::Device> build_devices(const SpecInputs& inputs) {
  std::vector<oci::Device> devices = inputs.devices.nodes;
  if (!inputs.request.security.privileged) return devices;
  for (const oci::Device& device : inputs.host_devices)
    if (std::ranges::none_of(inputs.devices.nodes, [&](const auto& node) { return node.path == device.path; }))
      devices.push_back(device);
  return devices;
}

/// Of the rules that match a device the last one counts, so that the user's come last.
void add_device_rules(const SpecInputs& inputs, std::vector<oci::DeviceRule>& rules) {
  if (inputs.request.security.privileged) {
    rules.push_back({.allow = true, .type = "a"});  // the specification's form of "everything"; it needs no filter
    return;
  }
  rules = security::default_device_rules();
  rules.insert(rules.end(), inputs.devices.rules.begin(), inputs.devices.rules.end());
  for (const std::string& text : inputs.request.device_rules) rules.push_back(device_rule_from(text));
}

oci::Linux build_linux(const SpecInputs& inputs, security::CapabilitySet capabilities) {
  const RunRequest& request = inputs.request;
  oci::Linux section;
  for (const char* type : {"mount", "uts", "pid", "ipc"}) section.namespaces.push_back({.type = type});
  if (request.cgroup_view == CgroupView::Private) section.namespaces.push_back({.type = "cgroup"});
  if (request.network != NetworkMode::Host) {
    section.namespaces.push_back({.type = "network"});
    if (request.network == NetworkMode::Path) section.namespaces.back().path = request.network_target;
  }
  if (request.network == NetworkMode::Bridge || request.network == NetworkMode::None) {
    // A namespace of its own has no ports to protect and nobody to annoy with echo requests.
    section.sysctl = {{"net.ipv4.ip_unprivileged_port_start", "0"}, {"net.ipv4.ping_group_range", "0 2147483647"}};
  }
  section.cgroups_path = cgroups_path(inputs.cgroup_parent, inputs.id);
  section.resources = inputs.limits;
  add_device_rules(inputs, section.resources.devices);
  const SecurityRequest& security = request.security;
  section.devices = build_devices(inputs);
  if (!security.privileged && !security.system_paths_unconfined) {
    section.masked_paths = inputs.masked_paths;
    section.readonly_paths = inputs.readonly_paths;
  }
  if (!security.privileged && !security.seccomp_unconfined) section.seccomp = security::default_seccomp(capabilities);
  return section;
}

}  // namespace

std::string cgroups_path(const std::string& parent, const std::string& id) {
  if (!parent.empty() && !parent.starts_with('/')) return parent + ":myct:" + id;  // systemd's slice
  return (parent.empty() ? "myct" : parent) + "/" + id;
}

std::vector<std::string> command_line(const RunRequest& request, const oci::ImageConfig& image) {
  std::vector<std::string> args = request.entrypoint.value_or(image.entrypoint);
  const bool use_image_cmd = request.command.empty() && !request.entrypoint;
  const std::vector<std::string>& command = use_image_cmd ? image.cmd : request.command;
  args.insert(args.end(), command.begin(), command.end());
  if (args.empty())
    throw Error(ErrorKind::Invalid, fmt::format("no command given, and image '{}' has none", request.image), 0,
                fmt::format("try 'myct run {} /bin/sh'", request.image));
  return args;
}

oci::Spec build_spec(const SpecInputs& inputs) {
  const security::CapabilitySet capabilities = capabilities_of(inputs.request.security);
  oci::Spec spec;
  spec.process = build_process(inputs, capabilities);
  spec.root = {.path = inputs.container_directory + "/merged", .readonly = inputs.request.read_only};
  spec.hostname = hostname_of(inputs);
  spec.mounts = build_mounts(inputs);
  spec.linux_ = build_linux(inputs, capabilities);
  return spec;
}

}  // namespace myct::manager
