// Taking names and images away.
//
// index.json is replaced first: from then on nobody finds the image. Then what no other image has is renamed out of the
// way, under the index lock; the files themselves are removed without it. What a kill leaves behind is swept by the
// next import.
#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "layer.hpp"
#include "layout.hpp"
#include "lookup.hpp"
#include "myct/base/error.hpp"
#include "myct/image/store.hpp"

namespace myct::image {
namespace {

/// The index with one image or one name less, and what to say about it.
struct Plan {
  oci::Index index;
  RemoveResult result;
};

[[noreturn]] void refuse(std::string_view image, std::string_view why, std::string_view hint) {
  throw Error(ErrorKind::Conflict, fmt::format("remove image '{}': {}", image, why), 0, std::string(hint));
}

void check_use(const std::string& image, Force force, bool nameless) {
  constexpr std::string_view kWhy = "a container uses it";
  if (nameless) refuse(image, kWhy, "remove the container first");
  if (force == Force::No) refuse(image, kWhy, "remove the container first, or take the name only with -f");
}

/// Takes the entries in `names` off; the image itself with the last of them, unless it is in use.
Plan plan_removal(const state::Paths& paths, const oci::Index& index, const std::string& id,
                  const std::set<std::string>& names, bool in_use) {
  Plan plan;
  const oci::Descriptor* last = nullptr;
  bool image_stays = false;
  for (const oci::Descriptor& entry : index.manifests) {
    const std::string name = name_of(entry);
    if (id_of(paths, entry) != id || !names.contains(name)) {
      image_stays = image_stays || id_of(paths, entry) == id;
      plan.index.manifests.push_back(entry);
      continue;
    }
    if (!name.empty()) plan.result.untagged.push_back(name);
    last = &entry;
  }
  if (image_stays) return plan;
  if (in_use && last != nullptr) {
    // Kept without a name: overlays are mounted from its layers. Removed by id when no container is left.
    plan.index.manifests.push_back(*last);
    plan.index.manifests.back().annotations.erase(std::string(oci::kAnnotationRefName));
  } else {
    plan.result.deleted = id;
  }
  return plan;
}

/// Of a blob, or of a layer's files.
uint64_t size_of_garbage(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) == -1) return 0;
  if (S_ISREG(status.st_mode)) return static_cast<uint64_t>(status.st_size);
  const std::string name = path + "/layer.json";
  const std::optional<std::string> text = try_read_file(name);
  return text ? layer_from_json(*text, name).size : 0;
}

}  // namespace

RemoveResult remove(const state::Paths& paths, const std::string& image, Force force,
                    const std::set<std::string>& ids_in_use) {
  RemoveResult result;
  std::vector<std::string> trash;
  {
    const FileLock lock = lock_index(paths);
    const oci::Index index = load_index(paths);
    std::optional<Found> found = find_by_name(index, image);
    if (!found) found = find_by_id(paths, index, image);
    if (!found) throw_no_image(index, {}, image);

    const std::string id = id_of(paths, *found->manifest);
    std::set<std::string> all_names;
    for (const oci::Descriptor& entry : index.manifests)
      if (id_of(paths, entry) == id) all_names.insert(name_of(entry));
    const std::set<std::string> names = found->by == FoundBy::Id ? all_names : std::set{name_of(*found->manifest)};
    if (names.size() > 1 && force == Force::No)
      refuse(short_id(id), "it has several names", "remove them one by one, or all with -f");
    const bool in_use = ids_in_use.contains(id);
    if (in_use && names.size() == all_names.size()) check_use(image, force, all_names == std::set<std::string>{""});

    Plan plan = plan_removal(paths, index, id, names, in_use);
    save_index(paths, plan.index);
    if (!plan.result.deleted.empty()) {
      trash = take_garbage(paths, plan.index);
    }
    result = std::move(plan.result);
    result.id = id;
  }
  for (const std::string& path : trash) {
    result.bytes += size_of_garbage(path);
    remove_tree(path);
  }
  return result;
}

}  // namespace myct::image
