// Finding containers and telling their status, from what is on disk and what the kernel says. Takes no lock.
#include <algorithm>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/state/names.hpp"
#include "steps.hpp"

namespace myct::manager {
std::optional<ContainerSummary> summarize(const Context& context, const std::string& id) {
  ContainerSummary container;
  std::optional<state::Record> record = state::load_record(context.paths, id);
  if (!record) {
    reconcile_unrecorded(context, id);
    return std::nullopt;
  }
  container.record = std::move(*record);
  container.run = state::load_run_info(context.paths, id);
  const state::KernelView kernel = container.run ? state::look_at(*container.run) : state::KernelView{};
  container.status = state::status_of(container.record, container.run, kernel);
  if (reconcile(context, container)) return std::nullopt;
  return container;
}

std::vector<ContainerSummary> list_containers(const Context& context) {
  std::vector<ContainerSummary> containers;
  for (const std::string& id : state::list_run_ids(context.paths))
    if (!path_exists(context.paths.container(id)) && !state::has_owner(context.paths, id))
      state::remove_orphaned_run_directory(context.paths, id);
  for (const std::string& id : state::list_container_ids(context.paths)) {
    try {
      std::optional<ContainerSummary> container = summarize(context, id);
      if (container) containers.push_back(std::move(*container));
    } catch (const Error& error) {
      // One bad record must not hide the others.
      log::warning("container {}: {}: remove it with 'myct rm -f {}'", id.substr(0, 12), error.what(),
                   id.substr(0, 12));
    }
  }
  state::remove_dangling_names(context.paths);  // also those that the loop above has made so
  std::sort(containers.begin(), containers.end(),
            [](const ContainerSummary& a, const ContainerSummary& b) { return a.record.created > b.record.created; });
  return containers;
}

std::string find_container(const Context& context, const std::string& reference) {
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
