// Volumes and bind mounts: from what the user asked for to mounts whose sources exist.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/json.hpp"
#include "myct/base/units.hpp"
#include "myct/image/copy_out.hpp"
#include "myct/state/names.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

bool is_empty_directory(const std::string& path) { return list_directory(path, Hidden::Include).empty(); }

std::string volume_directory(const Context& context, const std::string& name) {
  return context.paths.volumes() + "/" + name;
}

/// The volume's data directory; made with its document when the volume is new.
std::string open_volume(const Context& context, const std::string& name) {
  const std::string directory = volume_directory(context, name);
  const std::string data = directory + "/data";
  if (path_exists(data)) return data;
  make_directories(directory);
  const Fd fd = open_path(directory, O_RDONLY | O_DIRECTORY);
  const json::Value document{
      {"version", 1}, {"name", name}, {"created", format_time(std::chrono::system_clock::now())}};
  save_atomically(fd.ref(), "volume.json", document.dump(), Durability::SurvivesPowerLoss);
  make_directory_at(fd.ref(), "data", 0755);
  return data;
}

/// As Docker: a volume that is empty gets what the image has at that place. The lock keeps two first users from
/// filling it at once; one that was killed in the middle is made up for.
void populate_volume(const Context& context, const MountRequest& request, const std::string& name,
                     const std::string& data, const image::Rootfs& rootfs) {
  const std::string marker = volume_directory(context, name) + "/populating";
  // The marker is there from before the first file to after the last: what is neither empty nor marked is complete.
  const auto complete = [&] { return !is_empty_directory(data) && !path_exists(marker); };
  if (request.populate == Populate::No || complete()) return;
  const FileLock lock = FileLock::acquire(volume_directory(context, name) + "/lock");
  if (complete()) return;
  write_file_at(FdRef(AT_FDCWD), marker, "");
  image::copy_directory_out(rootfs, request.target, data);
  remove_file(marker);
}

oci::Mount bind_mount(const MountRequest& request, std::string source) {
  oci::Mount mount{.destination = request.target, .type = "bind", .source = std::move(source)};
  mount.options = {request.recursive ? "rbind" : "bind", request.propagation};
  // Recursive, so that "ro" means read-only for what is mounted below, too (docker-run(1), --volume).
  if (request.access == Access::ReadOnly) mount.options.emplace_back("rro");
  return mount;
}

oci::Mount resolve_bind(const MountRequest& request, UndoStack& undo) {
  if (!path_exists(request.source)) {
    undo.push("make the bind source", [path = request.source] { ::rmdir(path.c_str()); });
    make_directories(request.source);
  }
  return bind_mount(request, request.source);
}

oci::Mount tmpfs_mount(const MountRequest& request) {
  oci::Mount mount{.destination = request.target, .type = "tmpfs", .source = "tmpfs"};
  mount.options = {"noexec", "nosuid", "nodev"};
  mount.options.insert(mount.options.end(), request.tmpfs_options.begin(), request.tmpfs_options.end());
  if (request.access == Access::ReadOnly) mount.options.emplace_back("ro");
  return mount;
}

}  // namespace

namespace {

/// Covering procfs would take away what the engine writes and masks there (CVE-2019-16884); these files of it are what
/// file systems such as lxcfs stand in for.
bool may_be_covered(const std::string& target) {
  constexpr std::array<std::string_view, 9> kReplaceable = {"/proc/cpuinfo", "/proc/diskstats", "/proc/loadavg",
                                                            "/proc/meminfo", "/proc/net/dev",   "/proc/slabinfo",
                                                            "/proc/stat",    "/proc/swaps",     "/proc/uptime"};
  if (target != "/proc" && !target.starts_with("/proc/")) return true;
  return std::find(kReplaceable.begin(), kReplaceable.end(), target) != kReplaceable.end();
}

}  // namespace

void check_mounts(const std::vector<MountRequest>& requests) {
  std::vector<std::string> targets;
  for (const MountRequest& request : requests) {
    if (request.type == MountType::Bind && request.missing_source == MissingSource::Fail &&
        !path_exists(request.source))
      throw Error(ErrorKind::NotFound, fmt::format("bind source '{}' does not exist", request.source), 0,
                  "make it first, or use -v, which makes a directory");
    if (std::find(targets.begin(), targets.end(), request.target) != targets.end())
      throw_error(ErrorKind::Conflict, "duplicate mount point: '{}'", request.target);
    targets.push_back(request.target);
    if (!may_be_covered(request.target))
      throw_error(ErrorKind::Invalid, "cannot mount on '{}': /proc of a container is the kernel's", request.target);
  }
}

std::vector<std::string> name_anonymous_volumes(std::vector<MountRequest>& requests) {
  std::vector<std::string> names;
  for (MountRequest& request : requests) {
    if (request.type != MountType::Volume || !request.source.empty()) continue;
    request.source = state::make_id();
    names.push_back(request.source);
  }
  return names;
}

std::vector<oci::Mount> resolve_mounts(const Context& context, const std::vector<MountRequest>& requests,
                                       const image::Rootfs& rootfs, UndoStack& undo) {
  std::vector<oci::Mount> mounts;
  for (const MountRequest& request : requests) {
    if (request.type == MountType::Bind) {
      mounts.push_back(resolve_bind(request, undo));
      continue;
    }
    if (request.type == MountType::Tmpfs) {
      mounts.push_back(tmpfs_mount(request));
      continue;
    }
    const std::string& name = request.source;
    if (!path_exists(volume_directory(context, name)))
      undo.push("make the volume", [&context, name] { remove_volume(context, name); });
    const std::string data = open_volume(context, name);
    populate_volume(context, request, name, data, rootfs);
    mounts.push_back(bind_mount(request, data));
  }
  return mounts;
}

std::vector<state::MountPoint> describe_mounts(const Context& context, const std::vector<MountRequest>& requests) {
  std::vector<state::MountPoint> points;
  for (const MountRequest& request : requests) {
    state::MountPoint point{.destination = request.target, .writable = request.access == Access::ReadWrite};
    if (request.type == MountType::Tmpfs) {
      point.type = "tmpfs";
    } else {
      const bool is_volume = request.type == MountType::Volume;
      point.type = is_volume ? "volume" : "bind";
      point.name = is_volume ? request.source : "";
      point.source = is_volume ? volume_directory(context, request.source) + "/data" : request.source;
      point.propagation = request.propagation;
    }
    points.push_back(std::move(point));
  }
  return points;
}

void remove_volume(const Context& context, const std::string& name) { remove_tree(volume_directory(context, name)); }

}  // namespace myct::manager
