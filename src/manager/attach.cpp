// Coming back to a container that runs under a supervisor, and waiting for one.
#include <poll.h>
#include <unistd.h>

#include <array>

#include "myct/base/error.hpp"
#include "myct/manager/inspect.hpp"
#include "myct/state/events.hpp"
#include "myct/supervisor/client.hpp"
#include "myct/supervisor/waiters.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

/// What the record says when nobody tells: the end may have come before we asked.
int recorded_status(const Context& context, const std::string& id, const std::string& reference) {
  const std::optional<ContainerSummary> now = summarize(context, id);
  if (!now)
    throw_error(ErrorKind::NotFound, "container '{}' was removed before its exit status could be read", reference);
  return exit_code_of(now->record);
}

/// nullopt: the owner died without a word.
std::optional<int> wait_to_be_told(const supervisor::Waiter& waiter, FdRef owner) {
  std::array<pollfd, 2> events = {pollfd{.fd = waiter.fd().get(), .events = POLLIN, .revents = 0},
                                  pollfd{.fd = owner.get(), .events = POLLIN, .revents = 0}};
  while (::poll(events.data(), events.size(), -1) == -1)
    if (errno != EINTR) throw_errno("wait for the container");
  return waiter.status();
}

}  // namespace

std::optional<int> attach(const Context& context, const std::string& reference, const Attachment& attachment) {
  const ContainerSummary found = find_summary(context, reference);
  if (found.status == state::Status::Paused)
    throw Error(ErrorKind::Conflict, fmt::format("cannot attach to container '{}': it is paused", reference), 0,
                "use 'myct unpause' first");
  if (found.status != state::Status::Running)
    throw Error(ErrorKind::Conflict,
                fmt::format("cannot attach to container '{}': it is {}", reference, state::status_word(found.status)),
                0, "use 'myct start -a' to start it");
  if (!found.run->supervised)
    throw_error(ErrorKind::Unsupported, "cannot attach to container '{}': it runs in another terminal's foreground",
                reference);
  const supervisor::SignalCollector signals;
  std::optional<supervisor::Channel> channel =
      supervisor::connect_to_supervisor(context.paths.run_container(found.record.id));
  const std::optional<Fd> init = open_process(found.run->init);
  if (!channel && init && !is_running(found.run->owner))
    throw_error(ErrorKind::Conflict, "cannot attach to container '{}': its supervisor was killed", reference);
  if (!channel || !init) return recorded_status(context, found.record.id, reference);
  state::append_event(context.paths, found.record, "attach");
  const bool input = attachment.input && found.record.interactive;
  const supervisor::ClientEnd end =
      supervisor::converse(*channel, init->ref(), signals,
                           {.tty = found.record.tty,
                            .input = input ? supervisor::Input::Stdin : supervisor::Input::None,
                            .detach_keys = attachment.detach_keys,
                            // As Docker: with a terminal, keys make the signals.
                            .forward_signals = attachment.forward_signals && !found.record.tty,
                            .redraw = true});
  // Not 0 when a signal ended this process.
  if (end.why == supervisor::Leave::Ended || end.exit_status != 0) return end.exit_status;
  if (end.why == supervisor::Leave::Detached) return std::nullopt;
  if (is_running(found.run->init))
    throw_error(ErrorKind::System, "container '{}' does not wait for who reads so slowly, and went on", reference);
  return recorded_status(context, found.record.id, reference);
}

int wait(const Context& context, const std::string& reference) {
  const ContainerSummary found = find_summary(context, reference);
  const std::string& id = found.record.id;
  if (!found.run) return exit_code_of(found.record);
  std::optional<supervisor::Waiter> waiter = supervisor::Waiter::open(context.paths.run_container(id));
  const std::optional<Fd> owner = open_process(found.run->owner);
  if (waiter && !owner)
    if (const std::optional<Fd> init = open_process(found.run->init))
      // Its supervisor was killed, and it has changed its user, which undoes that it dies with it (prctl(2)).
      (void)wait_for_exit(init->ref(), std::chrono::milliseconds(-1));
  if (!waiter || !owner) return recorded_status(context, id, reference);
  // Only an end that comes after this is sure to be told to us.
  const std::optional<ContainerSummary> now = summarize(context, id);
  if (now && !state::is_active(now->status) && now->record.outcome) return exit_code_of(now->record);
  if (const std::optional<int> status = wait_to_be_told(*waiter, owner->ref())) return *status;
  return recorded_status(context, id, reference);
}

}  // namespace myct::manager
