// One more process in a running container.
#include <unistd.h>

#include <algorithm>

#include "create.hpp"
#include "myct/base/error.hpp"
#include "myct/base/own_view.hpp"
#include "myct/engine/engine.hpp"
#include "myct/spec/runtime_state.hpp"
#include "record.hpp"
#include "resources.hpp"

namespace myct::runtime {
namespace {

/// With that capability its programs may open /proc/PID/exe of a process that has not become the command yet.
bool may_open_own_executable(const oci::Spec& spec) {
  if (!spec.process.capabilities) return true;
  return std::ranges::find(spec.process.capabilities->bounding, "CAP_SYS_PTRACE") !=
         spec.process.capabilities->bounding.end();
}

void check_status(const std::string& id, Status status, bool ignore_paused) {
  if (status == Status::Running || (status == Status::Paused && ignore_paused)) return;
  throw Error(ErrorKind::Conflict, fmt::format("cannot exec in container '{}': it is {}", id, status_word(status)), 0,
              status == Status::Paused ? "use resume first, or --ignore-paused" : "");
}

}  // namespace

int exec(const Context& context, const std::string& id, const ExecRequest& request) {
  const Record record = load(context, id);
  check_status(id, status_of(context, record), request.ignore_paused);
  oci::Spec spec = load_spec(context, id);
  if (may_open_own_executable(spec)) run_from_own_view();
  request.change(spec.process);
  if (spec.process.terminal && request.console_socket.empty() && request.detach)
    throw Error(ErrorKind::Invalid, "the process has a terminal and there is nobody to give it to", 0,
                "use --console-socket");
  const std::optional<Fd> init = open_process(record.init);
  if (!init) check_status(id, Status::Stopped, false);
  const supervisor::SignalCollector signals;
  engine::Pending pending =
      engine::enter(spec,
                    {.bundle = record.bundle,
                     .seccomp_cache = seccomp_cache(context),
                     .lifetime = request.detach ? engine::Lifetime::LeftToReaper : engine::Lifetime::TiedToParent,
                     .preserved_descriptors = request.preserved_descriptors,
                     .lasting_state = oci::lasting_state(record.id, record.bundle, record.annotations)},
                    {.init = init->ref(), .cgroup = record.cgroup});
  pending.proceed();
  engine::Running running = pending.wait_until_running();
  if (!request.console_socket.empty()) {
    send_console(request.console_socket, running.console.ref());
    running.console.reset();
  }
  write_pid_file(request.pid_file, running.init.pid());
  if (request.detach) {
    running.init.release();
    return 0;
  }
  return wait_for_end(running, signals);
}

void update(const Context& context, const std::string& id, oci::Resources resources) {
  drop_zeros(resources);
  const FileLock held = lock(context, id);
  const Record record = load(context, id);
  if (const Status status = status_of(context, record); status == Status::Stopped)
    throw_error(ErrorKind::Conflict, "cannot update container '{}': it is {}", id, status_word(status));
  if (record.cgroup.empty())
    throw_error(ErrorKind::Unsupported, "cannot update container '{}': it has no control group", id);
  engine::update(record.cgroup, resources);
}

}  // namespace myct::runtime
