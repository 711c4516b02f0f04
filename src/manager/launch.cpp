// Starting a container under a supervisor: a child of the starting myct, in a session of its own, that starts the
// program, tells the starter, and executes itself anew to be rid of the memory that all this took.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "myct/base/error.hpp"
#include "myct/base/log.hpp"
#include "myct/base/standard_streams.hpp"
#include "myct/base/syscall.hpp"
#include "myct/cgroup/cgroup.hpp"
#include "myct/engine/engine.hpp"
#include "myct/state/events.hpp"
#include "myct/supervisor/log_writer.hpp"
#include "myct/supervisor/server.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

/// Both ends of the program's streams, as far as they are pipes.
struct Pipes {
  supervisor::Streams ours;
  Fd input;
  Fd output;
  Fd error;
};

void make_pipe(Fd& read_end, Fd& write_end) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) == -1) throw_errno("make a pipe");
  read_end = Fd(ends[0]);
  write_end = Fd(ends[1]);
}

/// With a terminal the engine makes the streams; with log driver passthrough the output is the starter's own.
Pipes make_pipes(const state::Record& record) {
  Pipes pipes;
  if (record.tty) return pipes;
  if (record.interactive)
    make_pipe(pipes.input, pipes.ours.input);
  else
    pipes.input = open_path("/dev/null", O_RDONLY);
  if (record.log.driver == state::LogDriver::Passthrough) return pipes;
  make_pipe(pipes.ours.output, pipes.output);
  make_pipe(pipes.ours.error, pipes.error);
  return pipes;
}

int number_or(const Fd& fd, int otherwise) { return fd.valid() ? fd.get() : otherwise; }

engine::SpawnOptions spawn_options(const Context& context, const Container& container, const Pipes& pipes) {
  // Killed with its supervisor: nobody would be left to see its end.
  return {.bundle = container.directory,
          .seccomp_cache = context.paths.cache() + "/seccomp",
          .lifetime = engine::Lifetime::TiedToParent,
          .standard_streams = {number_or(pipes.input, STDIN_FILENO), number_or(pipes.output, STDOUT_FILENO),
                               number_or(pipes.error, STDERR_FILENO)}};
}

int64_t monotonic_milliseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

/// A process that outlives the shell it was started from: not in its session, not in its way.
void leave_the_user() {
  if (::setsid() == -1 && errno != EPERM) throw_errno("make a session for the supervisor");
  if (::chdir("/") == -1) throw_errno("change directory to '/'");
  // What means nothing to it must not take the container with it. XFSZ: a bound of the user's on file sizes cuts the
  // log, not the container.
  for (const int number : {SIGPIPE, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGXFSZ}) ::signal(number, SIG_IGN);
  // A request to end waits until there is a program to pass it on to.
  sigset_t requests;
  ::sigemptyset(&requests);
  for (const int number : supervisor::kRequestsToEnd) ::sigaddset(&requests, number);
  ::sigprocmask(SIG_SETMASK, &requests, nullptr);
}

/// As long as the program does not run: a start whose myct is killed is no start, and leaves nothing that runs. What
/// has closed its end of the conversation died before we asked.
void live_and_die_with_the_starter(const supervisor::Channel& starter) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) == -1) throw_errno("ask to be killed with the starter");
  pollfd conversation{.fd = starter.fd().get(), .events = 0, .revents = 0};
  if (::poll(&conversation, 1, 0) == 1 && (conversation.revents & POLLHUP) != 0) ::_exit(kExitOwnFailure);
}

/// The supervisor's side of the fork. Never returns into the starter's frames.
[[noreturn]] void supervisor_main(const Context& context, Container& container, supervisor::Channel starter) noexcept {
  try {
    leave_the_user();
    live_and_die_with_the_starter(starter);
    supervisor::Handover handover{.root = context.paths.root(),
                                  .runtime_dir = context.paths.runtime_dir(),
                                  .id = container.record.id,
                                  .owner = container.owner->fd().get()};
    start_and_serve(context, container, std::move(starter), std::move(handover));
  } catch (const Error&) {
    // Told to the starter where it could be.
  }
  ::_exit(kExitOwnFailure);
}

}  // namespace

void save_processes(const Context& context, const std::string& id, const engine::Running& running,
                    Supervised supervised) {
  // Still there even if it has ended already: it is our child, and we have not waited for it.
  std::optional<ProcessIdentity> init = identify(running.init.pid());
  std::optional<ProcessIdentity> owner = identify(::getpid());
  if (!init || !owner) throw_error(ErrorKind::Internal, "the processes of container {} are not in /proc", id);
  state::RunInfo run;
  run.init = std::move(*init);
  run.owner = std::move(*owner);
  run.cgroup = running.cgroup.value_or("");
  run.supervised = supervised == Supervised::Yes;
  state::save_run_info(context.paths, id, run);
}

void start_and_serve(const Context& context, Container& container, supervisor::Channel starter,
                     supervisor::Handover handover) {
  const state::Record& record = container.record;
  Pipes pipes;
  engine::Running running;
  Fd listener;
  std::optional<network::Lease> lease;
  try {
    // Refused before anything is made, not when the program runs.
    if (record.log.driver == state::LogDriver::Journald)
      (void)supervisor::open_log(
          {.config = record.log, .directory = container.directory, .id = record.id, .name = record.name});
    state::forget_health(context.paths, record.id);
    pipes = make_pipes(record);
    lease = reserve_network(context, container);
    engine::Pending pending = engine::spawn(container.spec, spawn_options(context, container, pipes));
    if (lease) connect_network(context, container, *lease, pending);
    pending.proceed();
    if (handover.listener < 0) listener = supervisor::listen_for_clients(context.paths.run_container(record.id));
    running = pending.wait_until_running();
    save_processes(context, record.id, running, Supervised::Yes);
    state::append_event(context.paths, record, "start");
    if (::prctl(PR_SET_PDEATHSIG, 0) == -1) throw_errno("live on without the starter");
    if (starter.valid()) {
      container.lock.reset();  // our copy of the starter's: nobody must have to wait for us to come to the exec
      starter.send(supervisor::Kind::Started, {}, running.init.pidfd());
    }
  } catch (const Error& error) {
    if (starter.valid()) (void)starter.try_send(supervisor::Kind::Failed, supervisor::pack_error(error));
    throw;
  }
  silence_standard_streams();
  handover.name = record.name;
  handover.image = record.image;
  handover.init_pid = running.init.pid();
  handover.init = running.init.pidfd().get();
  handover.console = running.console.get();
  handover.input = pipes.ours.input.get();
  handover.output = pipes.ours.output.get();
  handover.error = pipes.ours.error.get();
  if (listener.valid()) handover.listener = listener.get();
  if (container.starter == Starter::Stays) handover.starter = starter.fd().get();
  handover.stop_signal = record.stop_signal;
  handover.stop_seconds = record.stop_seconds;
  handover.cgroup = running.cgroup.value_or("");
  handover.log = record.log;
  handover.health = health_times(record);
  if (lease)
    for (const Fd& port : lease->ports) handover.ports.push_back(port.get());
  handover.started_milliseconds = monotonic_milliseconds();
  supervisor::execute(handover);
}

Launched launch(const Context& context, Container& container, SaveDocuments documents) {
  supervisor::ChannelPair pair = supervisor::make_channel();
  const pid_t pid = cgroup::fork_beside_containers();
  if (pid == -1) throw_errno("make a supervisor");
  if (pid == 0) {
    pair.client.close();
    supervisor_main(context, container, std::move(pair.supervisor));
  }
  pair.supervisor.close();
  container.owner.reset();  // the supervisor's now
  if (documents == SaveDocuments::Yes) save_documents(context, container);
  supervisor::MessageBuffer buffer;
  std::optional<supervisor::Message> message = pair.client.receive(buffer, supervisor::Channel::Wait::Yes);
  if (!message)
    throw_error(ErrorKind::System, "the supervisor of container {} was killed while it started it",
                container.record.id.substr(0, 12));
  if (message->kind == supervisor::Kind::Failed) throw supervisor::unpack_error(message->payload);
  if (message->kind != supervisor::Kind::Started || !message->fd.valid())
    throw_error(ErrorKind::Internal, "unexpected message {} from the supervisor", static_cast<int>(message->kind));
  return {.channel = std::move(pair.client), .init = std::move(message->fd), .supervisor = pid};
}

int converse_with(Launched& launched, const state::Record& record, const Attachment& attachment,
                  const supervisor::SignalCollector& signals) {
  const bool input = attachment.input && record.interactive;
  const supervisor::ClientEnd end =
      supervisor::converse(launched.channel, launched.init.ref(), signals,
                           {.tty = record.tty,
                            .input = input ? supervisor::Input::Stdin : supervisor::Input::None,
                            .detach_keys = attachment.detach_keys,
                            .forward_signals = attachment.forward_signals});
  launched.channel.close();
  const bool ended = end.why == supervisor::Leave::Ended || end.why == supervisor::Leave::Lost;
  // So that nothing of the container is left when we return; under a restart policy the supervisor stays.
  if (ended && record.restart.policy == state::RestartPolicy::No)
    while (::waitpid(launched.supervisor, nullptr, 0) == -1 && errno == EINTR) {
    }
  if (end.why != supervisor::Leave::Lost) return end.exit_status;
  throw Error(ErrorKind::System, fmt::format("the supervisor of container '{}' was killed", record.name), 0,
              "the container was killed with it");
}

}  // namespace myct::manager
