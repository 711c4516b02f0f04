#include "myct/state/record.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/json.hpp"

namespace myct::state {
namespace {

using json::Value;

constexpr int kVersion = 1;
constexpr const char* kRecordName = "container.json";
constexpr const char* kRunName = "run.json";
constexpr const char* kOwnerName = "/owner";

SystemTime read_time(const Value& object, const char* key) {
  std::string text;
  json::read(object, key, text);
  const std::optional<SystemTime> time = parse_time(text);
  if (!time) throw_error(ErrorKind::Invalid, "member '{}' is not a time", key);
  return *time;
}

Value identity_to_json(const ProcessIdentity& identity) {
  return Value{{"pid", identity.pid}, {"startTime", identity.start_time}, {"bootId", identity.boot_id}};
}

ProcessIdentity identity_from_json(const Value& parent, const char* key) {
  ProcessIdentity identity;
  const auto found = parent.find(key);
  if (found == parent.end() || !found->is_object()) return identity;
  json::read(*found, "pid", identity.pid);
  json::read(*found, "startTime", identity.start_time);
  json::read(*found, "bootId", identity.boot_id);
  return identity;
}

void check_version(const Value& document, std::string_view name) {
  int version = 0;
  json::read(document, "version", version);
  if (version != kVersion)
    throw_error(ErrorKind::Unsupported, "read '{}': version {} is not known to this myct", name, version);
}

Fd open_run_containers(const Paths& paths) {
  const std::string path = paths.run_containers();
  if (std::optional<Fd> fd = try_open_path(path, O_RDONLY | O_DIRECTORY)) return std::move(*fd);
  make_directories(path);
  return open_path(path, O_RDONLY | O_DIRECTORY);
}

void lock_directory(FdRef directory, int operation, const std::string& name) {
  while (::flock(directory.get(), operation) == -1)
    if (errno != EINTR) throw_errno("lock '{}'", name);
}

}  // namespace

std::string_view status_word(Status status) noexcept {
  switch (status) {
    case Status::Created:
      return "created";
    case Status::Running:
      return "running";
    case Status::Exited:
      break;
  }
  return "exited";
}

KernelView look_at(const RunInfo& run) { return {.init_runs = is_running(run.init)}; }

Status status_of(const Record& record, const std::optional<RunInfo>& run, KernelView kernel) noexcept {
  if (run && kernel.init_runs) return Status::Running;
  // A start that left no outcome was cut short: by a kill of its myct, or by the end of the boot.
  if (record.outcome || record.started_at || run) return Status::Exited;
  return Status::Created;
}

std::string to_json(const Record& record) {
  Value document{{"version", kVersion},       {"id", record.id},
                 {"name", record.name},       {"created", format_time(record.created)},
                 {"image", record.image},     {"imageId", record.image_id},
                 {"command", record.command}, {"autoRemove", record.auto_remove}};
  json::write_unless_empty(document, "labels", record.labels);
  json::write_unless_empty(document, "anonymousVolumes", record.anonymous_volumes);
  if (record.started_at) document["startedAt"] = format_time(*record.started_at);
  if (record.outcome)
    document["outcome"] = {{"exitCode", record.outcome->exit_code},
                           {"finishedAt", format_time(record.outcome->finished_at)}};
  return document.dump();
}

Record record_from_json(std::string_view text, std::string_view name) {
  const Value document = json::parse(text, name);
  try {
    if (!document.is_object()) throw_error(ErrorKind::Invalid, "not a JSON object");
    check_version(document, name);
    Record record;
    json::read(document, "id", record.id);
    json::read(document, "name", record.name);
    record.created = read_time(document, "created");
    json::read(document, "image", record.image);
    json::read(document, "imageId", record.image_id);
    json::read(document, "command", record.command);
    json::read(document, "autoRemove", record.auto_remove);
    json::read(document, "labels", record.labels);
    json::read(document, "anonymousVolumes", record.anonymous_volumes);
    if (document.contains("startedAt")) record.started_at = read_time(document, "startedAt");
    if (const auto outcome = document.find("outcome"); outcome != document.end() && outcome->is_object()) {
      record.outcome = Outcome{.finished_at = read_time(*outcome, "finishedAt")};
      json::read(*outcome, "exitCode", record.outcome->exit_code);
    }
    return record;
  } catch (Error& error) {
    error.add_context(fmt::format("read '{}'", name));
    throw;
  }
}

std::string to_json(const RunInfo& run) {
  return Value{{"version", kVersion}, {"init", identity_to_json(run.init)}, {"cgroup", run.cgroup}}.dump();
}

RunInfo run_info_from_json(std::string_view text, std::string_view name) {
  const Value document = json::parse(text, name);
  if (!document.is_object()) throw_error(ErrorKind::Invalid, "read '{}': not a JSON object", name);
  check_version(document, name);
  RunInfo run;
  run.init = identity_from_json(document, "init");
  json::read(document, "cgroup", run.cgroup);
  return run;
}

void save_record(const Paths& paths, const Record& record) {
  const Fd directory = open_path(paths.container(record.id), O_RDONLY | O_DIRECTORY);
  save_atomically(directory.ref(), kRecordName, to_json(record),
                  record.auto_remove ? Durability::SurvivesProcessDeath : Durability::SurvivesPowerLoss);
}

std::optional<Record> load_record(const Paths& paths, std::string_view id) {
  const std::string path = paths.container(id) + "/" + kRecordName;
  const std::optional<std::string> text = try_read_file(path);
  if (!text) return std::nullopt;
  return record_from_json(*text, path);
}

void save_run_info(const Paths& paths, std::string_view id, const RunInfo& run) {
  const Fd directory = open_path(paths.run_container(id), O_RDONLY | O_DIRECTORY);
  save_atomically(directory.ref(), kRunName, to_json(run), Durability::SurvivesProcessDeath);
}

std::optional<RunInfo> load_run_info(const Paths& paths, std::string_view id) {
  const std::string path = paths.run_container(id) + "/" + kRunName;
  const std::optional<std::string> text = try_read_file(path);
  if (!text) return std::nullopt;
  return run_info_from_json(*text, path);
}

FileLock own_container(const Paths& paths, std::string_view id) {
  const std::string directory = paths.run_container(id);
  const Fd all = open_run_containers(paths);
  // Shared: whoever removes orphans must not see this directory before it has an owner.
  lock_directory(all.ref(), LOCK_SH, paths.run_containers());
  if (::mkdir(directory.c_str(), 0700) == -1 && errno != EEXIST) throw_errno("make directory '{}'", directory);
  return FileLock::acquire(directory + kOwnerName);
}

void remove_orphaned_run_directory(const Paths& paths, std::string_view id) {
  const Fd all = open_run_containers(paths);
  lock_directory(all.ref(), LOCK_EX, paths.run_containers());
  if (!path_exists(paths.container(id)) && !has_owner(paths, id)) remove_tree(paths.run_container(id));
}

bool has_owner(const Paths& paths, std::string_view id) {
  const std::string path = paths.run_container(id) + kOwnerName;
  return path_exists(path) && !FileLock::try_acquire(path);
}

std::vector<std::string> list_container_ids(const Paths& paths) { return list_directory(paths.containers()); }
std::vector<std::string> list_run_ids(const Paths& paths) { return list_directory(paths.run_containers()); }

}  // namespace myct::state
