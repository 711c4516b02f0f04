#include "myct/manager/commit.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>

#include <fmt/ranges.h>

#include "container_root.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/base/undo.hpp"
#include "myct/cgroup/cgroup.hpp"
#include "myct/image/archive.hpp"
#include "myct/image/change.hpp"
#include "myct/image/commit.hpp"
#include "myct/image/inspect.hpp"
#include "myct/image/reference.hpp"
#include "myct/manager/diff.hpp"
#include "myct/state/events.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

/// What a start puts there is no choice of the user's.
bool is_of_the_start(const std::string& variable) {
  constexpr std::array<std::string_view, 3> kNames = {"HOME=", "HOSTNAME=", "TERM="};
  return std::ranges::any_of(kNames, [&](std::string_view name) { return variable.starts_with(name); });
}

std::vector<std::string> environment(const oci::Spec& spec, const oci::ImageConfig& image) {
  std::vector<std::string> env;
  for (const std::string& variable : spec.process.env)
    if (!is_of_the_start(variable) || std::ranges::find(image.env, variable) != image.env.end())
      env.push_back(variable);
  return env;
}

/// The container's own configuration, as docker commit takes it, and the user's instructions.
oci::ImageConfig configure(const Context& context, const state::Record& record, const CommitRequest& request) {
  const std::optional<image::ImageDetails> parent = image::try_inspect(context.paths, record.image_id);
  if (!parent) throw_error(ErrorKind::NotFound, "the image that it was made from, {}, is gone", record.image_id);
  const oci::Spec spec = load_spec(context, record.id);
  oci::ImageConfig config = parent->image.config;
  config.env = environment(spec, config);
  config.entrypoint = record.settings.entrypoint;
  config.cmd = record.settings.cmd;
  config.user = record.settings.user;
  if (spec.process.cwd != "/" || !config.working_dir.empty()) config.working_dir = spec.process.cwd;
  config.exposed_ports = record.settings.exposed;
  config.labels = record.labels;
  for (const std::string& change : request.changes) image::apply_change(config, change);
  return config;
}

/// Frozen while the object lives, if it runs and is not frozen already.
class Pause {
 public:
  explicit Pause(const ContainerSummary& container) {
    if (container.status != state::Status::Running || container.run->cgroup.empty()) return;
    cgroup::set_freezer(container.run->cgroup, cgroup::Freezer::Frozen);
    cgroup_ = container.run->cgroup;
  }
  Pause(const Pause&) = delete;
  Pause& operator=(const Pause&) = delete;
  ~Pause() {
    if (cgroup_.empty()) return;
    try {
      cgroup::set_freezer(cgroup_, cgroup::Freezer::Thawed);
    } catch (const Error& error) {
      log::warning("the container stays paused: {}", error.what());
    }
  }

 private:
  std::string cgroup_;
};

std::vector<image::LayerChange> changes_of(const Context& context, const std::string& id) {
  std::vector<image::LayerChange> changes;
  for (Change& change : diff(context, id))
    changes.push_back({.path = std::move(change.path), .is_deleted = change.kind == ChangeKind::Deleted});
  return changes;
}

}  // namespace

std::string commit(const Context& context, const std::string& reference, const CommitRequest& request) {
  if (!request.name.empty()) (void)image::parse_reference(request.name);
  const ContainerSummary found = find_summary(context, reference);
  const state::Record& record = found.record;
  try {
    image::CommitRequest image{.parent = record.image_id,
                               .config = configure(context, record, request),
                               .names = {},
                               .author = request.author,
                               .comment = request.message,
                               .created_by = fmt::format("{}", fmt::join(record.command, " "))};
    if (!request.name.empty()) image.names = {request.name};
    std::optional<Pause> pause;
    if (request.pause) pause.emplace(found);
    const std::vector<image::LayerChange> changes = changes_of(context, record.id);
    const Fd upper = open_path(context.paths.container(record.id) + "/upper", O_RDONLY | O_DIRECTORY);
    if (!changes.empty()) image.write_layer = [&](FdRef out) { (void)image::write_layer(upper.ref(), changes, out); };
    const std::string id = image::commit(context.paths, image);
    state::append_event(context.paths, record, "commit", {{"imageID", id}, {"imageRef", request.name}});
    return id;
  } catch (Error& error) {
    error.add_context(fmt::format("commit container '{}'", reference));
    throw;
  }
}

void export_root(const Context& context, const std::string& reference, FdRef out) {
  const std::string id = find_container(context, reference);
  const ContainerRoot root = ContainerRoot::open(context, id);
  (void)image::write_tar({.file = root.directory(), .name = {}}, image::TarForm::Portable, out,
                         image::Mounts::LeaveOut);
  if (const std::optional<state::Record> record = state::load_record(context.paths, id))
    state::append_event(context.paths, *record, "export");
}

}  // namespace myct::manager
