// A command's way into a container that runs: what exec and health checks have in common.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "myct/base/error.hpp"
#include "myct/base/own_view.hpp"
#include "myct/engine/engine.hpp"
#include "myct/security/capabilities.hpp"
#include "myct/supervisor/foreground.hpp"
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

/// Whether the container's programs may open /proc/PID/exe of a process that has not become the command yet. Who is
/// privileged has the machine anyhow.
bool may_open_own_executable(const state::Settings& settings, const oci::Spec& spec) {
  if (settings.privileged || !spec.process.capabilities) return false;
  const std::vector<std::string>& names = spec.process.capabilities->bounding;
  return std::ranges::find(names, "CAP_SYS_PTRACE") != names.end();
}

}  // namespace

ContainerSummary find_running(const Context& context, const std::string& reference, std::string_view verb) {
  ContainerSummary found = find_summary(context, reference);
  if (found.status == state::Status::Paused)
    throw Error(ErrorKind::Conflict, fmt::format("cannot {} container '{}': it is paused", verb, reference), 0,
                "use 'myct unpause' first");
  if (found.status != state::Status::Running)
    throw Error(ErrorKind::Conflict,
                fmt::format("cannot {} container '{}': it is {}", verb, reference, state::status_word(found.status)), 0,
                found.status == state::Status::Restarting ? "wait until it runs" : "use 'myct start' first");
  return found;
}

void throw_ended(const std::string& reference, std::string_view verb) {
  throw Error(ErrorKind::Conflict, fmt::format("cannot {} container '{}': it has just ended", verb, reference), 0,
              "use 'myct start' first");
}

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

void protect_own_executable(const state::Settings& settings, const oci::Spec& spec) {
  if (may_open_own_executable(settings, spec)) run_from_own_view();
}

engine::Running start_command(const Context& context, const ContainerSummary& container, FdRef init,
                              const oci::Spec& spec, const CommandOptions& options) {
  const auto& [input, output, error] = options.streams;
  engine::Pending pending = engine::enter(spec,
                                          {.bundle = context.paths.container(container.record.id),
                                           .seccomp_cache = context.paths.cache() + "/seccomp",
                                           .lifetime = options.lifetime,
                                           .standard_streams = {input, output, error}},
                                          {.init = init, .cgroup = container.run->cgroup});
  pending.proceed();
  return pending.wait_until_running();
}

}  // namespace myct::manager
