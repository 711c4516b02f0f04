// Making, killing and removing a container's control group by plain file operations (Documentation/admin-guide/
// cgroup-v2.rst). Limits are written elsewhere; this file only needs that the hierarchy exists.
#include "myct/cgroup/cgroup.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cstring>
#include <memory>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"

namespace myct::cgroup {
namespace {

constexpr int kKillWaitMilliseconds = 10'000;

bool is_cgroup2(const char* path) {
  struct statfs status {};
  return ::statfs(path, &status) == 0 && status.f_type == CGROUP2_SUPER_MAGIC;
}

/// Waits until no process is left in the group and those below: cgroup.events becomes readable-with-priority on
/// each change (cgroup-v2.rst, "cgroup.events").
void wait_until_empty(const std::string& path) {
  const std::optional<Fd> events = try_open_path(path + "/cgroup.events", O_RDONLY);
  if (!events) return;
  for (;;) {
    if (::lseek(events->get(), 0, SEEK_SET) == -1) return;
    if (read_all(events->ref(), "cgroup.events").find("populated 0") != std::string::npos) return;
    pollfd poll_events{.fd = events->get(), .events = POLLPRI, .revents = 0};
    const int ready = ::poll(&poll_events, 1, kKillWaitMilliseconds);
    if (ready == 0)
      throw_error(ErrorKind::System, "processes in cgroup '{}' did not end within {} s of being killed", path,
                  kKillWaitMilliseconds / 1000);
    if (ready == -1 && errno != EINTR) throw_errno("wait for cgroup '{}'", path);
  }
}

void remove_groups_below(const std::string& path) {
  const Directory stream(::opendir(path.c_str()));
  if (!stream) return;
  while (const dirent* entry = ::readdir(stream.get())) {
    if (entry->d_type != DT_DIR || std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0)
      continue;
    const std::string child = path + "/" + entry->d_name;
    remove_groups_below(child);
    ::rmdir(child.c_str());
  }
}

}  // namespace

std::optional<std::string> find_hierarchy() {
  for (const char* path : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"})
    if (is_cgroup2(path)) return path;
  return std::nullopt;
}

Cgroup Cgroup::create(const std::string& hierarchy, const std::string& path) {
  const std::string absolute = hierarchy + path;
  make_directories(absolute);
  return {open_path(absolute, O_RDONLY | O_DIRECTORY), absolute};
}

void Cgroup::add(pid_t pid) const {
  const Fd procs = open_at(directory(), "cgroup.procs", O_WRONLY);
  write_all(procs.ref(), std::to_string(pid), path_ + "/cgroup.procs");
}

void remove_cgroup(const std::string& path) {
  if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return;
  // EBUSY: processes or groups are left in it. cgroup.kill (5.14) reaches those that fork meanwhile, too.
  if (const std::optional<Fd> kill = try_open_path(path + "/cgroup.kill", O_WRONLY))
    write_all(kill->ref(), "1", path + "/cgroup.kill");
  wait_until_empty(path);
  remove_groups_below(path);
  if (::rmdir(path.c_str()) == -1 && errno != ENOENT) throw_errno("remove cgroup '{}'", path);
}

}  // namespace myct::cgroup
