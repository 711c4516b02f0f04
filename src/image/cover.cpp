#include "cover.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <map>
#include <set>

#include "attributes.hpp"
#include "beneath.hpp"
#include "digest.hpp"
#include "layout.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"

namespace myct::image {
namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

struct Layer {
  Fd root;
  std::set<std::string> implied;
};

/// Topmost first.
std::vector<Layer> open_layers(const state::Paths& paths, const std::vector<std::string>& diff_ids) {
  std::vector<Layer> layers;
  for (auto diff_id = diff_ids.rbegin(); diff_id != diff_ids.rend(); ++diff_id) {
    Layer& layer = layers.emplace_back(Layer{open_path(layer_fs(paths, *diff_id), O_PATH | O_DIRECTORY), {}});
    const std::string names = try_read_file(layer_directory(paths, *diff_id) + "/" + kImpliedFile).value_or("");
    for (size_t begin = 0, end; (end = names.find('\0', begin)) != std::string::npos; begin = end + 1)
      layer.implied.insert(names.substr(begin, end - begin));
  }
  return layers;
}

bool is_opaque(FdRef directory) {
  char value = 0;
  return ::fgetxattr(directory.get(), "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

/// A directory in one layer.
struct Sight {
  std::optional<Fd> directory;
  bool hides = false;  ///< what lower layers have of that name, or of one above it, is not seen
};

Sight look(const Layer& layer, const std::string& path) {
  Fd directory = open_at(layer.root.ref(), ".", kDirectory);
  bool hides = false;
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    hides = hides || is_opaque(directory.ref());
    struct stat status {};
    if (::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == -1) {
      if (errno != ENOENT) throw_errno("inspect '{}'", path);
      return {std::nullopt, hides};
    }
    if (!S_ISDIR(status.st_mode)) return {std::nullopt, true};
    directory = open_at(directory.ref(), name, kDirectory);
    begin = end + 1;
  }
  return {std::move(directory), hides};
}

Member attributes_of(FdRef directory, const std::string& path) {
  struct stat status {};
  if (::fstat(directory.get(), &status) == -1) throw_errno("inspect '{}'", path);
  Member member{.name = path,
                .type = MemberType::Directory,
                .mode = status.st_mode & 07777U,
                .uid = status.st_uid,
                .gid = status.st_gid,
                .mtime = status.st_mtim,
                .xattrs = read_xattrs(directory)};
  std::ranges::sort(member.xattrs, {}, &Xattr::name);
  return member;
}

/// What a directory is to be, and what overlayfs would make of it.
struct Found {
  Member said;
  Member seen;
};

/// nullopt when no layer shows a directory there.
std::optional<Found> find(const std::vector<Layer>& layers, const std::string& path) {
  std::optional<Member> seen;
  for (const Layer& layer : layers) {
    const Sight sight = look(layer, path);
    if (sight.directory) {
      Member member = attributes_of(sight.directory->ref(), path);
      if (!layer.implied.contains(path)) return Found{.said = member, .seen = seen.value_or(member)};
      if (!seen) seen = std::move(member);
    }
    if (sight.hides) break;
  }
  if (!seen) return std::nullopt;
  return Found{.said = *seen, .seen = *seen};
}

bool is_same(const Member& one, const Member& other) {
  const auto is_same_xattr = [](const Xattr& a, const Xattr& b) { return a.name == b.name && a.value == b.value; };
  const bool is_same_time = one.mtime.tv_sec == other.mtime.tv_sec && one.mtime.tv_nsec == other.mtime.tv_nsec;
  // The root's time is no reason: nobody asks for it, and few layers name the root.
  return (one.name.empty() || is_same_time) && one.mode == other.mode && one.uid == other.uid && one.gid == other.gid &&
         std::ranges::equal(one.xattrs, other.xattrs, is_same_xattr);
}

/// The directories of the cover with their attributes, each after the one that it is in.
std::map<std::string, Member> plan(const std::vector<Layer>& layers) {
  std::set<std::string> implied;
  for (size_t i = 0; i + 1 < layers.size(); ++i) implied.insert(layers[i].implied.begin(), layers[i].implied.end());
  std::map<std::string, Member> directories;
  for (const std::string& path : implied) {
    std::optional<Found> found = find(layers, path);
    if (!found || is_same(found->said, found->seen)) continue;
    directories.emplace(path, std::move(found->said));
    for (std::string above = path; !above.empty();) {
      above = std::string(split_name(above).first);
      if (directories.contains(above)) break;
      if (std::optional<Found> parent = find(layers, above)) directories.emplace(above, std::move(parent->said));
    }
  }
  return directories;
}

}  // namespace

std::string cover_id(const std::vector<std::string>& diff_ids) {
  std::string text = "cover\n";
  for (const std::string& diff_id : diff_ids) text += diff_id + "\n";
  return digest_of(text);
}

std::optional<std::string> find_cover(const state::Paths& paths, const std::vector<std::string>& diff_ids) {
  if (diff_ids.size() < 2) return std::nullopt;
  std::string fs = layer_fs(paths, cover_id(diff_ids));
  if (!path_exists(fs)) return std::nullopt;
  return fs;
}

bool make_cover(const state::Paths& paths, const std::vector<std::string>& diff_ids, FdRef staging) {
  const std::map<std::string, Member> directories = plan(open_layers(paths, diff_ids));
  if (directories.empty()) return false;
  if (::mkdirat(staging.get(), "fs", 0700) == -1) throw_errno("make the cover's directory");
  const Fd root = open_at(staging, "fs", kDirectory);
  for (const auto& [path, member] : directories)
    if (!path.empty() && ::mkdirat(root.get(), path.c_str(), 0700) == -1) throw_errno("make directory '{}'", path);
  Losses losses;
  // From the bottom up: what is put into a directory changes its time.
  for (auto directory = directories.rbegin(); directory != directories.rend(); ++directory) {
    const std::string& path = directory->first;
    const Fd fd = open_at(root.ref(), path.empty() ? "." : path, kDirectory);
    apply_attributes({fd.ref(), {}, directory->second}, std::nullopt, losses);
  }
  losses.report();
  return true;
}

}  // namespace myct::image
