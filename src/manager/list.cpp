// Finding containers and telling their status, from what is on disk and what the kernel says. Takes no lock.
#include <algorithm>
#include <functional>
#include <numeric>
#include <unordered_set>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/state/names.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

/// Whether there can be a run record: most containers of a long list have none, and a system call less for each.
enum class RunRecord : uint8_t { Absent, Perhaps };

bool seems_to_run(const state::Record& record) { return record.started_at && !record.outcome; }

/// Both records as they belong together. An owner writes the end down before it takes the run record away: so what is
/// read after a look that found no run record has the end.
void load(const Context& context, const std::string& id, RunRecord run_record, ContainerSummary& container,
          std::optional<state::Record>& record) {
  if (run_record == RunRecord::Perhaps) container.run = state::load_run_info(context.paths, id);
  record = state::load_record(context.paths, id);
  if (container.run || !record || !seems_to_run(*record)) return;
  container.run = state::load_run_info(context.paths, id);
  if (!container.run) record = state::load_record(context.paths, id);
}

/// Clearing away what others have left must not keep anybody from seeing what there is.
void try_tidy(std::string_view what, std::string_view which, const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    log::debug("{} {}: {}", what, which, error.what());
  }
}

enum class Look : uint8_t { Quickly, Closely };

std::optional<ContainerSummary> summarize(const Context& context, const std::string& id, RunRecord run_record,
                                          Look look) {
  ContainerSummary container;
  std::optional<state::Record> record;
  load(context, id, run_record, container, record);
  if (!record) {
    reconcile_unrecorded(context, id);
    return std::nullopt;
  }
  container.record = std::move(*record);
  if (container.run && container.run->outcome) container.record.outcome = container.run->outcome;
  state::KernelView kernel;
  if (container.run) kernel = look == Look::Closely ? state::look_at(*container.run) : state::glance_at(*container.run);
  container.status = state::status_of(container.record, container.run, kernel);
  // Cut short, unless somebody is just about to start it.
  if (!container.run && seems_to_run(container.record) && state::has_owner(context.paths, id))
    container.status = state::Status::Created;
  const state::Settings& settings = container.record.settings;
  if ((!settings.ports.empty() || settings.publish_all) && state::is_active(container.status))
    if (std::optional<network::Presence> presence = network::load_presence(context.paths.run_container(id)))
      container.ports = presence->published_ports();
  container.health = health_of(context, container.record, container.status);
  bool is_gone = false;
  try_tidy("container", id, [&] { is_gone = reconcile(context, container); });
  if (is_gone) return std::nullopt;
  return container;
}

/// Newest first. Containers are large: their order is found without moving them, and then each is swapped into place.
void sort_by_age(std::vector<ContainerSummary>& containers) {
  std::vector<size_t> order(containers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return containers[a].record.created > containers[b].record.created; });
  for (size_t place = 0; place < order.size(); ++place) {
    size_t from = order[place];
    while (from < place) from = order[from];  // an earlier swap has moved it on
    if (from != place) std::swap(containers[place], containers[from]);
  }
}

/// The ids of run directories. Those without a container are removed, unless somebody is about to make it.
std::unordered_set<std::string> find_runs(const Context& context, const std::unordered_set<std::string>& containers) {
  std::unordered_set<std::string> runs;
  for (std::string& id : state::list_run_ids(context.paths)) {
    if (!containers.contains(id) && !path_exists(context.paths.container(id)))
      try_tidy("run directory", id, [&] { remove_orphaned_run(context, id); });
    runs.insert(std::move(id));
  }
  return runs;
}

}  // namespace

std::optional<ContainerSummary> summarize(const Context& context, const std::string& id) {
  return summarize(context, id, RunRecord::Perhaps, Look::Closely);
}

std::vector<ContainerSummary> list_containers(const Context& context) {
  std::vector<ContainerSummary> containers;
  std::unordered_set<std::string> ids;
  bool removals_cut_short = false;
  for (std::string& name : list_directory(context.paths.containers(), Hidden::Include))
    if (name.starts_with('.'))
      removals_cut_short = true;
    else if (state::is_container_id(name))
      ids.insert(std::move(name));
  const std::unordered_set<std::string> run_ids = find_runs(context, ids);
  std::unordered_set<std::string> names;
  containers.reserve(ids.size());
  for (const std::string& id : ids) {
    try {
      const RunRecord run_record = run_ids.contains(id) ? RunRecord::Perhaps : RunRecord::Absent;
      std::optional<ContainerSummary> container = summarize(context, id, run_record, Look::Quickly);
      if (!container) continue;
      names.insert(container->record.name);
      containers.push_back(std::move(*container));
    } catch (const Error& error) {
      // One bad record must not hide the others.
      log::warning("container {}: {}", id.substr(0, 12), error.what());
    }
  }
  if (removals_cut_short) try_tidy("removal", "cut short", [&] { sweep_removed(context); });
  state::remove_dangling_names(context.paths, names);  // also those that the loop above has made so
  sort_by_age(containers);
  return containers;
}

ContainerSummary find_summary(const Context& context, const std::string& reference) {
  std::optional<ContainerSummary> found = summarize(context, find_container(context, reference));
  if (found) return std::move(*found);
  throw Error(ErrorKind::NotFound, fmt::format("no such container: '{}'", reference), 0,
              "it is being made or removed, or its myct was killed");
}

std::string find_container(const Context& context, const std::string& name) {
  // Docker's inspect shows names with a slash, and takes them so.
  const std::string reference = name.starts_with('/') ? name.substr(1) : name;
  if (reference.size() == 64 && is_hex(reference) && path_exists(context.paths.container(reference))) return reference;
  if (!reference.empty() && reference.find('/') == std::string::npos)
    if (std::optional<std::string> id = state::find_name(context.paths, reference)) return *id;
  std::vector<std::string> matches;
  if (is_hex(reference))
    for (const std::string& id : state::list_container_ids(context.paths))
      if (id.starts_with(reference)) matches.push_back(id);
  if (matches.empty())
    throw Error(ErrorKind::NotFound, fmt::format("no such container: '{}'", reference), 0, "see 'myct ps -a'");
  if (matches.size() > 1) {
    std::string candidates;
    for (const std::string& id : matches) candidates += (candidates.empty() ? "" : ", ") + id.substr(0, 12);
    throw_error(ErrorKind::Conflict, "the id prefix '{}' is ambiguous: {}", reference, candidates);
  }
  return matches.front();
}

std::set<std::string> image_ids_in_use(const Context& context) {
  std::set<std::string> ids;
  for (const ContainerSummary& container : list_containers(context)) ids.insert(container.record.image_id);
  return ids;
}

}  // namespace myct::manager
