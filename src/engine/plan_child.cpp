// Turns an OCI runtime configuration into plain data for the child: options become bits, names become numbers,
// profiles become BPF. What config.json asks for and this engine cannot do is refused here, before anything exists.
#include "plan_child.hpp"

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sys/ioctl.h>
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
#include "plan_process.hpp"
#include "user_namespace.hpp"

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
    NamespaceType{"user", CLONE_NEWUSER},   NamespaceType{"time", CLONE_NEWTIME},
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

uint64_t namespace_flag(const std::string& name) {
  for (const NamespaceType& type : kNamespaceTypes)
    if (type.name == name) return type.flag;
  throw_error(ErrorKind::Unsupported, "linux.namespaces: type '{}' is not supported", name);
}

/// The offsets as /proc/PID/timens_offsets takes them (time_namespaces(7)).
std::string time_offsets_text(const std::map<std::string, oci::TimeOffset>& offsets) {
  std::string text;
  for (const auto& [clock, offset] : offsets) {
    if (clock != "monotonic" && clock != "boottime")
      throw_error(ErrorKind::Invalid, "linux.timeOffsets: clock '{}' is neither monotonic nor boottime", clock);
    text += fmt::format("{} {} {}\n", clock, offset.seconds, offset.nanoseconds);
  }
  return text;
}

void plan_join(const oci::Namespace& space, uint64_t flag, ChildPlan& plan) {
  JoinPlan join{.fd = open_path(space.path, O_RDONLY), .type = static_cast<int>(flag), .path = space.path};
  if (::ioctl(join.fd.get(), NS_GET_NSTYPE) != join.type)
    throw_error(ErrorKind::Invalid, "linux.namespaces: '{}' is no {} namespace", space.path, space.type);
  if (flag == CLONE_NEWPID)
    plan.pid_namespace = std::move(join);
  else if (flag == CLONE_NEWUSER)
    plan.joins.insert(plan.joins.begin(), std::move(join));  // it gives the power to enter the others
  else
    plan.joins.push_back(std::move(join));
}

void plan_user_namespace(const oci::Spec& spec, ChildPlan& plan) {
  const bool joined = !plan.joins.empty() && plan.joins.front().type == CLONE_NEWUSER;
  plan.new_user_namespace = (plan.clone_flags & CLONE_NEWUSER) != 0;
  plan.uid_map = map_text(spec.linux_.uid_mappings, "linux.uidMappings");
  plan.gid_map = map_text(spec.linux_.gid_mappings, "linux.gidMappings");
  const bool maps = !plan.uid_map.empty() || !plan.gid_map.empty();
  if (maps && !plan.new_user_namespace && !joined)
    throw_error(ErrorKind::Invalid, "linux.uidMappings and gidMappings need a user namespace");
  if (plan.new_user_namespace && (plan.uid_map.empty() || plan.gid_map.empty()))
    throw_error(ErrorKind::Invalid, "linux.namespaces: a new user namespace needs uidMappings and gidMappings");
  if (!joined) return;
  // What is made with it belongs to it only when it is made inside.
  plan.late_namespaces = plan.clone_flags;
  plan.clone_flags = 0;
}

void plan_namespaces(const oci::Spec& spec, ChildPlan& plan) {
  uint64_t seen = 0;
  bool joins_mounts = false;
  for (const oci::Namespace& space : spec.linux_.namespaces) {
    const uint64_t flag = namespace_flag(space.type);
    if ((seen & flag) != 0) throw_error(ErrorKind::Invalid, "linux.namespaces: '{}' is there twice", space.type);
    seen |= flag;
    joins_mounts = joins_mounts || (flag == CLONE_NEWNS && !space.path.empty());
    if (!space.path.empty())
      plan_join(space, flag, plan);
    else if (flag == CLONE_NEWCGROUP)
      plan.new_cgroup_namespace = true;
    else if (flag == CLONE_NEWTIME)
      plan.new_time_namespace = true;
    else
      plan.clone_flags |= flag;
  }
  plan.new_mount_namespace = (plan.clone_flags & CLONE_NEWNS) != 0;
  plan.new_network_namespace = (plan.clone_flags & CLONE_NEWNET) != 0;
  if (!plan.new_mount_namespace && !joins_mounts)
    throw_error(ErrorKind::Unsupported,
                "linux.namespaces: a container without a mount namespace of its own is not supported");
  if (!spec.linux_.time_offsets.empty() && !plan.new_time_namespace)
    throw_error(ErrorKind::Invalid, "linux.timeOffsets needs a new time namespace");
  plan.time_offsets = time_offsets_text(spec.linux_.time_offsets);
  plan_user_namespace(spec, plan);
}

/// The maps of an idmapped mount: its own, or those of the container where it says no more than "idmap".
void map_owners(const oci::Mount& mount, const ChildPlan& plan, MountPlan& planned) {
  if (planned.kind != MountKind::Bind)
    throw_error(ErrorKind::Unsupported, "mount '{}': only a bind mount can be idmapped", mount.destination);
  if (mount.uid_mappings.empty() != mount.gid_mappings.empty())
    throw_error(ErrorKind::Invalid, "mount '{}': uidMappings and gidMappings come together", mount.destination);
  if (!planned.recursive_idmap) planned.recursive_idmap = false;
  const bool own = !mount.uid_mappings.empty();
  if (!own && plan.uid_map.empty())
    throw_error(ErrorKind::Invalid, "mount '{}': an idmapped mount needs mappings, its own or the container's",
                mount.destination);
  planned.detached = make_idmapped_tree(planned, own ? map_text(mount.uid_mappings, "uidMappings") : plan.uid_map,
                                        own ? map_text(mount.gid_mappings, "gidMappings") : plan.gid_map);
}

/// SELinux's context for what is made for the container alone: not for binds, which are somebody's, nor for the
/// kernel's own file systems, which have labels of theirs.
void label(const std::string& mount_label, MountPlan& planned) {
  if (mount_label.empty() || planned.kind != MountKind::Filesystem) return;
  if (planned.type == "tmpfs" || planned.type == "overlay" || planned.type == "mqueue" || planned.type == "devpts")
    planned.parameters.emplace_back("context", mount_label);
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
    if (planned.recursive_idmap || !mount.uid_mappings.empty() || !mount.gid_mappings.empty())
      map_owners(mount, plan, planned);
    label(spec.linux_.mount_label, planned);
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

void refuse_what_is_missing(const oci::Spec& spec) {
  if (spec.linux_.intel_rdt)
    throw Error(ErrorKind::Unsupported, "linux.intelRdt is not supported", 0,
                "assign the container's processes to a resctrl group from outside");
  if (spec.root.path.empty()) throw_error(ErrorKind::Invalid, "root.path is missing");
}

}  // namespace

std::vector<HookPlan> plan_hooks(const std::vector<oci::Hook>& hooks) {
  std::vector<HookPlan> plans;
  for (const oci::Hook& hook : hooks) {
    if (!hook.path.starts_with('/')) throw_error(ErrorKind::Invalid, "hooks: '{}' is not an absolute path", hook.path);
    if (hook.timeout && *hook.timeout <= 0)
      throw_error(ErrorKind::Invalid, "hooks: '{}' has a timeout of {} seconds", hook.path, *hook.timeout);
    HookPlan plan{.path = hook.path, .args = hook.args, .env = hook.env, .timeout = hook.timeout};
    if (plan.args.empty()) plan.args.push_back(hook.path);
    plans.push_back(std::move(plan));
  }
  return plans;
}

ChildPlan plan_child(const oci::Spec& spec, const SpawnOptions& options) {
  ChildPlan plan;
  refuse_what_is_missing(spec);
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
  plan.root_change = options.pivot ? RootChange::Pivot : RootChange::Move;
  if (options.gate) plan.hold = HoldPlan{.gate = options.gate->permission.get(), .report = options.gate->report.get()};
  plan.runtime_hooks = plan_hooks(spec.hooks.prestart);
  for (HookPlan& hook : plan_hooks(spec.hooks.create_runtime)) plan.runtime_hooks.push_back(std::move(hook));
  plan.create_container_hooks = plan_hooks(spec.hooks.create_container);
  plan.start_container_hooks = plan_hooks(spec.hooks.start_container);
  const bool user_namespace = plan.new_user_namespace || plan.late_namespaces != 0;
  plan_process(spec, options,
               user_namespace ? security::user_namespace_capabilities() : security::current_capabilities(), plan);
  return plan;
}

ChildPlan plan_enter(const oci::Spec& spec, const SpawnOptions& options, FdRef init) {
  ChildPlan plan;
  plan.enter = EnterPlan{.init = duplicate(init)};
  for (const oci::Namespace& space : spec.linux_.namespaces)
    plan.enter->namespaces |= static_cast<int>(namespace_flag(space.type));
  plan.left_to_init = options.lifetime == Lifetime::Independent;
  const bool user_namespace = (plan.enter->namespaces & CLONE_NEWUSER) != 0;
  plan_process(spec, options,
               user_namespace ? security::user_namespace_capabilities() : security::current_capabilities(), plan);
  return plan;
}
}  // namespace myct::engine
