// Running one more command in a container that runs.
#include <fcntl.h>
#include <unistd.h>

#include "myct/base/error.hpp"
#include "myct/engine/engine.hpp"
#include "myct/state/events.hpp"
#include "myct/supervisor/foreground.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

constexpr std::string_view kVerb = "exec in";

/// Whether the container's end is why it could not be entered.
bool tells_of_end(const Error& error) { return error.kind() == ErrorKind::NotFound && error.errnum() == 0; }

/// The exit status; nullopt when the user has left the command running.
std::optional<int> wait_for_end(KeptCommand& command, const ExecRequest& request,
                                const supervisor::SignalCollector& signals) {
  const supervisor::Input input = request.interactive ? supervisor::Input::Stdin : supervisor::Input::None;
  if (!request.tty) {
    supervisor::wait_forwarding_signals(command.process(), signals);
    return command.wait();
  }
  const Fd console = supervisor::relay_terminal(command.process(), command.take_console(), input,
                                                request.interactive ? request.detach_keys : std::string(), signals);
  if (!console.valid()) return command.wait();
  command.let_go(console);
  return std::nullopt;
}

engine::Running start(const Context& context, const ContainerSummary& found, FdRef init, const ExecRequest& request,
                      const oci::Spec& spec) {
  const Fd null = open_path("/dev/null", O_RDWR);
  const int input = request.interactive && !request.detach ? STDIN_FILENO : null.get();
  return start_command(
      context, found, init, spec,
      {.lifetime = request.detach ? engine::Lifetime::Independent : engine::Lifetime::TiedToParent,
       .streams = {input, request.detach ? null.get() : STDOUT_FILENO, request.detach ? null.get() : STDERR_FILENO}});
}

}  // namespace

std::optional<int> exec(const Context& context, const std::string& reference, const ExecRequest& request) {
  if (request.tty && request.interactive && !request.detach && ::isatty(STDIN_FILENO) == 0)
    throw Error(ErrorKind::Usage, "the input device is not a TTY", 0, "leave out -t, or run from a terminal")
        .set_exit_status(kExitFailure);
  const ContainerSummary found = find_running(context, reference, kVerb);
  const std::optional<Fd> init = open_process(found.run->init);
  if (!init) throw_ended(reference, kVerb);
  oci::Spec spec = load_spec(context, found.record.id);
  protect_own_executable(found.record.settings, spec);
  const supervisor::SignalCollector signals;
  const auto tell_end = [&](int status) {
    state::append_event(context.paths, found.record, "exec_die", {{"exitCode", std::to_string(status)}});
  };
  std::optional<KeptCommand> command;
  try {
    apply_request(request, *found.run, spec);
    command.emplace([&] { return start(context, found, init->ref(), request, spec); }, Keeping{.on_end = tell_end});
    command->wait_until_started();
  } catch (Error& error) {
    if (error.exit_status() != kExitOwnFailure) throw;
    if (tells_of_end(error) || !is_running(found.run->init)) throw_ended(reference, kVerb);
    // As Docker: whatever keeps a command from being started in a container that runs.
    error.set_exit_status(kExitCannotExecute);
    throw;
  }
  state::append_event(context.paths, found.record, "exec_start", {{"execCommand", request.command.front()}});
  if (request.detach) return 0;
  const std::optional<int> status = wait_for_end(*command, request, signals);
  if (status) tell_end(*status);
  return status;
}

}  // namespace myct::manager
