// `myct run`, followed from the request to the exit status.
#include <fcntl.h>
#include <unistd.h>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/cgroup/cgroup.hpp"
#include "myct/engine/engine.hpp"
#include "myct/manager/manager.hpp"
#include "myct/supervisor/foreground.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

/// Refuses before anything is made (docker-run(1), --cidfile and --tty).
void check_request(const RunRequest& request) {
  if (!request.cidfile.empty() && path_exists(request.cidfile))
    throw Error(ErrorKind::Conflict, fmt::format("container ID file '{}' exists", request.cidfile), 0,
                "make sure that the other container is not running, or delete the file");
  if (request.tty && request.interactive && ::isatty(STDIN_FILENO) == 0)
    throw Error(ErrorKind::Usage, "the input device is not a TTY", 0, "leave out -t, or run from a terminal");
}

void write_cidfile(const RunRequest& request, const std::string& id, UndoStack& undo) {
  if (request.cidfile.empty()) return;
  Fd file = open_path(request.cidfile, O_WRONLY | O_CREAT | O_EXCL, 0644);
  undo.push("write the container ID file", [path = request.cidfile] { remove_file(path); });
  write_all(file.ref(), id, request.cidfile);
  file.close_checked();
}

void save_processes(const Context& context, const Container& container, const engine::Running& running) {
  // Still there even if it has ended already: it is our child, and we have not waited for it.
  std::optional<ProcessIdentity> init = identify(running.init.pid());
  std::optional<ProcessIdentity> owner = identify(::getpid());
  if (!init || !owner) return;
  state::RunInfo run;
  run.init = std::move(*init);
  run.owner = std::move(*owner);
  run.cgroup = running.cgroup.value_or("");
  state::save_run_info(context.paths, container.record.id, run);
}

/// A foreground container without a terminal gets our own descriptors: no copy loop, whatever the amount of data.
engine::SpawnOptions spawn_options(const Context& context, const Container& container, const RunRequest& request,
                                   const Fd& null) {
  return {.bundle = container.directory,
          .seccomp_cache = context.paths.cache() + "/seccomp",
          .lifetime = engine::Lifetime::TiedToParent,
          .standard_streams = {request.interactive ? STDIN_FILENO : null.get(), STDOUT_FILENO, STDERR_FILENO}};
}

WaitStatus wait_for_end(engine::Running& running, const RunRequest& request,
                        const supervisor::SignalCollector& signals) {
  if (!running.console.valid()) return supervisor::wait_forwarding_signals(running.init, signals);
  const supervisor::Input input = request.interactive ? supervisor::Input::Stdin : supervisor::Input::None;
  return supervisor::relay_terminal(running.init, std::move(running.console), input, signals);
}

/// Writes down how it ended, or takes everything away.
void finish(const Context& context, Container& container, const engine::Running& running, int exit_status) {
  if (container.record.auto_remove) {
    remove_everything(context, container.record, RemoveVolumes::Anonymous);
    return;
  }
  if (running.cgroup) cgroup::remove_cgroup(*running.cgroup);
  container.record.outcome = state::Outcome{.exit_code = exit_status, .finished_at = std::chrono::system_clock::now()};
  // A forced removal from elsewhere has taken the directory away together with the program.
  if (path_exists(container.directory)) state::save_record(context.paths, container.record);
  remove_tree(context.paths.run_container(container.record.id));
}

}  // namespace

int run(const Context& context, const RunRequest& request, const image::Progress& progress) {
  check_request(request);
  const image::Rootfs rootfs = image::resolve(
      context.paths, {.image = request.image, .search_path = request.image_search_path, .progress = progress});
  UndoStack undo;
  const supervisor::SignalCollector signals;
  Container container = create_container(context, request, rootfs, undo);
  write_cidfile(request, container.record.id, undo);
  const Fd null = request.interactive ? Fd() : open_path("/dev/null", O_RDONLY);
  engine::Pending pending = engine::spawn(container.spec, spawn_options(context, container, request, null));
  // Only what is thrown away at its end may run before its record is on the disk: the documents are then written while
  // the init mounts its file systems.
  if (!request.remove) save_documents(context, container);
  pending.proceed();
  if (request.remove) save_documents(context, container);
  engine::Running running = pending.wait_until_running();
  save_processes(context, container, running);
  undo.commit();
  const WaitStatus status = wait_for_end(running, request, signals);
  log::debug("container {} ended with status {}", container.record.id, status.exit_status());
  finish(context, container, running, status.exit_status());
  return status.exit_status();
}

}  // namespace myct::manager
