// Starting a container that exists: `myct start`, and what follows a boot.
#include <unistd.h>

#include "myct/base/error.hpp"
#include "myct/base/log.hpp"
#include "myct/manager/inspect.hpp"
#include "myct/supervisor/client.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

/// What a running container and one that is to be started have in common: somebody to talk to.
struct Started {
  state::Record record;
  std::optional<Launched> launched;  ///< nullopt: it ran already
};

/// The container under its lock, whose owner is gone; nullopt when it runs.
std::optional<Container> take_stopped(const Context& context, const std::string& id) {
  for (;;) {
    Container container;
    container.lock = state::lock_container(context.paths, id);
    std::optional<state::Record> record = state::load_record(context.paths, id);
    if (!record || !is_complete(context, id))
      throw Error(ErrorKind::Invalid, fmt::format("container {} was never completed", id.substr(0, 12)), 0,
                  "remove it with 'myct rm -f'");
    const std::optional<state::RunInfo> run = state::load_run_info(context.paths, id);
    const state::KernelView kernel = run ? state::look_at(*run) : state::KernelView{};
    if (state::is_active(state::status_of(*record, run, kernel))) return std::nullopt;
    if (runs_unrecorded(context, *record))  // two programs on one root would spoil it
      throw Error(ErrorKind::Conflict,
                  fmt::format("cannot start container '{}': it runs, and its run directory is gone", record->name), 0,
                  "kill it with 'myct system check --repair', or with 'myct rm -f', which removes it, too");
    if (!run || !kernel.owner_runs) {
      container.record = std::move(*record);
      container.owner = state::own_container(context.paths, id);
      return container;
    }
    // Its program has ended, and its owner is about to write that down, for which it needs the lock.
    container.lock.reset();
    wait_for_owner(*run);
  }
}

/// What an earlier run left in the runtime directory, when its owner was killed.
void forget_last_run(const Context& context, const std::string& id) {
  remove_file(context.paths.run_container(id) + "/run.json");
  remove_file(context.paths.run_container(id) + "/removing");
}

Launched launch_existing(const Context& context, Container& container,
                         const std::optional<oci::ConsoleSize>& console_size) {
  state::Record& record = container.record;
  container.directory = context.paths.container(record.id);
  record.started_at = std::chrono::system_clock::now();
  record.outcome.reset();
  record.restart_count = 0;
  record.stopped_by_user = false;
  forget_last_run(context, record.id);
  try {
    container.spec = load_spec(context, record.id);
    container.spec.process.console_size = console_size;
    if (!joins_container(container.record)) renew_name_files(container);
    state::save_record(context.paths, record);
    return launch(context, container, SaveDocuments::No);
  } catch (Error& error) {
    record.outcome = state::Outcome{
        .exit_code = error.exit_status(), .finished_at = std::chrono::system_clock::now(), .error = error.what()};
    if (record.auto_remove) {
      remove_everything(context, record, RemoveVolumes::Anonymous);
    } else {
      state::save_record(context.paths, record);
      clear_run(context, record.id);
    }
    throw;
  }
}

Started start_container(const Context& context, const std::string& id, Starter starter,
                        const std::optional<oci::ConsoleSize>& console_size) {
  Started started;
  std::optional<Container> container = take_stopped(context, id);
  if (container) {
    container->starter = starter;
    started.launched = launch_existing(context, *container, console_size);
    started.record = std::move(container->record);
  } else if (std::optional<state::Record> record = state::load_record(context.paths, id)) {
    started.record = std::move(*record);
  }
  return started;
}

bool is_restartable(const ContainerSummary& container) {
  const state::Record& record = container.record;
  // What was only created waits for its user.
  if (state::is_active(container.status) || !record.started_at) return false;
  switch (record.restart.policy) {
    case state::RestartPolicy::No:
      return false;
    case state::RestartPolicy::OnFailure:
      return exit_code_of(record) != 0 && !record.stopped_by_user;
    case state::RestartPolicy::UnlessStopped:
      return !record.stopped_by_user;
    case state::RestartPolicy::Always:
      break;
  }
  return true;
}

}  // namespace

void start(const Context& context, const std::string& reference) {
  (void)start_container(context, find_summary(context, reference).record.id, Starter::Leaves, std::nullopt);
}

int start_attached(const Context& context, const std::string& reference, const Attachment& attachment) {
  const ContainerSummary found = find_summary(context, reference);
  if (found.record.tty && attachment.input && ::isatty(STDIN_FILENO) == 0)
    throw Error(ErrorKind::Usage, "the input device is not a TTY", 0, "leave out -i, or start it from a terminal")
        .set_exit_status(kExitFailure);
  const supervisor::SignalCollector signals;
  Started started = start_container(context, found.record.id, Starter::Stays, supervisor::terminal_size());
  if (!started.launched) return attach(context, reference, attachment).value_or(0);
  return converse_with(*started.launched, started.record, attachment, signals);
}

size_t start_restartable(const Context& context) {
  size_t failed = 0;
  for (const ContainerSummary& container : list_containers(context)) {
    if (!is_restartable(container)) continue;
    try {
      (void)start_container(context, container.record.id, Starter::Leaves, std::nullopt);
    } catch (const Error& error) {
      log::warning("container '{}' is not started: {}", container.record.name, error.what());
      ++failed;
    }
  }
  return failed;
}

}  // namespace myct::manager
