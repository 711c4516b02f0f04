// Running one more command in a container that runs.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "myct/base/error.hpp"
#include "myct/engine/engine.hpp"
#include "myct/security/capabilities.hpp"
#include "myct/state/events.hpp"
#include "myct/supervisor/foreground.hpp"
#include "own_view.hpp"
#include "steps.hpp"
#include "user.hpp"

namespace myct::manager {
namespace {

/// A file of the container, which may have put anything in its place: a device that never ends, a terabyte of holes.
std::string read_in(FdRef root, const std::string& path) {
  constexpr off_t kLargest = 16 << 20;
  const std::optional<Fd> file = try_open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  struct stat status {};
  if (!file || ::fstat(file->get(), &status) == -1 || !S_ISREG(status.st_mode)) return {};
  if (status.st_size > kLargest)
    throw_error(ErrorKind::Invalid, "the container's '{}' is larger than {} bytes", path, kLargest);
  std::string text(static_cast<size_t>(status.st_size), '\0');  // and no more, however it grows meanwhile
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t got = ::read(file->get(), text.data() + done, text.size() - done);
    if (got == -1 && errno == EINTR) continue;
    if (got == -1) throw_errno("read the container's '{}'", path);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  text.resize(done);
  return text;
}

/// Whether the container's end is why it could not be entered.
bool tells_of_end(const Error& error) { return error.kind() == ErrorKind::NotFound && error.errnum() == 0; }

[[noreturn]] void throw_ended(const std::string& reference) {
  throw Error(ErrorKind::Conflict, fmt::format("cannot exec in container '{}': it has just ended", reference), 0,
              "use 'myct start' first");
}

/// By the container's own passwd and group, as they are now. The process behind `init` is pinned by its pidfd, so its
/// number still means it if it runs after the root was opened.
ResolvedUser resolve_in_container(const state::RunInfo& run, const std::string& user) {
  const std::optional<Fd> root = try_open_path(fmt::format("/proc/{}/root", run.init.pid), O_PATH | O_DIRECTORY);
  if (!root || !is_running(run.init)) throw_error(ErrorKind::NotFound, "the container has ended");
  return resolve_user(user, read_in(root->ref(), "/etc/passwd"), read_in(root->ref(), "/etc/group"));
}

void set_variable(std::vector<std::string>& env, const std::string& variable) {
  const std::string prefix = variable.substr(0, variable.find('=') + 1);
  std::erase_if(env, [&](const std::string& earlier) { return earlier.starts_with(prefix); });
  env.push_back(variable);
}

/// The container's own process with what the user wants different.
void apply_request(const ExecRequest& request, const state::RunInfo& run, oci::Spec& spec) {
  oci::Process& process = spec.process;
  process.args = request.command;
  process.terminal = request.tty;
  process.console_size = request.tty ? supervisor::terminal_size() : std::nullopt;
  if (request.workdir) process.cwd = *request.workdir;
  if (request.user) {
    const ResolvedUser user = resolve_in_container(run, *request.user);
    process.user = {.uid = user.uid, .gid = user.gid, .umask = process.user.umask, .additional_gids = user.groups};
    set_variable(process.env, "HOME=" + user.home);
  }
  if (request.tty) set_variable(process.env, "TERM=xterm");
  for (const std::string& variable : request.env) set_variable(process.env, variable);
  if (!request.privileged) return;
  process.capabilities = security::oci_capabilities(security::kernel_capabilities());
  process.no_new_privileges = false;
  spec.linux_.seccomp.reset();
}

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

ContainerSummary find_target(const Context& context, const std::string& reference) {
  ContainerSummary found = find_summary(context, reference);
  if (found.status == state::Status::Paused)
    throw Error(ErrorKind::Conflict, fmt::format("cannot exec in container '{}': it is paused", reference), 0,
                "use 'myct unpause' first");
  if (found.status != state::Status::Running)
    throw Error(ErrorKind::Conflict,
                fmt::format("cannot exec in container '{}': it is {}", reference, state::status_word(found.status)), 0,
                found.status == state::Status::Restarting ? "wait until it runs" : "use 'myct start' first");
  return found;
}

/// Whether the container's programs may open /proc/PID/exe of a process that has not become the command yet. Who is
/// privileged has the machine anyhow.
bool may_open_own_executable(const state::Settings& settings, const oci::Spec& spec) {
  if (settings.privileged || !spec.process.capabilities) return false;
  const std::vector<std::string>& names = spec.process.capabilities->bounding;
  return std::ranges::find(names, "CAP_SYS_PTRACE") != names.end();
}

engine::Running start_command(const Context& context, const ContainerSummary& found, FdRef init,
                              const ExecRequest& request, const oci::Spec& spec) {
  const Fd null = open_path("/dev/null", O_RDWR);
  const int input = request.interactive && !request.detach ? STDIN_FILENO : null.get();
  engine::Pending pending =
      engine::enter(spec,
                    {.bundle = context.paths.container(found.record.id),
                     .seccomp_cache = context.paths.cache() + "/seccomp",
                     .lifetime = request.detach ? engine::Lifetime::Independent : engine::Lifetime::TiedToParent,
                     .standard_streams = {input, request.detach ? null.get() : STDOUT_FILENO,
                                          request.detach ? null.get() : STDERR_FILENO}},
                    {.init = init, .cgroup = found.run->cgroup});
  pending.proceed();
  return pending.wait_until_running();
}

}  // namespace

std::optional<int> exec(const Context& context, const std::string& reference, const ExecRequest& request) {
  if (request.tty && request.interactive && !request.detach && ::isatty(STDIN_FILENO) == 0)
    throw Error(ErrorKind::Usage, "the input device is not a TTY", 0, "leave out -t, or run from a terminal")
        .set_exit_status(kExitFailure);
  const ContainerSummary found = find_target(context, reference);
  const std::optional<Fd> init = open_process(found.run->init);
  if (!init) throw_ended(reference);
  oci::Spec spec = load_spec(context, found.record.id);
  if (may_open_own_executable(found.record.settings, spec)) run_from_own_view();
  const supervisor::SignalCollector signals;
  const auto tell_end = [&](int status) {
    state::append_event(context.paths, found.record, "exec_die", {{"exitCode", std::to_string(status)}});
  };
  std::optional<KeptCommand> command;
  try {
    apply_request(request, *found.run, spec);
    command.emplace([&] { return start_command(context, found, init->ref(), request, spec); }, tell_end);
  } catch (Error& error) {
    if (error.exit_status() != kExitOwnFailure) throw;
    if (tells_of_end(error) || !is_running(found.run->init)) throw_ended(reference);
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
