// The keeper of a command: a process of ours between the user's myct and the container.
//
//        user's myct                             keeper
//   1          <-- Failed{error} --------------  the command does not run
//              <-- Console (+ the pty) --------  only with a terminal
//              <-- Started (+ its pidfd) ------  it does; the keeper of an independent one is done
//   2   Detach (+ the pty) ------------------->  the user leaves: the keeper reads the pty until the command's end
//   3          <-- Ended{status} --------------  it has ended and is reaped
//   *   end of file -------------------------->  at any point but after Detach: the command is killed, if need be with
//   its group
//
// It is in a session of its own, with all signals that a user may send blocked: what ends the user's myct, or all of
// its process group, leaves it the moment that it needs.
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "myct/base/error.hpp"
#include "myct/base/standard_streams.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

/// Waits for the command's end while nobody looks at what it writes.
int wait_reading_console(ChildProcess& command, Fd console) {
  std::array<pollfd, 2> events = {pollfd{.fd = command.pidfd().get(), .events = POLLIN, .revents = 0},
                                  pollfd{.fd = console.get(), .events = POLLIN, .revents = 0}};
  std::array<char, 16384> unread;
  for (;;) {
    if (::poll(events.data(), events.size(), -1) == -1) {
      if (errno != EINTR) throw_errno("wait for the command");
      continue;
    }
    if (events[0].revents != 0) return command.wait().exit_status();
    const ssize_t got = ::read(console.get(), unread.data(), unread.size());
    // EIO: all have closed the terminal; the command may go on without one.
    if (got == 0 || (got == -1 && errno != EAGAIN && errno != EINTR)) events[1].fd = -1;
  }
}

/// Whoever goes away without a word does not want the command to go on.
void take_farewell(ChildProcess& command, const supervisor::Channel& user, const Keeping& keeping) {
  supervisor::MessageBuffer buffer;
  std::optional<supervisor::Message> message = user.receive(buffer, supervisor::Channel::Wait::Yes);
  if (message && message->kind == supervisor::Kind::Detach && message->fd.valid()) {
    silence_standard_streams();
    keeping.on_end(wait_reading_console(command, std::move(message->fd)));
    return;
  }
  // Not reaped yet, it keeps its number, which is that of its group.
  if (keeping.abandoned == Abandoned::KillGroup) ::kill(-command.pid(), SIGKILL);
  command.signal(SIGKILL);
  (void)command.wait();
}

void wait_for_either_end(ChildProcess& command, const supervisor::Channel& user, const Keeping& keeping) {
  std::array<pollfd, 2> events = {pollfd{.fd = command.pidfd().get(), .events = POLLIN, .revents = 0},
                                  pollfd{.fd = user.fd().get(), .events = POLLIN, .revents = 0}};
  while (::poll(events.data(), events.size(), -1) == -1)
    if (errno != EINTR) throw_errno("wait for the command");
  if (events[0].revents != 0)
    user.send(supervisor::Kind::Ended, supervisor::pack_numbers({command.wait().exit_status()}));
  else
    take_farewell(command, user, keeping);
}

/// Never returns into the user's frames.
[[noreturn]] void keep(const std::function<engine::Running()>& start, const Keeping& keeping,
                       const supervisor::Channel& user) noexcept {
  try {
    if (::setsid() == -1) throw_errno("make a session for the command's keeper");
    ::prctl(PR_SET_NAME, "myct-keeper");
    engine::Running running = start();
    if (running.console.valid()) user.send(supervisor::Kind::Console, {}, running.console.ref());
    running.console.reset();  // the user's alone, or it would not be hung up when the user is gone
    if (running.init.pid() == 0) {
      user.send(supervisor::Kind::Started);
      ::_exit(0);
    }
    user.send(supervisor::Kind::Started, {}, running.init.pidfd());
    wait_for_either_end(running.init, user, keeping);
  } catch (const Error& error) {
    (void)user.try_send(supervisor::Kind::Failed, supervisor::pack_error(error));
  }
  ::_exit(0);
}

}  // namespace

KeptCommand::KeptCommand(const std::function<engine::Running()>& start, const Keeping& keeping) {
  supervisor::ChannelPair pair = supervisor::make_channel();
  keeper_ = ::fork();
  if (keeper_ == -1) throw_errno("make a process that keeps the command");
  if (keeper_ == 0) {
    pair.client.close();  // or it would never see its end
    keep(start, keeping, pair.supervisor);
  }
  pair.supervisor.close();
  channel_ = std::move(pair.client);
}

KeptCommand::~KeptCommand() { end_keeper(); }

void KeptCommand::wait_until_started() {
  supervisor::Message message = receive();
  if (message.kind == supervisor::Kind::Console) {
    console_ = std::move(message.fd);
    message = receive();
  }
  expect(message, supervisor::Kind::Started);
  process_ = std::move(message.fd);
}

void KeptCommand::kill() noexcept {
  if (!process_.valid()) ::kill(keeper_, SIGKILL);
  end_keeper();
}

int KeptCommand::wait() {
  const supervisor::Message message = receive();
  expect(message, supervisor::Kind::Ended);
  return supervisor::unpack_numbers(message.payload, 1).front();
}

void KeptCommand::let_go(const Fd& console) noexcept {
  (void)channel_.try_send(supervisor::Kind::Detach, {}, console.ref());  // gone: so is the command
  keeper_ = 0;
}

supervisor::Message KeptCommand::receive() {
  std::optional<supervisor::Message> message = channel_.receive(buffer_, supervisor::Channel::Wait::Yes);
  if (!message) {
    if (process_.valid()) send_signal(process_.ref(), SIGKILL);  // a privileged one is not killed with its parent
    throw_error(ErrorKind::System, "the process that keeps the command was killed");
  }
  if (message->kind == supervisor::Kind::Failed) throw supervisor::unpack_error(message->payload);
  return std::move(*message);
}

void KeptCommand::expect(const supervisor::Message& message, supervisor::Kind kind) {
  if (message.kind == kind) return;
  throw_error(ErrorKind::Internal, "unexpected message {} from the command's keeper", static_cast<int>(message.kind));
}

void KeptCommand::end_keeper() noexcept {
  channel_.close();
  if (keeper_ == 0) return;
  while (::waitpid(keeper_, nullptr, 0) == -1 && errno == EINTR) {
  }
  keeper_ = 0;
}

}  // namespace myct::manager
