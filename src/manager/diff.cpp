// Compares the overlay's upper directory with its lower ones (overlayfs.rst): a character device 0:0 is a deleted
// file, a directory with trusted.overlay.opaque hides what the lower ones have of that name. The container may run and
// change what is read here, so every directory is opened by its name in the one above, and no link is followed.
#include "myct/manager/diff.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <algorithm>
#include <optional>
#include <set>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

using Layers = std::vector<Fd>;  ///< the same directory in several layers, the upper ones first

bool is_whiteout(const struct stat& status) { return S_ISCHR(status.st_mode) && status.st_rdev == makedev(0, 0); }

bool is_opaque(FdRef directory) {
  char value = 0;
  return ::fgetxattr(directory.get(), "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

std::optional<struct stat> try_inspect(FdRef directory, const std::string& name) {
  struct stat status {};
  if (::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return status;
  if (errno == ENOENT) return std::nullopt;
  throw_errno("inspect '{}'", name);
}

std::vector<std::string> names_in(FdRef directory) {
  return list_directory(fmt::format("/proc/self/fd/{}", directory.get()), Hidden::Include);
}

/// What the image has under that name; nullopt: nothing, or deleted by one of its own layers.
std::optional<struct stat> find_lower(const Layers& lowers, const std::string& name) {
  for (const Fd& lower : lowers) {
    std::optional<struct stat> status = try_inspect(lower.ref(), name);
    if (status) return is_whiteout(*status) ? std::nullopt : status;
    if (is_opaque(lower.ref())) return std::nullopt;
  }
  return std::nullopt;
}

Layers open_lowers(const Layers& lowers, const std::string& name) {
  Layers opened;
  for (const Fd& lower : lowers) {
    const std::optional<struct stat> status = try_inspect(lower.ref(), name);
    if (status && !S_ISDIR(status->st_mode)) break;
    if (status) opened.push_back(open_at(lower.ref(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    if (is_opaque(lower.ref())) break;
  }
  return opened;
}

/// Of directories, times and sizes say nothing: they change with what is in them.
bool is_same(const struct stat& a, const struct stat& b) {
  if (a.st_mode != b.st_mode || a.st_uid != b.st_uid || a.st_gid != b.st_gid) return false;
  if (S_ISDIR(a.st_mode)) return true;
  return a.st_size == b.st_size && a.st_rdev == b.st_rdev && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

class Comparison {
 public:
  explicit Comparison(const oci::Spec& spec) {
    for (const oci::Mount& mount : spec.mounts) mount_points_.insert(mount.destination);
  }

  /// `path` without a slash at its end; empty for the root.
  void compare(FdRef upper, const Layers& lowers, const std::string& path);
  [[nodiscard]] std::vector<Change> take() && {
    std::ranges::sort(changes_, {}, &Change::path);
    return std::move(changes_);
  }

 private:
  void compare_entry(FdRef upper, const Layers& lowers, const std::string& path, const std::string& name);
  void compare_directory(FdRef upper, const Layers& lowers, const std::string& path, const std::string& name,
                         ChangeKind kind, bool changed);
  [[nodiscard]] bool leads_to_mount_point(const std::string& path) const {
    const auto next = mount_points_.lower_bound(path + "/");
    return next != mount_points_.end() && next->starts_with(path + "/");
  }

  std::set<std::string> mount_points_;
  std::vector<Change> changes_;
};

void Comparison::compare(FdRef upper, const Layers& lowers, const std::string& path) {
  const std::vector<std::string> names = names_in(upper);
  for (const std::string& name : names) compare_entry(upper, lowers, path, name);
  if (!is_opaque(upper)) return;
  // Deleted with its content and made anew: what has not come back is missing.
  std::set<std::string> hidden;
  for (const Fd& lower : lowers)
    for (std::string& name : names_in(lower.ref())) hidden.insert(std::move(name));
  for (const std::string& name : names) hidden.erase(name);
  for (const std::string& name : hidden)
    if (find_lower(lowers, name)) changes_.push_back({ChangeKind::Deleted, fmt::format("{}/{}", path, name)});
}

void Comparison::compare_entry(FdRef upper, const Layers& lowers, const std::string& path, const std::string& name) {
  const std::string full = path + "/" + name;
  const std::optional<struct stat> now = try_inspect(upper, name);
  if (!now || mount_points_.contains(full)) return;
  const std::optional<struct stat> before = find_lower(lowers, name);
  if (is_whiteout(*now)) {
    if (before) changes_.push_back({ChangeKind::Deleted, full});
    return;
  }
  const ChangeKind kind = before ? ChangeKind::Changed : ChangeKind::Added;
  const bool changed = !before || !is_same(*now, *before);
  if (S_ISDIR(now->st_mode))
    compare_directory(upper, lowers, full, name, kind, changed);
  else if (changed)
    changes_.push_back({kind, full});
}

void Comparison::compare_directory(FdRef upper, const Layers& lowers, const std::string& path, const std::string& name,
                                   ChangeKind kind, bool changed) {
  const size_t before = changes_.size();
  std::optional<Fd> directory = try_open_at(upper, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!directory) return;  // gone meanwhile
  compare(directory->ref(), open_lowers(lowers, name), path);
  const bool inside = changes_.size() != before;
  // Made on the way to a mount point, and nothing else is in it.
  if (kind == ChangeKind::Added && !inside && leads_to_mount_point(path)) return;
  if (inside || changed) changes_.push_back({kind, path});
}

}  // namespace

std::vector<Change> diff(const Context& context, const std::string& reference) {
  constexpr std::string_view kLayer = "lowerdir+=";
  const std::string directory = context.paths.container(find_container(context, reference));
  const std::string document = directory + "/config.json";
  const oci::Spec spec = oci::spec_from_json(read_file(document), document);
  Layers lowers;
  for (const oci::Mount& mount : spec.mounts)
    if (mount.destination == "/")
      for (const std::string& option : mount.options)
        if (option.starts_with(kLayer))
          lowers.push_back(open_path(option.substr(kLayer.size()), O_RDONLY | O_DIRECTORY));
  const Fd upper = open_path(directory + "/upper", O_RDONLY | O_DIRECTORY);
  Comparison comparison(spec);
  comparison.compare(upper.ref(), lowers, {});
  return std::move(comparison).take();
}

}  // namespace myct::manager
