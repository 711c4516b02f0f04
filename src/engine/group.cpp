#include "group.hpp"

#include <algorithm>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/base/units.hpp"
#include "myct/cgroup/device_filter.hpp"
#include "myct/cgroup/limits.hpp"

namespace myct::engine {
namespace {

/// Whether mounts alone keep devices closed but for those that the configuration lists. `destination` is that of a
/// mount of ours.
bool is_nodev(const oci::Spec& spec, const std::string& destination) {
  return std::ranges::any_of(spec.mounts, [&](const oci::Mount& mount) {
    return mount.destination == destination && std::ranges::find(mount.options, "nodev") != mount.options.end();
  });
}

/// A rule for one device that allows to read and not to write, or the like: a mount knows only all or nothing.
bool is_partial(const oci::DeviceRule& rule) {
  return rule.allow && rule.major && rule.minor &&
         (rule.access.find('r') == std::string::npos || rule.access.find('w') == std::string::npos);
}

/// Without a filter "nodev" does its work (docs/architecture.md, "Devices"). Throws `error` where it cannot.
void do_without_filter(const oci::Spec& spec, const Error& error) {
  const std::vector<oci::DeviceRule>& rules = spec.linux_.resources.devices;
  const bool mounts_suffice = is_nodev(spec, "/") && is_nodev(spec, "/dev") && std::ranges::none_of(rules, is_partial);
  if (!mounts_suffice) throw Error(error);
  log::info("no device filter, only nodev mounts: {}", error.what());
}

void filter_devices(const cgroup::Cgroup& group, const oci::Spec& spec, const std::vector<bpf_insn>& program) {
  try {
    cgroup::attach_device_filter(group.directory(), program);
  } catch (const Error& error) {
    do_without_filter(spec, error);
  }
}

/// Where there can be no group, a container that needs none runs all the same.
void do_without_group(const oci::Spec& spec, bool needs_filter, const Error& error) {
  if (needs_filter) do_without_filter(spec, error);
  log::info("the container gets no control group: {}", error.what());
}

}  // namespace

std::optional<cgroup::Cgroup> make_group(const oci::Spec& spec) {
  const std::vector<cgroup::Setting> settings = cgroup::settings_of(spec.linux_.resources);
  const std::vector<bpf_insn> program = cgroup::device_program(spec.linux_.resources.devices);
  if (spec.linux_.cgroups_path.empty() && settings.empty()) return std::nullopt;
  const std::optional<std::string> path = cgroup::locate(spec.linux_.cgroups_path);
  if (!path) {
    cgroup::check_available(spec.linux_.cgroups_path, spec.linux_.resources);
    do_without_group(spec, !program.empty(),
                     Error(ErrorKind::Unsupported, "this host has no cgroup v2 hierarchy at /sys/fs/cgroup"));
    return std::nullopt;
  }
  cgroup::enter_scope_of(spec.linux_.cgroups_path);
  std::optional<cgroup::Cgroup> group;
  try {
    group = cgroup::Cgroup::create(*path, settings);
  } catch (const Error& error) {
    if (!settings.empty()) throw;
    do_without_group(spec, !program.empty(), error);
    return std::nullopt;
  }
  if (program.empty()) return group;
  try {
    filter_devices(*group, spec, program);
  } catch (const Error&) {
    cgroup::remove_cgroup(*path);
    throw;
  }
  return group;
}

cgroup::Cgroup open_group_of_init(const std::string& path, FdRef init) {
  const std::string info = read_file(fmt::format("/proc/self/fdinfo/{}", init.get()));
  constexpr std::string_view kPid = "\nPid:\t";
  const size_t start = info.find(kPid) + kPid.size();
  const std::optional<int64_t> pid = parse_signed(info.substr(start, info.find('\n', start) - start));
  std::optional<std::string> group;
  if (pid && *pid > 0) group = cgroup::group_below(path, static_cast<pid_t>(*pid));
  if (!group)
    throw Error(ErrorKind::Conflict, fmt::format("join cgroup '{}'", path), EBUSY,
                "the container has made groups below it, and its init is in none of them");
  return cgroup::Cgroup::open(*group);
}

}  // namespace myct::engine
