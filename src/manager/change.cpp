// Changing what a container is called and how it is restarted.
#include "myct/base/error.hpp"
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
  state::append_event(context.paths, record, "rename", {{"oldName", "/" + old}});
}

void update_restart(const Context& context, const std::string& reference, const state::Restart& restart) {
  const std::string id = find_container(context, reference);
  const FileLock lock = state::lock_container(context.paths, id);
  state::Record record = load_locked(context, id);
  if (record.auto_remove && restart.policy != state::RestartPolicy::No)
    throw_error(ErrorKind::Conflict, "cannot set a restart policy for container '{}': it was made with --rm",
                reference);
  record.restart = restart;
  state::save_record(context.paths, record);
  state::append_event(context.paths, record, "update");
}

}  // namespace myct::manager
