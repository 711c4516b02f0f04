// `myct run`, followed from the request to the exit status.
#include <fcntl.h>
#include <unistd.h>

#include "myct/base/error.hpp"
#include "myct/base/log.hpp"
#include "myct/engine/engine.hpp"
#include "myct/manager/manager.hpp"
#include "myct/state/events.hpp"
#include "myct/supervisor/client.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

/// Refuses before anything is made (docker-run(1), --cidfile and --tty).
void check_request(const RunRequest& request) {
  check_cidfile(request);
  if (request.restart.policy != state::RestartPolicy::No && request.remove)
    throw_error(ErrorKind::Usage, "conflicting options: --restart and --rm");
}

bool has_health_check(const RunRequest& request, const image::Rootfs& rootfs) {
  const std::optional<oci::Healthcheck> check = oci::merge(request.healthcheck, rootfs.config.healthcheck);
  return check && !oci::command_of(*check).empty();
}

/// Only with a process between can a terminal be left and returned to, output be kept, a program be started again, its
/// health be checked, and a program go on when a signal ends myct. All else needs none, and is faster without.
bool needs_supervisor(const RunRequest& request, const image::Rootfs& rootfs, const Attachment& attachment) {
  const bool keeps_output = request.log && request.log->driver != state::LogDriver::Passthrough &&
                            request.log->driver != state::LogDriver::None;
  return request.tty || keeps_output || request.restart.policy != state::RestartPolicy::No ||
         !attachment.forward_signals || has_health_check(request, rootfs);
}

void tell_of_creation(const Context& context, const state::Record& record, UndoStack& undo) {
  state::append_event(context.paths, record, "create");
  undo.push("tell of the creation", [&context, record] { state::append_event(context.paths, record, "destroy"); });
}

/// Everything from the request to a program that runs under its supervisor.
Launched create_and_launch(const Context& context, const RunRequest& request, const image::Rootfs& rootfs,
                           Starter starter, state::Record& record) {
  UndoStack undo;
  Container container = create_container(context, request, rootfs, undo);
  container.starter = starter;
  write_cidfile(request, container.record.id, undo);
  tell_of_creation(context, container.record, undo);
  // Only what is thrown away at its end may run before its record is on the disk: its documents are then written while
  // the init mounts its file systems.
  if (!request.remove) save_documents(context, container);
  Launched launched = launch(context, container, request.remove ? SaveDocuments::Yes : SaveDocuments::No);
  undo.commit();
  record = std::move(container.record);
  return launched;
}

int run_supervised(const Context& context, const RunRequest& request, const image::Rootfs& rootfs,
                   const Attachment& attachment, const supervisor::SignalCollector& signals) {
  state::Record record;
  Launched launched = create_and_launch(context, request, rootfs, Starter::Stays, record);
  return converse_with(launched, record, attachment, signals);
}

/// A foreground container without a terminal gets our own descriptors: no copy loop, whatever the amount of data.
engine::SpawnOptions spawn_options(const Context& context, const Container& container, const RunRequest& request,
                                   const Fd& null) {
  return {.bundle = container.directory,
          .seccomp_cache = context.paths.cache() + "/seccomp",
          .lifetime = engine::Lifetime::TiedToParent,
          .standard_streams = {request.interactive ? STDIN_FILENO : null.get(), STDOUT_FILENO, STDERR_FILENO}};
}

/// This process owns the container, and the container dies with it.
int run_directly(const Context& context, const RunRequest& request, const image::Rootfs& rootfs,
                 const supervisor::SignalCollector& signals) {
  UndoStack undo;
  Container container = create_container(context, request, rootfs, undo);
  const std::string id = container.record.id;
  write_cidfile(request, id, undo);
  tell_of_creation(context, container.record, undo);
  const Fd null = request.interactive ? Fd() : open_path("/dev/null", O_RDONLY);
  const std::optional<network::Lease> lease = reserve_network(context, container);
  engine::Pending pending = engine::spawn(container.spec, spawn_options(context, container, request, null));
  if (lease) connect_network(context, container, *lease, pending);
  if (!request.remove) save_documents(context, container);
  pending.proceed();
  if (request.remove) save_documents(context, container);
  engine::Running running = pending.wait_until_running();
  save_processes(context, id, running, Supervised::No);
  undo.commit();
  container.lock.reset();
  state::append_event(context.paths, container.record, "start");
  supervisor::wait_forwarding_signals(running.init.pidfd(), signals);
  const WaitStatus status = running.init.wait();
  log::debug("container {} ended with status {}", id, status.exit_status());
  conclude(context, record_end(context, id, running.cgroup.value_or(""), {.exit_code = status.exit_status()}));
  return status.exit_status();
}

}  // namespace

int run(const Context& context, const RunRequest& request, const Attachment& attachment,
        const image::Progress& progress) {
  check_request(request);
  if (request.tty && attachment.input && ::isatty(STDIN_FILENO) == 0)
    throw Error(ErrorKind::Usage, "the input device is not a TTY", 0, "leave out -t, or run from a terminal")
        .set_exit_status(kExitFailure);
  const image::Rootfs rootfs = resolve_image(context, request, progress);
  const supervisor::SignalCollector signals;
  if (needs_supervisor(request, rootfs, attachment))
    return run_supervised(context, request, rootfs, attachment, signals);
  return run_directly(context, request, rootfs, signals);
}

std::string run_detached(const Context& context, const RunRequest& request, const image::Progress& progress) {
  check_request(request);
  const image::Rootfs rootfs = resolve_image(context, request, progress);
  state::Record record;
  (void)create_and_launch(context, request, rootfs, Starter::Leaves, record);
  return record.id;
}

}  // namespace myct::manager
