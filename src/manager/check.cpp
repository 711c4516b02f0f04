#include "myct/manager/check.hpp"

#include <sys/stat.h>

#include <csignal>
#include <ctime>

#include "build_spec.hpp"
#include "myct/base/error.hpp"
#include "myct/cgroup/cgroup.hpp"
#include "myct/state/names.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

using Findings = std::vector<Finding>;

constexpr size_t kIdDigits = 64;
/// What is younger may be on its way: a container being made, in another process or under another root.
constexpr time_t kSettledSeconds = 60;

std::string container_named(const std::string& id) { return "container " + short_id(id); }

bool is_id(const std::string& name) { return name.size() == kIdDigits && is_hex(name); }

bool is_settled(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && std::time(nullptr) - status.st_ctime >= kSettledSeconds;
}

bool is_directory(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

void remove_by_id(const Context& context, const std::string& id) {
  remove_container(context, id, RemoveRunning::Kill, RemoveVolumes::Anonymous);
  state::remove_dangling_names(context.paths, {});  // one that only its record knew
}

void reconcile_by_id(const Context& context, const std::string& id) { (void)summarize(context, id); }

/// Why it failed, without the hint, which would be another than --repair.
std::string reason_of(const Error& error) { return error.hint().empty() ? error.what() : error.subject(); }

/// The record, or nullopt and a finding.
std::optional<state::Record> check_record(const Context& context, const std::string& id, Findings& findings) {
  try {
    std::optional<state::Record> record = state::load_record(context.paths, id);
    if (!record && !state::has_owner(context.paths, id))
      findings.push_back({container_named(id), "it was never completed, or its removal was cut short", "removes it",
                          [&context, id] { reconcile_unrecorded(context, id); }});
    if (record && is_complete(context, id)) (void)load_spec(context, id);
    return record;
  } catch (const Error& error) {
    findings.push_back(
        {container_named(id), reason_of(error), "removes it", [&context, id] { remove_by_id(context, id); }});
    return std::nullopt;
  }
}

void check_run(const Context& context, const state::Record& record, Findings& findings) {
  const std::string& id = record.id;
  std::optional<state::RunInfo> run;
  try {
    run = state::load_run_info(context.paths, id);
  } catch (const Error& error) {
    findings.push_back(
        {container_named(id), reason_of(error), "removes it", [&context, id] { remove_by_id(context, id); }});
    return;
  }
  if (runs_unrecorded(context, record)) {
    findings.push_back({fmt::format("container '{}'", record.name), "it runs, and its run directory is gone",
                        "kills it", [&context, record] {
                          cgroup::remove_cgroup(cgroup_of(context, record));
                          release_strays(context, record.id);
                        }});
    return;
  }
  const state::KernelView kernel = run ? state::look_at(*run) : state::KernelView{};
  if (kernel.owner_runs || state::has_owner(context.paths, id)) return;
  const std::string object = fmt::format("container '{}'", record.name);
  const state::Status status = state::status_of(record, run, kernel);
  if (kernel.init_runs)
    findings.push_back(
        {object, "it runs, and its myct was killed: its end will not be recorded", "kills it", [&context, id] {
           manager::kill(context, id, SIGKILL);
           reconcile_by_id(context, id);
         }});
  else if (record.auto_remove && status == state::Status::Exited)
    findings.push_back({object, "it has ended and was to be removed then", "removes it",
                        [&context, id] { reconcile_by_id(context, id); }});
  else if (run || (record.started_at && !record.outcome && path_exists(context.paths.run_container(id))))
    findings.push_back({object, "its myct was killed before its end was recorded", "records it",
                        [&context, id] { reconcile_by_id(context, id); }});
  else if (!is_complete(context, id))
    findings.push_back({object, "it was never completed", "removes it", [&context, id] { remove_by_id(context, id); }});
}

void check_name(const Context& context, const state::Record& record, Findings& findings) {
  if (state::find_name(context.paths, record.name) == record.id) return;
  findings.push_back({container_named(record.id), fmt::format("its name '{}' does not lead to it", record.name),
                      "claims the name, if it is free", [&context, record] {
                        if (!state::claim_name(context.paths, record.name, record.id))
                          throw_error(ErrorKind::Conflict, "the name '{}' is another container's", record.name);
                      }});
}

void check_containers(const Context& context, Findings& findings) {
  for (const std::string& id : state::list_container_ids(context.paths)) {
    const std::optional<state::Record> record = check_record(context, id, findings);
    if (!record) continue;
    check_run(context, *record, findings);
    check_name(context, *record, findings);
  }
  for (const std::string& name : list_directory(context.paths.containers(), Hidden::Include))
    if (name.starts_with(".removed-"))
      findings.push_back({"directory '" + name + "'", "a removal was cut short", "removes it",
                          [&context] { sweep_removed(context); }});
}

void check_runtime(const Context& context, Findings& findings) {
  for (const std::string& id : state::list_run_ids(context.paths))
    if (!path_exists(context.paths.container(id)) && !state::has_owner(context.paths, id))
      findings.push_back({"run directory " + short_id(id), "its container is gone", "removes it",
                          [&context, id] { remove_orphaned_run(context, id); }});
}

void check_names(const Context& context, Findings& findings) {
  for (const std::string& name : list_directory(context.paths.names(), Hidden::LeaveOut))
    if (!path_exists(context.paths.names() + "/" + name))
      findings.push_back({"name '" + name + "'", "its container is gone", "removes it",
                          [&context] { state::remove_dangling_names(context.paths, {}); }});
}

/// Only empty ones: what has processes may be a container's of another root.
void check_cgroups(const Context& context, Findings& findings) {
  const std::optional<std::string> parent = cgroup::locate(cgroups_path("", ""));
  if (!parent) return;
  for (const std::string& id : list_directory(*parent, Hidden::LeaveOut)) {
    const std::string path = *parent + id;
    if (!is_id(id) || path_exists(context.paths.container(id)) || !is_settled(path)) continue;
    if (!cgroup::processes_in(path).empty()) continue;
    findings.push_back({"control group '" + path + "'", "its container is gone", "removes it",
                        [path] { cgroup::remove_cgroup(path); }});
  }
}

/// A kill in the middle of a write leaves it; the next write takes another name.
void check_temporaries(const std::string& directory, Findings& findings) {
  for (const std::string& name : list_directory(directory, Hidden::Include)) {
    const std::string path = directory + "/" + name;
    struct stat status {};
    if (!is_temporary_name(name) || ::lstat(path.c_str(), &status) == -1 || !S_ISREG(status.st_mode) ||
        std::time(nullptr) - status.st_mtime < kSettledSeconds)
      continue;
    findings.push_back(
        {"file '" + path + "'", "the myct that wrote it was killed", "removes it", [path] { remove_file(path); }});
  }
}

/// Of one that runs without a run directory the container is the finding.
void check_addresses(const Context& context, Findings& findings) {
  for (const network::Stray& stray : list_strays(context)) {
    const std::optional<state::Record> record = state::load_record(context.paths, stray.container_id);
    if (record && runs_unrecorded(context, *record)) continue;
    findings.push_back({fmt::format("address {} of network '{}'", stray.address, stray.network),
                        fmt::format("container {}, which has it, does not run", short_id(stray.container_id)),
                        "gives it back", [&context, id = stray.container_id] { release_strays(context, id); }});
  }
}

void check_networks(const Context& context, Findings& findings) {
  for (network::Leftover& leftover : list_network_leftovers(context))
    findings.push_back({std::move(leftover.object), std::move(leftover.problem), std::move(leftover.remedy),
                        std::move(leftover.remove)});
}

void check_all_temporaries(const Context& context, Findings& findings) {
  check_temporaries(context.paths.cache(), findings);
  check_temporaries(context.paths.cache() + "/seccomp", findings);
  for (const std::string& parent : {context.paths.containers(), context.paths.volumes()})
    for (const std::string& name : list_directory(parent, Hidden::LeaveOut))
      if (is_directory(parent + "/" + name)) check_temporaries(parent + "/" + name, findings);
}

/// Everything of myct's is a directory there. What is not may be anything of the user's.
void check_strays(const std::string& parent, Findings& findings) {
  for (const std::string& name : list_directory(parent, Hidden::LeaveOut)) {
    const std::string path = parent + "/" + name;
    if (is_directory(path)) continue;
    findings.push_back({"file '" + path + "'", "it is not myct's", "leaves it to you", [path] {
                          throw_error(ErrorKind::Conflict, "file '{}' is not myct's: move or remove it", path);
                        }});
  }
}

}  // namespace

std::vector<Finding> check(const Context& context) {
  Findings findings;
  check_containers(context, findings);
  check_runtime(context, findings);
  check_names(context, findings);
  check_cgroups(context, findings);
  check_addresses(context, findings);
  check_networks(context, findings);
  check_all_temporaries(context, findings);
  check_strays(context.paths.containers(), findings);
  check_strays(context.paths.volumes(), findings);
  return findings;
}

}  // namespace myct::manager
