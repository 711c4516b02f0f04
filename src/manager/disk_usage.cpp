#include <map>
#include <set>

#include "myct/base/file.hpp"
#include "myct/image/inspect.hpp"
#include "myct/manager/images.hpp"
#include "myct/manager/inspect.hpp"
#include "myct/manager/manager.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

void add_images(const Context& context, const std::map<std::string, size_t>& users, DiskUsage& usage) {
  const image::StoreUsage store = image::measure_store(context.paths);
  usage.image_bytes = store.bytes;
  std::set<std::string> seen;
  for (image::ImageSummary& image : image::list(context.paths)) {
    const auto parts = store.images.find(image.id);
    if (parts == store.images.end() || !seen.insert(image.id).second) continue;
    const auto count = users.find(image.id);
    usage.images.push_back({.image = std::move(image),
                            .shared = parts->second.shared,
                            .unique = parts->second.unique,
                            .containers = count == users.end() ? 0 : count->second});
  }
}

void add_volumes(const Context& context, const std::map<std::string, size_t>& users, DiskUsage& usage) {
  for (const std::string& name : list_directory(context.paths.volumes(), Hidden::LeaveOut)) {
    const std::string data = context.paths.volumes() + "/" + name + "/data";
    if (!path_exists(data)) continue;
    const auto count = users.find(name);
    usage.volumes.push_back(
        {.name = name, .containers = count == users.end() ? 0 : count->second, .size = size_of_tree(data)});
  }
}

}  // namespace

DiskUsage measure_disk(const Context& context) {
  DiskUsage usage;
  std::map<std::string, size_t> image_users;
  std::map<std::string, size_t> volume_users;
  for (const ContainerSummary& container : list_containers(context)) {
    ++image_users[container.record.image_id];
    std::set<std::string> volumes;
    for (const state::MountPoint& mount : container.record.settings.mounts)
      if (mount.type == "volume" && volumes.insert(mount.name).second) ++volume_users[mount.name];
    const uint64_t written = size_of_tree(context.paths.container(container.record.id) + "/upper");
    usage.containers.push_back({.record = container.record, .status = container.status, .written = written});
  }
  add_images(context, image_users, usage);
  add_volumes(context, volume_users, usage);
  return usage;
}

}  // namespace myct::manager
