// Changing what a container is called, how it is restarted and what it may use.
#include "limits.hpp"
#include "myct/base/error.hpp"
#include "myct/engine/engine.hpp"
#include "myct/state/events.hpp"
#include "myct/state/names.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

state::Record load_locked(const Context& context, const std::string& id) {
  std::optional<state::Record> record = state::load_record(context.paths, id);
  if (!record) throw_error(ErrorKind::NotFound, "no such container: '{}'", id);
  return std::move(*record);
}

void check_restart(const state::Record& record, const state::Restart& restart) {
  if (record.auto_remove && restart.policy != state::RestartPolicy::No)
    throw_error(ErrorKind::Conflict, "it was made with --rm, and so can have no restart policy");
}

/// The control group of a container that runs, paused or not; nullopt when it does not. Under the container's lock.
std::optional<std::string> live_cgroup(const Context& context, const std::string& id) {
  const std::optional<state::RunInfo> run = state::load_run_info(context.paths, id);
  if (!run || !state::look_at(*run).init_runs) return std::nullopt;
  if (run->cgroup.empty())
    throw Error(ErrorKind::Unsupported, "it runs without a control group", 0,
                "limits need cgroup v2, mounted so that myct can write to it; stop it to set them for its next start");
  return run->cgroup;
}

/// config.json first, which a full disk can refuse; the kernel's refusal then puts it back.
void update_limits(const Context& context, Container& container, const LimitsRequest& request,
                   const HostResources& host) {
  container.spec = load_spec(context, container.record.id);
  oci::Resources& resources = container.spec.linux_.resources;
  const oci::Resources before = resources;
  LimitsPlan plan = plan_limits(request, before, host);
  const std::optional<std::string> cgroup = live_cgroup(context, container.record.id);
  resources = std::move(plan.all);
  save_spec(container);
  if (!cgroup) {
    warn_of_limits(container);
    return;
  }
  try {
    engine::update(*cgroup, plan.changed);
  } catch (const Error&) {
    resources = before;
    save_spec(container);
    throw;
  }
}

}  // namespace

void rename(const Context& context, const std::string& reference, const std::string& name) {
  state::check_name(name);
  const std::string id = find_container(context, reference);
  free_stale_name(context, name);
  const FileLock lock = state::lock_container(context.paths, id);
  state::Record record = load_locked(context, id);
  if (record.name == name) throw_error(ErrorKind::Invalid, "container '{}' has that name already", name);
  if (!state::claim_name(context.paths, name, id))
    throw Error(ErrorKind::Conflict,
                fmt::format("the container name '{}' is already in use by container {}", name,
                            state::find_name(context.paths, name).value_or("(being made)").substr(0, 12)),
                0, "remove that container ('myct rm'), or choose another name");
  const std::string old = record.name;
  record.name = name;
  try {
    state::save_record(context.paths, record);
  } catch (const Error&) {
    state::release_name(context.paths, name, id);
    throw;
  }
  state::release_name(context.paths, old, id);
  rename_on_networks(context, id, old, name);
  state::append_event(context.paths, record, "rename", {{"oldName", "/" + old}});
}

void update(const Context& context, const std::string& reference, const UpdateRequest& request) {
  const HostResources host = request.limits ? look_at_host(*request.limits) : HostResources{};
  Container container;
  const std::string id = find_container(context, reference);
  container.lock = state::lock_container(context.paths, id);
  container.record = load_locked(context, id);
  container.directory = context.paths.container(id);
  try {
    if (request.restart) check_restart(container.record, *request.restart);
    if (request.limits) update_limits(context, container, *request.limits, host);
  } catch (Error& error) {
    error.add_context(fmt::format("update container '{}'", reference));
    throw;
  }
  if (request.restart) {
    container.record.restart = *request.restart;
    state::save_record(context.paths, container.record);
  }
  state::append_event(context.paths, container.record, "update");
}

}  // namespace myct::manager
