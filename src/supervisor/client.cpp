#include "myct/supervisor/client.hpp"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>

#include "forward.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/supervisor/detach_keys.hpp"
#include "raw_terminal.hpp"

namespace myct::supervisor {
namespace {

class Conversation {
 public:
  Conversation(Channel& channel, FdRef init, const SignalCollector& signals, const ClientOptions& options)
      : channel_(channel),
        init_(init),
        signals_(signals),
        options_(options),
        matcher_(options.tty ? options.detach_keys : ""),
        reads_stdin_(options.input == Input::Stdin) {}

  ClientEnd run() {
    // The kernel tells the program of a size only when it differs from the last one.
    if (options_.tty && options_.redraw) send_window_size(/*more=*/1);
    if (options_.tty) send_window_size();
    while (!done_) step();
    return end_;
  }

 private:
  void step() {
    const bool can_read = reads_stdin_ && pending_.empty();
    std::array<pollfd, 3> events{};
    events[0] = {.fd = channel_.fd().get(),
                 .events = static_cast<short>(POLLIN | (pending_.empty() ? 0 : POLLOUT)),
                 .revents = 0};
    events[1] = {.fd = signals_.fd().get(), .events = POLLIN, .revents = 0};
    events[2] = {.fd = can_read ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0};
    if (::poll(events.data(), events.size(), -1) == -1) {
      if (errno == EINTR) return;
      throw_errno("wait for the container");
    }
    while (const std::optional<int> number = next_signal(signals_)) take_signal(*number);
    if ((events[0].revents & POLLOUT) != 0) send_pending();
    if ((events[0].revents & ~POLLOUT) != 0) take_message();
    if (!done_ && events[2].revents != 0) read_stdin();
  }

  void take_signal(int number) {
    if (options_.tty && number == SIGWINCH)
      send_window_size();
    else if (options_.forward_signals)
      forward(number);
    else if (number != SIGWINCH)
      end_by_signal(number);
  }

  /// As docker's client, which has no power over a program that does not end: who insists is let go.
  void forward(int number) {
    constexpr int kMostRequests = 3;
    const bool asks_to_end = number == SIGINT || number == SIGTERM;
    if (!asks_to_end || ++requests_ < kMostRequests) {
      send_signal(init_, number);
      return;
    }
    log::warning("got 3 SIGTERM/SIGINTs, forcefully exiting: the container goes on");
    (void)channel_.try_send(Kind::Detach, {});
    end_ = {.why = Leave::Detached, .exit_status = kExitFailure};
    done_ = true;
  }

  /// Without --sig-proxy a signal means this process.
  void end_by_signal(int number) {
    (void)channel_.try_send(Kind::Detach, {});
    end_ = {.why = Leave::Detached, .exit_status = 128 + number};
    done_ = true;
  }

  /// Closing the conversation tells the supervisor. A shell reports the same of a program that the signal kills.
  void hang_up(int number) {
    end_ = {.why = Leave::HungUp, .exit_status = 128 + number};
    done_ = true;
  }

  void send_window_size(int more = 0) const {
    if (const std::optional<oci::ConsoleSize> size = terminal_size())
      (void)channel_.try_send(Kind::Resize, pack_numbers({size->height + more, size->width + more}));
  }

  void take_message() {
    const std::optional<Message> message = channel_.receive(buffer_, Channel::Wait::No);
    if (!message) {
      if (channel_.at_end()) done_ = true;
      return;
    }
    if (message->kind == Kind::Stdout)
      write_out(STDOUT_FILENO, message->payload);
    else if (message->kind == Kind::Stderr)
      write_out(STDERR_FILENO, message->payload);
    else if (message->kind == Kind::Ended)
      // The end of file follows when it is recorded, and a container with --rm is removed.
      end_ = {.why = Leave::Ended, .exit_status = unpack_numbers(message->payload, 1).front()};
    else
      throw_error(ErrorKind::Internal, "unexpected message {} from the supervisor", static_cast<int>(message->kind));
  }

  void write_out(int fd, std::string_view bytes) {
    try {
      write_all(FdRef(fd), bytes, "standard output");
    } catch (const Error&) {
      hang_up(SIGPIPE);  // nobody reads any more
    }
  }

  void read_stdin() {
    std::array<char, 4096> buffer;
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got > 0) {
      pending_ = matcher_.feed({buffer.data(), static_cast<size_t>(got)});
      send_pending();
      if (matcher_.detached()) {
        (void)channel_.try_send(Kind::Detach, {});
        end_ = {.why = Leave::Detached};
        done_ = true;
      }
    } else if (got == 0 || errno != EINTR) {
      reads_stdin_ = false;
      if (options_.tty) {
        hang_up(SIGHUP);
        return;
      }
      close_after_pending_ = true;
      send_pending();
    }
  }

  void send_pending() {
    if (!pending_.empty()) {
      const Channel::Sent sent = channel_.try_send(Kind::Stdin, pending_);
      if (sent == Channel::Sent::Full) return;
      pending_.clear();
    }
    if (!close_after_pending_) return;
    close_after_pending_ = channel_.try_send(Kind::CloseStdin, {}) == Channel::Sent::Full;
  }

  Channel& channel_;
  FdRef init_;
  const SignalCollector& signals_;
  const ClientOptions& options_;
  DetachMatcher matcher_;
  MessageBuffer buffer_;
  std::string pending_;
  ClientEnd end_;
  int requests_ = 0;  ///< to end
  bool reads_stdin_;
  bool close_after_pending_ = false;
  bool done_ = false;
};

}  // namespace

ClientEnd converse(Channel& channel, FdRef init, const SignalCollector& signals, const ClientOptions& options) {
  std::optional<RawTerminal> raw;
  if (options.tty && options.input == Input::Stdin && ::isatty(STDIN_FILENO) == 1) raw.emplace();
  return Conversation(channel, init, signals, options).run();
}

}  // namespace myct::supervisor
