// Turns an OCI runtime configuration into plain data for the child: options become bits, names become numbers,
// profiles become BPF. What config.json asks for and this engine cannot do is refused here, before anything exists.
#include "plan_child.hpp"

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>

#include "mount_options.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/cgroup/cgroup.hpp"
#include "myct/security/seccomp.hpp"

namespace myct::engine {
namespace {

struct NamespaceType {
  std::string_view name;
  uint64_t flag;
};
constexpr std::array kNamespaceTypes = {
    NamespaceType{"pid", CLONE_NEWPID},     NamespaceType{"mount", CLONE_NEWNS},
    NamespaceType{"uts", CLONE_NEWUTS},     NamespaceType{"ipc", CLONE_NEWIPC},
    NamespaceType{"network", CLONE_NEWNET}, NamespaceType{"cgroup", CLONE_NEWCGROUP},
};

struct DefaultDevice {
  const char* path;
  unsigned major;
  unsigned minor;
};
// config-linux.md, "Default devices".
constexpr std::array kDefaultDevices = {
    DefaultDevice{"/dev/null", 1, 3},   DefaultDevice{"/dev/zero", 1, 5},    DefaultDevice{"/dev/full", 1, 7},
    DefaultDevice{"/dev/random", 1, 8}, DefaultDevice{"/dev/urandom", 1, 9}, DefaultDevice{"/dev/tty", 5, 0},
};

struct RlimitName {
  std::string_view name;
  int resource;
};
constexpr std::array kRlimits = {
    RlimitName{"RLIMIT_AS", RLIMIT_AS},
    RlimitName{"RLIMIT_CORE", RLIMIT_CORE},
    RlimitName{"RLIMIT_CPU", RLIMIT_CPU},
    RlimitName{"RLIMIT_DATA", RLIMIT_DATA},
    RlimitName{"RLIMIT_FSIZE", RLIMIT_FSIZE},
    RlimitName{"RLIMIT_LOCKS", RLIMIT_LOCKS},
    RlimitName{"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    RlimitName{"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    RlimitName{"RLIMIT_NICE", RLIMIT_NICE},
    RlimitName{"RLIMIT_NOFILE", RLIMIT_NOFILE},
    RlimitName{"RLIMIT_NPROC", RLIMIT_NPROC},
    RlimitName{"RLIMIT_RSS", RLIMIT_RSS},
    RlimitName{"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    RlimitName{"RLIMIT_RTTIME", RLIMIT_RTTIME},
    RlimitName{"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    RlimitName{"RLIMIT_STACK", RLIMIT_STACK},
};

uint64_t namespace_flag(const std::string& name) {
  for (const NamespaceType& type : kNamespaceTypes)
    if (type.name == name) return type.flag;
  throw_error(ErrorKind::Unsupported, "linux.namespaces: type '{}' is not supported", name);
}

void plan_namespaces(const oci::Spec& spec, ChildPlan& plan) {
  for (const oci::Namespace& space : spec.linux_.namespaces) {
    const uint64_t flag = namespace_flag(space.type);
    if (!space.path.empty()) {
      if (flag == CLONE_NEWPID || flag == CLONE_NEWNS)
        throw_error(ErrorKind::Unsupported, "linux.namespaces: joining a {} namespace by path is not supported",
                    space.type);
      plan.joins.push_back({.fd = open_path(space.path, O_RDONLY), .type = static_cast<int>(flag), .path = space.path});
      continue;
    }
    if (flag == CLONE_NEWCGROUP)
      plan.new_cgroup_namespace = true;
    else
      plan.clone_flags |= flag;
  }
  plan.new_mount_namespace = (plan.clone_flags & CLONE_NEWNS) != 0;
  plan.new_network_namespace = (plan.clone_flags & CLONE_NEWNET) != 0;
  if (!plan.new_mount_namespace)
    throw_error(ErrorKind::Unsupported,
                "linux.namespaces: a container without a mount namespace of its own is not supported");
}

bool has_other_cgroup_namespace(const ChildPlan& plan) {
  struct stat own {};
  if (plan.new_cgroup_namespace || ::stat("/proc/self/ns/cgroup", &own) == -1) return true;
  return std::ranges::any_of(plan.joins, [&](const JoinPlan& join) {
    struct stat joined {};
    return join.type == CLONE_NEWCGROUP && (::fstat(join.fd.get(), &joined) == -1 || joined.st_ino != own.st_ino);
  });
}

/// A cgroup namespace of its own shows its part of the hierarchy, by a new mount. The host's is shown by the host's own
/// mount: a new one, made in the first cgroup namespace, would take options such as nsdelegate from all that there are.
void plan_cgroup_mount(const ChildPlan& plan, MountPlan& planned) {
  planned.type = "cgroup2";
  planned.source = "cgroup";
  planned.kind = MountKind::Filesystem;
  const std::optional<std::string> hierarchy = cgroup::find_hierarchy();
  if (!hierarchy || has_other_cgroup_namespace(plan)) return;
  planned.kind = MountKind::Bind;
  planned.source = *hierarchy;
  if (planned.propagation == 0) planned.propagation = MS_PRIVATE;
}

void plan_mounts(const oci::Spec& spec, const SpawnOptions& options, ChildPlan& plan) {
  plan.rootfs.path = spec.root.path.starts_with('/') ? spec.root.path : options.bundle + "/" + spec.root.path;
  plan.rootfs.readonly = spec.root.readonly;
  if (!spec.linux_.rootfs_propagation.empty())
    plan.rootfs.propagation = parse_propagation(spec.linux_.rootfs_propagation);
  for (const oci::Mount& mount : spec.mounts) {
    MountPlan planned = plan_mount(mount);
    if (planned.kind == MountKind::Cgroup) plan_cgroup_mount(plan, planned);
    if (mount.destination == "/dev" && planned.kind == MountKind::Filesystem) {
      plan.populate_dev = true;
      plan.dev_is_nodev = (planned.attributes_set & MOUNT_ATTR_NODEV) != 0;
    }
    if (mount.destination == "/")
      plan.rootfs.own_mount = std::move(planned);
    else
      plan.mounts.push_back(std::move(planned));
  }
}

DevicePlan plan_device(const oci::Device& device) {
  DevicePlan planned{.path = device.path, .uid = device.uid.value_or(0), .gid = device.gid.value_or(0)};
  if (device.type == "c" || device.type == "u")
    planned.mode = S_IFCHR;
  else if (device.type == "b")
    planned.mode = S_IFBLK;
  else if (device.type == "p")
    planned.mode = S_IFIFO;
  else
    throw_error(ErrorKind::Invalid, "linux.devices: '{}' has type '{}' instead of c, b, u or p", device.path,
                device.type);
  planned.mode |= device.file_mode.value_or(0666) & 07777;
  planned.device = makedev(static_cast<unsigned>(device.major), static_cast<unsigned>(device.minor));
  return planned;
}

void plan_devices(const oci::Spec& spec, ChildPlan& plan) {
  for (const oci::Device& device : spec.linux_.devices) plan.devices.push_back(plan_device(device));
  for (const DefaultDevice& device : kDefaultDevices)
    plan.devices.push_back(
        {.path = device.path, .mode = S_IFCHR | 0666, .device = makedev(device.major, device.minor)});
}

void plan_limits(const oci::Spec& spec, ChildPlan& plan) {
  for (const oci::Rlimit& limit : spec.process.rlimits) {
    const auto* known = std::find_if(kRlimits.begin(), kRlimits.end(),
                                     [&](const RlimitName& candidate) { return candidate.name == limit.type; });
    if (known == kRlimits.end()) throw_error(ErrorKind::Invalid, "process.rlimits: unknown type '{}'", limit.type);
    plan.limits.push_back(
        {.resource = known->resource, .name = limit.type, .limit = {.rlim_cur = limit.soft, .rlim_max = limit.hard}});
  }
  plan.oom_score_adj = spec.process.oom_score_adj;
}

void plan_identity(const oci::Process& process, IdentityPlan& identity) {
  identity.uid = process.user.uid;
  identity.gid = process.user.gid;
  identity.groups.assign(process.user.additional_gids.begin(), process.user.additional_gids.end());
  if (process.user.umask) identity.umask = *process.user.umask;
  identity.no_new_privileges = process.no_new_privileges;
  if (!process.capabilities) return;
  security::PlannedCapabilities planned =
      security::plan_capabilities(*process.capabilities, security::current_capabilities());
  for (const std::string& name : planned.missing)
    log::warning("{} cannot be given to the container: this machine withholds it from root", name);
  identity.capabilities = planned.plan;
  // execve(2) takes all but the ambient ones from a user other than root. They go before it already, or they would
  // let the user execute what only root may.
  if (identity.uid != 0) identity.capabilities->effective = planned.plan.ambient;
}

void plan_program(const oci::Process& process, ProgramPlan& program) {
  if (process.args.empty()) throw_error(ErrorKind::Invalid, "process.args is empty");
  if (!process.cwd.starts_with('/'))
    throw_error(ErrorKind::Invalid, "process.cwd '{}' is not an absolute path", process.cwd);
  program.args = process.args;
  program.env = process.env;
  program.cwd = process.cwd;
  for (const std::string& variable : process.env)
    if (variable.starts_with("PATH=")) program.search_path = variable.substr(5);
}

/// The program, who it is, and what it is held to: the same for a container's first program and those that join it.
void plan_process(const oci::Spec& spec, const SpawnOptions& options, ChildPlan& plan) {
  plan.die_with_parent = options.lifetime == Lifetime::TiedToParent ? DieWithParent::Yes : DieWithParent::No;
  plan_limits(spec, plan);
  plan_identity(spec.process, plan.identity);
  plan.terminal.wanted = spec.process.terminal;
  if (spec.process.console_size) {
    plan.terminal.rows = spec.process.console_size->height;
    plan.terminal.columns = spec.process.console_size->width;
  }
  if (spec.linux_.seccomp) {
    plan.seccomp_flags = security::seccomp_flags(*spec.linux_.seccomp);
    plan.seccomp = options.seccomp_cache.empty()
                       ? security::compile_seccomp(*spec.linux_.seccomp)
                       : security::load_or_compile_seccomp(*spec.linux_.seccomp, options.seccomp_cache);
  }
  plan_program(spec.process, plan.program);
}

}  // namespace

ChildPlan plan_child(const oci::Spec& spec, const SpawnOptions& options) {
  ChildPlan plan;
  plan_namespaces(spec, plan);
  plan.hostname = spec.hostname;
  plan.domainname = spec.domainname;
  plan_mounts(spec, options, plan);
  plan_devices(spec, plan);
  for (const auto& [name, value] : spec.linux_.sysctl) {
    std::string path = name;
    std::replace(path.begin(), path.end(), '.', '/');
    plan.sysctls.emplace_back(std::move(path), value);
  }
  plan.masked_paths = spec.linux_.masked_paths;
  plan.readonly_paths = spec.linux_.readonly_paths;
  plan_process(spec, options, plan);
  return plan;
}

ChildPlan plan_enter(const oci::Spec& spec, const SpawnOptions& options, FdRef init) {
  ChildPlan plan;
  plan.enter = EnterPlan{.init = duplicate(init)};
  for (const oci::Namespace& space : spec.linux_.namespaces)
    plan.enter->namespaces |= static_cast<int>(namespace_flag(space.type));
  plan_process(spec, options, plan);
  return plan;
}
}  // namespace myct::engine
