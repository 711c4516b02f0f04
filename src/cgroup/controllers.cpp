#include "controllers.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>

#include "hierarchy.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/cgroup/cgroup.hpp"

namespace myct::cgroup {
namespace {

/// What tells of a container's use and of its end by lack of memory, limits or not.
constexpr std::array kAccounting = {"cpu", "io", "memory", "pids"};

using Names = std::set<std::string, std::less<>>;

Names words_of(std::string_view text) {
  Names names;
  while (!text.empty()) {
    const size_t end = text.find_first_of(" \n");
    if (end != 0) names.emplace(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return names;
}

/// Whether a hierarchy of version 1 has the controller: "4:memory:/" or "3:cpu,cpuacct:/" in /proc/self/cgroup.
bool is_on_version_1(const std::string& controller) {
  std::string text = try_read_file("/proc/self/cgroup").value_or("");
  const std::string name = controller == "io" ? "blkio" : controller;
  std::ranges::replace(text, ',', ':');
  return text.find(":" + name + ":") != std::string::npos;
}

[[noreturn]] void throw_unavailable(const Setting& setting, const std::string& group) {
  if (is_on_version_1(setting.controller)) throw unavailable(setting, Lack::OnVersion1, group);
  if (group.empty()) throw unavailable(setting, Lack::NoHierarchy, group);
  // Every group but the root of all has a type.
  throw unavailable(setting, path_exists(group + "/cgroup.type") ? Lack::NotHandedDown : Lack::NotInKernel, group);
}

/// A group of the hierarchy on the way from the top to the container.
class Level {
 public:
  Level(std::string path, bool is_top)
      : path_(std::move(path)),
        is_top_(is_top),
        available_(words_of(try_read_file(path_ + "/cgroup.controllers").value_or(""))),
        enabled_(words_of(try_read_file(path_ + "/cgroup.subtree_control").value_or(""))) {}

  [[nodiscard]] const Names& available() const noexcept { return available_; }

  /// `setting` is the limit that needs it, or null: then it is only good to have.
  void enable(const std::string& controller, const Setting* setting) {
    if (enabled_.contains(controller)) return;
    if (!available_.contains(controller)) {
      if (setting != nullptr) throw_unavailable(*setting, path_);
      return;
    }
    constexpr int kTries = 10;
    for (int tries = 0;; ++tries) {
      const int errnum = try_enable(controller);
      if (errnum == 0) return;
      if (setting == nullptr) {
        log::debug("cgroup '{}' does not hand out {}: {}", path_, controller, errno_text(errnum));
        return;
      }
      if (errnum != EBUSY || !may_move_processes() || tries == kTries) throw_refused(controller, *setting, errnum);
      move_to_leaf(path_);  // what is made meanwhile is met in the next round
    }
  }

 private:
  [[nodiscard]] int try_enable(const std::string& controller) const {
    // The kernel would enable cpu and pids, and take no process into the groups below any more (cgroup-v2.rst,
    // "Threads").
    if (is_not_root() && !words_of(try_read_file(path_ + "/cgroup.procs").value_or("")).empty()) return EBUSY;
    const Fd file(::open((path_ + "/cgroup.subtree_control").c_str(), O_WRONLY | O_CLOEXEC));
    const std::string text = "+" + controller;
    return !file.valid() || ::write(file.get(), text.data(), text.size()) == -1 ? errno : 0;
  }

  /// The root of all, which alone may have processes and hand out controllers, has no type.
  [[nodiscard]] bool is_not_root() const { return path_exists(path_ + "/cgroup.type"); }
  /// The root of a cgroup namespace or of what was delegated is ours, and so is what runs in it.
  [[nodiscard]] bool may_move_processes() const { return is_top_ && is_not_root(); }

  [[noreturn]] void throw_refused(const std::string& controller, const Setting& setting, int errnum) const {
    if (errnum == EBUSY)
      throw Error(ErrorKind::Unsupported,
                  fmt::format("cannot {}: cgroup '{}' cannot hand out the {} controller, as processes are in it",
                              describe(setting), path_, controller),
                  0, "name another one with --cgroup-parent, or move them to a group below it");
    throw Error(kind_of_errno(errnum),
                fmt::format("cannot {}: enable the {} controller in cgroup '{}'", describe(setting), controller, path_),
                errnum, errnum == EROFS ? how_to_write() : "");
  }

  std::string path_;
  bool is_top_;
  Names available_;
  Names enabled_;
};

struct Wanted {
  std::string controller;
  const Setting* setting = nullptr;  ///< that needs it
};

std::vector<Wanted> wanted_for(const std::vector<Setting>& settings) {
  std::vector<Wanted> all;
  for (const Setting& setting : settings)
    if (!setting.controller.empty() &&
        std::ranges::none_of(all, [&](const Wanted& other) { return other.controller == setting.controller; }))
      all.push_back({.controller = setting.controller, .setting = &setting});
  for (const char* name : kAccounting)
    if (std::ranges::none_of(all, [&](const Wanted& other) { return other.controller == name; }))
      all.push_back({.controller = name});
  return all;
}

}  // namespace

Error unavailable(const Setting& setting, Lack lack, const std::string& group) {
  const std::string& controller = setting.controller;
  const auto error = [&](const std::string& why, const std::string& hint) {
    return Error(ErrorKind::Unsupported, fmt::format("cannot {}: {}", describe(setting), why), 0, hint);
  };
  switch (lack) {
    case Lack::OnVersion1:
      return error(fmt::format("the {} controller of this host is on cgroup v1", controller),
                   "boot with systemd.unified_cgroup_hierarchy=1, or without systemd with cgroup_no_v1=all");
    case Lack::NotHandedDown:
      return error(
          fmt::format("the {} controller is not handed down to cgroup '{}'", controller, group),
          fmt::format("write '+{}' to the file cgroup.subtree_control of its parents; for a service of systemd, "
                      "Delegate=yes",
                      controller));
    case Lack::NoHierarchy:
      return error(
          fmt::format("the {} controller needs a cgroup v2 hierarchy, and there is none at /sys/fs/cgroup", controller),
          "'mount -t cgroup2 cgroup2 /sys/fs/cgroup' mounts it");
    case Lack::NotInKernel:
      break;
  }
  return error(fmt::format("this kernel has no {} controller", controller),
               controller == "memory" ? "boot with cgroup_enable=memory"
                                      : "it is left out of the kernel, or disabled by cgroup_disable=");
}

Error add_purpose(const Error& error, const std::vector<Setting>& settings) {
  Error changed(error);
  const auto first = std::ranges::find_if(settings, [](const Setting& setting) { return !setting.controller.empty(); });
  if (first != settings.end())
    changed.add_context(
        fmt::format("cannot {}: the {} controller needs a control group", describe(*first), first->controller));
  return changed;
}

void check_available(const std::string& cgroups_path, const oci::Resources& resources) {
  const std::vector<Setting> settings = settings_of(resources);
  if (settings.empty()) return;
  const std::optional<std::string> path = locate(cgroups_path);
  if (!path) throw_unavailable(settings.front(), "");
  const std::string top = top_of(*path);
  const Names available = words_of(try_read_file(top + "/cgroup.controllers").value_or(""));
  for (const Setting& setting : settings)
    if (!setting.controller.empty() && !available.contains(setting.controller)) throw_unavailable(setting, top);
}

void move_to_leaf(const std::string& group) {
  const std::string leaf = group + std::string(kLeaf);
  log::info("moving the processes of cgroup '{}' to '{}': it is to hand out controllers", group, leaf);
  make_directories(leaf);
  const Fd target = open_path(leaf + "/cgroup.procs", O_WRONLY);
  for (const std::string& pid : words_of(try_read_file(group + "/cgroup.procs").value_or("")))
    if (::write(target.get(), pid.data(), pid.size()) == -1 && errno != ESRCH)
      throw_errno("move process {} to cgroup '{}'", pid, leaf);
}

void enable_controllers(const std::string& parent, const std::vector<Setting>& settings) {
  const std::vector<Wanted> wanted = wanted_for(settings);
  const std::optional<std::string> handed_out = try_read_file(parent + "/cgroup.subtree_control");
  try {
    if (!handed_out) make_parents(parent + "/container");
  } catch (const Error& error) {
    throw add_purpose(error, settings);
  }
  const Names enabled = words_of(handed_out.value_or(""));
  // As a rule an earlier container has had it all enabled.
  if (std::ranges::all_of(wanted, [&](const Wanted& it) { return enabled.contains(it.controller); })) return;
  const std::string top = top_of(parent);
  for (size_t end = top.size();; end = parent.find('/', end + 1)) {
    Level level(parent.substr(0, end), end == top.size());
    for (const Wanted& it : wanted) level.enable(it.controller, it.setting);
    if (level.available().empty()) return;  // nor will those below have any
    if (end == std::string::npos || end == parent.size()) return;
  }
}

}  // namespace myct::cgroup
