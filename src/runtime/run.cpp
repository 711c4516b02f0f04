// A container in the foreground, from its making to its end.
#include <unistd.h>

#include "create.hpp"
#include "myct/base/error.hpp"
#include "record.hpp"

namespace myct::runtime {
namespace {

/// Ends and removes a container unless that has been done, whatever goes wrong.
class Owned {
 public:
  Owned(const Context& context, Created& created) : context_(context), created_(created) {}
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() {
    if (released_) return;
    try {
      { const ChildProcess killed = std::move(created_.running.init); }
      remove_stopped(context_, created_.record, created_.hooks);
    } catch (const Error&) {
      // The failure that brought us here is what is told.
    }
  }
  void release() noexcept { released_ = true; }

 private:
  const Context& context_;
  Created& created_;
  bool released_ = false;
};

}  // namespace

int wait_for_end(engine::Running& running, const supervisor::SignalCollector& signals) {
  const FdRef process = running.init.pidfd();
  if (running.console.valid())
    (void)supervisor::relay_terminal(process, std::move(running.console), supervisor::Input::Stdin, "", signals);
  else
    supervisor::wait_forwarding_signals(process, signals);
  return running.init.wait().exit_status();
}

int run(const Context& context, const RunRequest& request) {
  const supervisor::SignalCollector signals;
  CreateRequest creation = request.create;
  // In the foreground the terminal is this process's own.
  creation.own_console = !request.detach && creation.console_socket.empty();
  Created created = make(context, creation);
  Owned owned(context, created);
  start_created(context, created.record, created.hooks);
  if (request.detach) {
    created.running.init.release();
    owned.release();
    return 0;
  }
  // Others may signal it, look at it and execute something in it meanwhile.
  { const FileLock let_go = std::move(created.lock); }
  const int status = wait_for_end(created.running, signals);
  owned.release();
  if (!request.keep) {
    const FileLock held = lock(context, created.record.id);
    remove_stopped(context, created.record, created.hooks);
  }
  return status;
}

}  // namespace myct::runtime
