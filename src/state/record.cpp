#include "myct/state/record.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <sstream>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"

namespace myct::state {
namespace {

constexpr const char* kRecordName = "container.json";
constexpr const char* kRunName = "run.json";
constexpr const char* kOwnerName = "/owner";
constexpr const char* kRemovingName = "removing";
constexpr size_t kShortId = 12;

Fd open_run_containers(const Paths& paths) {
  const std::string path = paths.run_containers();
  if (std::optional<Fd> fd = try_open_path(path, O_RDONLY | O_DIRECTORY)) return std::move(*fd);
  make_directories(path);
  return open_path(path, O_RDONLY | O_DIRECTORY);
}

/// Whether the file still has a name.
bool is_linked(FdRef file) {
  struct stat status {};
  if (::fstat(file.get(), &status) == -1) throw_errno("inspect a lock");
  return status.st_nlink != 0;
}

/// Whether `path` still names this very directory.
bool is_at(FdRef directory, const std::string& path) {
  struct stat ours {};
  struct stat named {};
  if (::fstat(directory.get(), &ours) == -1) throw_errno("inspect '{}'", path);
  return ::stat(path.c_str(), &named) == 0 && named.st_dev == ours.st_dev && named.st_ino == ours.st_ino;
}

[[noreturn]] void throw_removed(std::string_view id) {
  throw Error(ErrorKind::NotFound, fmt::format("no such container: '{}'", id.substr(0, kShortId)), 0,
              "it has been removed");
}

void lock_directory(FdRef directory, int operation, const std::string& name) {
  while (::flock(directory.get(), operation) == -1)
    if (errno != EINTR) throw_errno("lock '{}'", name);
}

/// What else is there, a lost+found for example, is nobody's container.
std::vector<std::string> list_ids(const std::string& directory) {
  std::vector<std::string> names = list_directory(directory, Hidden::LeaveOut);
  std::erase_if(names, [](const std::string& name) { return !is_container_id(name); });
  return names;
}

}  // namespace

std::string_view status_word(Status status) noexcept {
  switch (status) {
    case Status::Created:
      return "created";
    case Status::Running:
      return "running";
    case Status::Paused:
      return "paused";
    case Status::Restarting:
      return "restarting";
    case Status::Exited:
      break;
  }
  return "exited";
}

bool is_active(Status status) noexcept { return status != Status::Created && status != Status::Exited; }

KernelView look_at(const RunInfo& run) {
  KernelView kernel{.init_runs = is_running(run.init)};
  if (!kernel.init_runs) kernel.owner_runs = is_running(run.owner);
  // "1" also while the group is still on its way to being frozen (cgroup-v2.rst, "cgroup.freeze").
  if (kernel.init_runs && !run.cgroup.empty())
    kernel.frozen = try_read_file(run.cgroup + "/cgroup.freeze").value_or("").starts_with('1');
  return kernel;
}

KernelView glance_at(const RunInfo& run) {
  if (run.cgroup.empty() || run.init.boot_id != boot_id()) return look_at(run);
  // cgroup-v2.rst, "cgroup.events". The group is this container's alone, and its init's end is every process's.
  const std::optional<std::string> events = try_read_file(run.cgroup + "/cgroup.events");
  if (!events || events->find("populated 1") == std::string::npos) return look_at(run);
  return {.init_runs = true, .frozen = events->find("frozen 1") != std::string::npos};
}

Status status_of(const Record& record, const std::optional<RunInfo>& run, KernelView kernel) noexcept {
  if (run && kernel.init_runs) return kernel.frozen ? Status::Paused : Status::Running;
  if (run && kernel.owner_runs && run->restart_at) return Status::Restarting;
  // A start that left no outcome was cut short: by a kill of its myct, or by the end of the boot.
  if (record.outcome || record.started_at || run) return Status::Exited;
  return Status::Created;
}

void save_record(const Paths& paths, const Record& record, Durability durability) {
  const Fd directory = open_path(paths.container(record.id), O_RDONLY | O_DIRECTORY);
  save_atomically(directory.ref(), kRecordName, to_json(record), durability);
}

void save_record(const Paths& paths, const Record& record) {
  save_record(paths, record, record.auto_remove ? Durability::SurvivesProcessDeath : Durability::SurvivesPowerLoss);
}

void add_hint_if_damaged(Error& error, std::string_view id) {
  // A document of a newer version is not damaged.
  if (error.kind() == ErrorKind::Invalid)
    error.set_hint(fmt::format("remove the container with 'myct rm -f {}'", id.substr(0, kShortId)));
}

std::optional<Record> load_record(const Paths& paths, std::string_view id) {
  const std::string path = paths.container(id) + "/" + kRecordName;
  const std::optional<std::string> text = try_read_file(path);
  if (!text) return std::nullopt;
  try {
    return record_from_json(*text, path);
  } catch (Error& error) {
    add_hint_if_damaged(error, id);
    throw;
  }
}

void save_run_info(const Paths& paths, std::string_view id, const RunInfo& run) {
  const Fd directory = open_path(paths.run_container(id), O_RDONLY | O_DIRECTORY);
  save_atomically(directory.ref(), kRunName, to_json(run), Durability::SurvivesProcessDeath);
}

std::optional<RunInfo> load_run_info(const Paths& paths, std::string_view id) {
  const std::string path = paths.run_container(id) + "/" + kRunName;
  const std::optional<std::string> text = try_read_file(path);
  if (!text) return std::nullopt;
  try {
    return run_info_from_json(*text, path);
  } catch (Error& error) {
    add_hint_if_damaged(error, id);
    throw;
  }
}

FileLock own_container(const Paths& paths, std::string_view id) {
  const std::string directory = paths.run_container(id);
  const Fd all = open_run_containers(paths);
  // Shared: whoever removes orphans must not see this directory before it has an owner.
  lock_directory(all.ref(), LOCK_SH, paths.run_containers());
  for (;;) {
    if (::mkdir(directory.c_str(), 0700) == -1 && errno != EEXIST) throw_errno("make directory '{}'", directory);
    std::optional<Fd> file = try_open_path(directory + kOwnerName, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    if (!file) continue;  // the last owner has just taken the directory away
    FileLock lock = FileLock::acquire(std::move(*file), directory + kOwnerName);
    if (is_linked(lock.fd())) return lock;  // else the last owner took it away while we waited
  }
}

FileLock lock_container(const Paths& paths, std::string_view id) {
  const std::string path = paths.container(id);
  if (std::optional<Fd> directory = try_open_path(path, O_RDONLY | O_DIRECTORY)) {
    FileLock lock = FileLock::acquire(std::move(*directory), path);
    if (is_at(lock.fd(), path)) return lock;
  }
  throw_removed(id);
}

std::optional<FileLock> lock_container_within(const Paths& paths, std::string_view id,
                                              std::chrono::milliseconds patience) {
  const std::string path = paths.container(id);
  std::optional<Fd> directory = try_open_path(path, O_RDONLY | O_DIRECTORY);
  if (!directory) throw_removed(id);
  std::optional<FileLock> lock = FileLock::acquire_within(std::move(*directory), path, patience);
  if (lock && !is_at(lock->fd(), path)) throw_removed(id);
  return lock;
}

pid_t lock_holder(const Paths& paths, std::string_view id) {
  struct stat status {};
  if (::stat(paths.container(id).c_str(), &status) == -1) return 0;
  // "1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF"; those that wait for a lock have "->" after the number. The
  // device of some file systems is not what stat(2) says, so the inode has to do.
  const std::string inode = fmt::format(":{}", status.st_ino);
  std::istringstream locks(try_read_file("/proc/locks").value_or(""));
  for (std::string line; std::getline(locks, line);) {
    std::istringstream words(line);
    std::string number, kind, advisory, access, file;
    pid_t pid = 0;
    words >> number >> kind >> advisory >> access >> pid >> file;
    if (kind == "FLOCK" && file.ends_with(inode)) return pid;
  }
  return 0;
}

std::optional<FileLock> try_lock_container(const Paths& paths, std::string_view id) {
  const std::string path = paths.container(id);
  std::optional<Fd> directory = try_open_path(path, O_RDONLY | O_DIRECTORY);
  if (!directory) return std::nullopt;
  std::optional<FileLock> lock = FileLock::try_acquire(std::move(*directory), path);
  if (lock && !is_at(lock->fd(), path)) return std::nullopt;
  return lock;
}

std::optional<FileLock> mark_removing(const Paths& paths, std::string_view id) {
  const std::optional<Fd> directory = try_open_path(paths.run_container(id), O_RDONLY | O_DIRECTORY);
  if (!directory) return std::nullopt;
  std::optional<Fd> file = try_open_at(directory->ref(), kRemovingName, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
  if (!file) return std::nullopt;
  // Shared: several may remove it at once.
  if (::flock(file->get(), LOCK_SH) == -1) throw_errno("mark a container as being removed");
  return FileLock::inherit(std::move(*file));
}

bool is_being_removed(const Paths& paths, std::string_view id) {
  const std::optional<Fd> file = try_open_path(paths.run_container(id) + "/" + kRemovingName, O_RDWR | O_NOFOLLOW);
  return file && ::flock(file->get(), LOCK_EX | LOCK_NB) == -1;
}

void remove_orphaned_run_directory(const Paths& paths, std::string_view id, const std::function<void()>& before) {
  const Fd all = open_run_containers(paths);
  lock_directory(all.ref(), LOCK_EX, paths.run_containers());
  if (path_exists(paths.container(id)) || has_owner(paths, id)) return;
  before();
  remove_tree(paths.run_container(id));
}

bool has_owner(const Paths& paths, std::string_view id) {
  const std::optional<Fd> file = try_open_path(paths.run_container(id) + kOwnerName, O_RDWR | O_NOFOLLOW);
  // Shared, so that two who ask do not take one another for the owner; and never made by asking.
  return file && ::flock(file->get(), LOCK_SH | LOCK_NB) == -1;
}

bool is_container_id(std::string_view name) noexcept {
  constexpr size_t kDigits = 64;
  return name.size() == kDigits && is_hex(name);
}

std::vector<std::string> list_container_ids(const Paths& paths) { return list_ids(paths.containers()); }
std::vector<std::string> list_run_ids(const Paths& paths) { return list_ids(paths.run_containers()); }

bool has_label(const std::map<std::string, std::string>& labels, std::string_view wanted) {
  const size_t mark = wanted.find('=');
  const auto found = labels.find(std::string(wanted.substr(0, mark)));
  return found != labels.end() && (mark == std::string_view::npos || found->second == wanted.substr(mark + 1));
}

}  // namespace myct::state
