#include "hierarchy.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "controllers.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/base/syscall.hpp"
#include "myct/cgroup/cgroup.hpp"
#include "systemd.hpp"

namespace myct::cgroup {
namespace {

/// In a scope, whose own files are systemd's.
constexpr const char* kBelowScope = "/container";
/// Below what is ours. These two stay for the next container, all else is removed with its last one.
constexpr const char* kOwnGroup = "/myct";
constexpr const char* kSupervisors = "myct/supervisors";
/// On a group that we have made for a container that was to be below it.
constexpr const char* kMade = "trusted.myct.made";

bool is_cgroup2(const char* path) {
  struct statfs status {};
  return ::statfs(path, &status) == 0 && status.f_type == CGROUP2_SUPER_MAGIC;
}

/// systemd.resource-control(5), Delegate=: systemd marks what it keeps its hands off. The second is that of its
/// instances for users.
bool is_delegated(const std::string& path) {
  for (const char* name : {"trusted.delegate", "user.delegate"}) {
    char value[2];
    if (::getxattr(path.c_str(), name, value, sizeof value) == 1 && value[0] == '1') return true;
  }
  return false;
}

/// What systemd makes, and manages unless it is delegated: a program in it has no claim to what is above.
bool is_unit(const std::string& path) {
  return path.ends_with(".service") || path.ends_with(".scope") || path.ends_with(".slice");
}

/// What is ours: the group that was delegated to the service or scope that we run in, or all of the hierarchy. We may
/// be in a group below it: that of supervisors, that of processes that were in the way, or the service's own
/// (DelegateSubgroup=).
std::string find_base(const std::string& hierarchy) {
  const std::string own = group_of_process("self").value_or("/");
  if (own == "/" || own.starts_with("/..")) return hierarchy;
  for (std::string path = hierarchy + own; path.size() > hierarchy.size(); path = parent_of(path)) {
    if (is_delegated(path)) return path;
    if (is_unit(path)) break;
  }
  return hierarchy;
}

bool is_at_or_below(const std::string& path, const std::string& top) {
  return path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '/');
}

bool is_marked_as_made(const std::string& path) {
  char value[2];
  return ::getxattr(path.c_str(), kMade, value, sizeof value) == 1;
}

}  // namespace

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

std::vector<std::string> groups_in(const std::string& path) {
  std::vector<std::string> groups;
  const Directory stream(::opendir(path.c_str()));
  if (!stream) return groups;
  while (const dirent* entry = ::readdir(stream.get()))
    if (entry->d_type == DT_DIR && std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0)
      groups.push_back(path + "/" + entry->d_name);
  return groups;
}

bool is_ours(const std::string& path) { return path.ends_with(kOwnGroup) || is_marked_as_made(path); }

std::optional<std::string> group_of_process(const std::string& process) {
  const std::optional<std::string> text = try_read_file("/proc/" + process + "/cgroup");
  if (!text) return std::nullopt;
  for (size_t line = 0; line < text->size(); line = text->find('\n', line) + 1) {
    const size_t end = text->find('\n', line);
    if (text->compare(line, 3, "0::") == 0) return text->substr(line + 3, end - line - 3);
    if (end == std::string::npos) break;
  }
  return std::nullopt;
}

std::optional<std::string> find_hierarchy() {
  for (const char* path : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"})
    if (is_cgroup2(path)) return path;
  return std::nullopt;
}

std::optional<std::string> locate(const std::string& cgroups_path) {
  const std::optional<std::string> hierarchy = find_hierarchy();
  if (!hierarchy) return std::nullopt;
  if (cgroups_path.starts_with('/')) return *hierarchy + cgroups_path;
  if (const std::optional<Scope> scope = scope_from_cgroups_path(cgroups_path))
    return *hierarchy + path_of(*scope) + kBelowScope;
  return find_base(*hierarchy) + "/" + cgroups_path;
}

std::optional<std::string> group_below(const std::string& path, pid_t pid) {
  const std::optional<std::string> hierarchy = find_hierarchy();
  const std::optional<std::string> group = group_of_process(std::to_string(pid));
  if (!hierarchy || !group || !is_at_or_below(*hierarchy + *group, path)) return std::nullopt;
  return *hierarchy + *group;
}

namespace {

/// nullopt where there can be none.
std::optional<Fd> try_open_supervisors_group() {
  const std::optional<std::string> path = locate(kSupervisors);
  if (!path) return std::nullopt;
  try {
    if (std::optional<Fd> group = try_open_path(*path, O_PATH | O_DIRECTORY)) return group;
    make_directories(*path);
    return try_open_path(*path, O_PATH | O_DIRECTORY);
  } catch (const Error&) {
    return std::nullopt;  // a hierarchy that is read-only: then it stays where it was started
  }
}

}  // namespace

pid_t fork_beside_containers() {
  clone_args arguments{};
  arguments.exit_signal = SIGCHLD;
  if (const std::optional<Fd> group = try_open_supervisors_group()) {
    arguments.flags = CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<uint64_t>(group->get());
    if (const pid_t pid = sys::clone3(arguments); pid != -1) return pid;
    log::debug("the process beside the container stays in our control group: {}", errno_text(errno));
  }
  return ::fork();
}

std::string top_of(const std::string& path) {
  const std::string hierarchy = find_hierarchy().value_or("");
  std::string base = find_base(hierarchy);
  return is_at_or_below(path, base) ? base : hierarchy;
}

std::string how_to_write() {
  return fmt::format("the hierarchy is mounted read-only: 'mount -o remount,bind,rw {}' changes that",
                     find_hierarchy().value_or(""));
}

namespace {

[[noreturn]] void throw_unmade(const std::string& path) {
  const int errnum = errno;
  throw Error(kind_of_errno(errnum), fmt::format("make cgroup '{}'", path), errnum,
              errnum == EROFS ? how_to_write() : "");
}

}  // namespace

void make_parents(const std::string& path) {
  const std::string parent = parent_of(path);
  if (::mkdir(parent.c_str(), 0755) == 0) {
    if (!parent.ends_with(kOwnGroup)) ::setxattr(parent.c_str(), kMade, "1", 1, 0);
    return;
  }
  if (errno == EEXIST) return;
  if (errno != ENOENT || parent.empty()) throw_unmade(parent);
  make_parents(parent);
  if (::mkdir(parent.c_str(), 0755) == -1 && errno != EEXIST) throw_unmade(parent);
  if (!parent.ends_with(kOwnGroup)) ::setxattr(parent.c_str(), kMade, "1", 1, 0);
}

void make_group(const std::string& path) {
  constexpr int kTries = 10;
  for (int tries = 0; ::mkdir(path.c_str(), 0755) == -1; ++tries) {
    if (errno == EEXIST) {
      if (::rmdir(path.c_str()) == -1 && errno == EBUSY) return;
    } else if (errno == ENOENT && tries < kTries) {
      make_parents(path);  // the last container in them has just ended
    } else {
      throw_unmade(path);
    }
  }
}

void remove_made_parents(const std::string& path) {
  for (std::string parent = parent_of(path); !parent.empty(); parent = parent_of(parent)) {
    if (!is_marked_as_made(parent)) return;
    if (::rmdir(parent.c_str()) == -1) return;
  }
}

}  // namespace myct::cgroup
