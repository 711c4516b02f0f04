#include "myct/supervisor/server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "myct/base/error.hpp"
#include "myct/base/log.hpp"

namespace myct::supervisor {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// How long the program waits for a client, other than the starter, that takes nothing at all.
constexpr milliseconds kPatience{2000};

void make_nonblocking(const Fd& fd) {
  if (!fd.valid()) return;
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags == -1 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) == -1)
    throw_errno("make a stream of the container non-blocking");
}

Fd collect_requests_to_end() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : kRequestsToEnd) ::sigaddset(&set, number);
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) == -1) throw_errno("block signals");
  Fd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) throw_errno("make a signal descriptor");
  return fd;
}

pollfd interest(const Fd& fd, int events) {
  // poll(2) passes over negative descriptors.
  return {.fd = events != 0 && fd.valid() ? fd.get() : -1, .events = static_cast<short>(events), .revents = 0};
}

}  // namespace

Server::Server(Streams streams, FdRef listener, Channel starter, std::optional<cgroup::OomWatch> oom,
               Callbacks callbacks, HealthTimer health)
    : streams_(std::move(streams)),
      listener_(listener),
      signals_(collect_requests_to_end()),
      oom_(std::move(oom)),
      callbacks_(std::move(callbacks)),
      health_(std::move(health)),
      chunk_(kLongestPayload) {
  for (const Fd* fd : {&streams_.console, &streams_.input, &streams_.output, &streams_.error}) make_nonblocking(*fd);
  if (starter.valid()) clients_.push_back({.channel = std::move(starter), .is_starter = true});
}

WaitStatus Server::run(ChildProcess& init, const Stop& stop) {
  pollfd ended{.fd = init.pidfd().get(), .events = POLLIN, .revents = 0};
  while (::poll(&ended, 1, 0) != 1) step(init, stop);
  health_.stop();
  // Every process of the container is gone: what is in the pipes now is all that will ever be.
  const auto drain = [this](Fd& fd, Stream stream) {
    for (;;) {
      while (!held_.empty()) wait_for_room();
      if (!fd.valid() || !read_stream(fd, stream)) return;
    }
  };
  drain(streams_.console, Stream::Stdout);
  drain(streams_.output, Stream::Stdout);
  drain(streams_.error, Stream::Stderr);
  if (oom_ && oom_->killed()) callbacks_.out_of_memory();
  return init.wait();
}

void Server::step(ChildProcess& init, const Stop& stop) {
  enum Slot : size_t {
    OfInit,
    OfSignals,
    OfListener,
    OfOom,
    OfHealth,
    OfConsole,
    OfOutput,
    OfError,
    OfInput,
    OfClients
  };
  const bool has_input = !pending_input_.empty();
  const bool reads_output = held_.empty();
  std::vector<pollfd> events(OfClients + clients_.size());
  events[OfInit] = {.fd = init.pidfd().get(), .events = POLLIN, .revents = 0};
  events[OfSignals] = interest(signals_, POLLIN);
  events[OfListener] = {.fd = listener_.get(), .events = POLLIN, .revents = 0};
  events[OfOom] = {.fd = oom_ ? oom_->fd().get() : -1, .events = POLLPRI, .revents = 0};
  events[OfHealth] = {.fd = health_.probe(), .events = POLLIN, .revents = 0};
  events[OfConsole] = interest(streams_.console, (reads_output ? POLLIN : 0) | (has_input ? POLLOUT : 0));
  events[OfOutput] = interest(streams_.output, reads_output ? POLLIN : 0);
  events[OfError] = interest(streams_.error, reads_output ? POLLIN : 0);
  events[OfInput] = interest(streams_.input, has_input ? POLLOUT : 0);
  for (size_t index = 0; index < clients_.size(); ++index) {
    const Client& client = clients_[index];
    // A hang-up is told whatever is wanted.
    const int wanted = (has_input ? 0 : POLLIN) | (client.behind ? POLLOUT : 0);
    events[OfClients + index] = {.fd = client.channel.fd().get(), .events = static_cast<short>(wanted), .revents = 0};
  }
  if (::poll(events.data(), events.size(), time_left()) == -1) {
    if (errno == EINTR) return;
    throw_errno("wait for the container");
  }
  if (events[OfSignals].revents != 0) take_signals(&init, stop);
  kill_when_late(init);
  health_.step(events[OfHealth].revents != 0);
  if (events[OfOom].revents != 0 && oom_->killed()) callbacks_.out_of_memory();
  if ((events[OfConsole].revents & POLLOUT) != 0 || events[OfInput].revents != 0) write_input();
  for (size_t index = 0; index < clients_.size(); ++index)
    if ((events[OfClients + index].revents & ~POLLOUT) != 0) read_client(clients_[index]);
  if (!held_.empty()) flush_held();
  if (held_.empty() && (events[OfConsole].revents & ~POLLOUT) != 0) read_stream(streams_.console, Stream::Stdout);
  if (held_.empty() && events[OfOutput].revents != 0) read_stream(streams_.output, Stream::Stdout);
  if (held_.empty() && events[OfError].revents != 0) read_stream(streams_.error, Stream::Stderr);
  std::erase_if(clients_, [](const Client& client) { return !client.channel.valid(); });
  if (events[OfListener].revents != 0) accept_clients();
}

void Server::accept_clients() {
  for (;;) {
    Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket.valid()) return;
    clients_.push_back({.channel = Channel(std::move(socket))});
  }
}

void Server::read_client(Client& client) {
  std::optional<Message> message = client.channel.receive(message_, Channel::Wait::No);
  if (!message) {
    if (client.channel.at_end()) client_gone(client);
    return;
  }
  switch (message->kind) {
    case Kind::Stdin:
      if (!input().valid()) return;        // the program has no input: there is nowhere to put it
      pending_input_ += message->payload;  // somebody else's may wait already
      write_input();
      return;
    case Kind::CloseStdin:
      // As Docker's StdinOnce: the input ends with that of the one who started the program.
      if (!client.is_starter || !streams_.input.valid()) return;
      close_input_ = true;
      write_input();
      return;
    case Kind::Resize: {
      if (!streams_.console.valid()) return;
      constexpr size_t kNumbers = 2;
      if (message->payload.size() != kNumbers * sizeof(int)) return client_gone(client);  // not a client of ours
      const std::vector<int> size = unpack_numbers(message->payload, kNumbers);
      winsize window{.ws_row = static_cast<unsigned short>(size[0]),
                     .ws_col = static_cast<unsigned short>(size[1]),
                     .ws_xpixel = 0,
                     .ws_ypixel = 0};
      ::ioctl(streams_.console.get(), TIOCSWINSZ, &window);  // the kernel tells the program with SIGWINCH
      return;
    }
    case Kind::Detach:
      client.leaves = true;
      return;
    default:
      client_gone(client);  // not a client of ours
  }
}

void Server::client_gone(Client& client) {
  if (client.is_starter) {
    if (!client.leaves && streams_.console.valid()) hang_up();
    if (!client.leaves && streams_.input.valid()) {
      close_input_ = true;
      write_input();
    }
  }
  client.channel.close();
}

void Server::take_signals(ChildProcess* init, const Stop& stop) {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    asked_to_end_ = true;
    if (init == nullptr) continue;
    init->signal(stop.signal);
    if (stop.seconds >= 0 && !kill_at_) kill_at_ = Clock::now() + std::chrono::seconds(stop.seconds);
  }
}

void Server::kill_when_late(ChildProcess& init) {
  if (!kill_at_ || Clock::now() < *kill_at_) return;
  init.signal(SIGKILL);
  kill_at_.reset();
}

/// False when there is nothing more now or ever; then it is closed if ever.
bool Server::read_stream(Fd& fd, Stream stream) {
  const ssize_t got = ::read(fd.get(), chunk_.data(), chunk_.size());
  if (got > 0) {
    const std::string_view bytes(chunk_.data(), static_cast<size_t>(got));
    callbacks_.output(stream, bytes);
    pass_on(stream == Stream::Stdout ? Kind::Stdout : Kind::Stderr, bytes);
    return true;
  }
  // EIO: the last process that had the terminal is gone.
  if (got == 0 || (errno != EAGAIN && errno != EINTR)) fd.reset();
  return false;
}

void Server::pass_on(Kind kind, std::string_view bytes) {
  for (Client& client : clients_) {
    if (!client.channel.valid()) continue;
    const Channel::Sent sent = client.channel.try_send(kind, bytes);
    client.behind = sent == Channel::Sent::Full;
    if (sent == Channel::Sent::Gone) client_gone(client);
    if (!client.behind) continue;
    held_ = bytes;
    held_kind_ = kind;
    held_since_ = Clock::now();
  }
}

/// Passes on what is held to those that have room by now. One that had none for so long reads no more.
void Server::flush_held() {
  const bool is_late = Clock::now() >= held_since_ + kPatience;
  bool waits = false;
  for (Client& client : clients_) {
    if (!client.channel.valid() || !client.behind) continue;
    const Channel::Sent sent = client.channel.try_send(held_kind_, held_);
    client.behind = sent == Channel::Sent::Full;
    if (sent == Channel::Sent::Gone || (client.behind && is_late && !client.is_starter)) client_gone(client);
    waits = waits || (client.behind && client.channel.valid());
  }
  if (!waits) held_.clear();
}

/// As flush_held, but waits until there is room or the patience is at its end.
void Server::wait_for_room() {
  std::vector<pollfd> events;
  for (const Client& client : clients_)
    if (client.behind && client.channel.valid())
      events.push_back({.fd = client.channel.fd().get(), .events = POLLOUT, .revents = 0});
  events.push_back({.fd = signals_.get(), .events = POLLIN, .revents = 0});
  ::poll(events.data(), events.size(), patience_left());
  // Whoever asks us to end does not want to wait for a reader: the rest goes to the log alone.
  if (events.back().revents != 0) take_signals(nullptr, {});
  if (asked_to_end_) send_away_late_clients();
  flush_held();
}

void Server::send_away_late_clients() {
  for (Client& client : clients_)
    if (client.behind) client.channel.close();
}

namespace {

/// For poll(2).
int milliseconds_until(Clock::time_point time) {
  const int64_t count = std::chrono::ceil<milliseconds>(time - Clock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(count, 0, INT32_MAX));
}

}  // namespace

/// Milliseconds for poll(2), until who does not read is sent away.
int Server::patience_left() const {
  const bool is_limited = !held_.empty() && std::ranges::any_of(clients_, [](const Client& client) {
    return client.behind && !client.is_starter && client.channel.valid();
  });
  return is_limited ? milliseconds_until(held_since_ + kPatience) : -1;
}

/// The same, or until a program is killed that does not end, or a health check is due.
int Server::time_left() const {
  int left = patience_left();
  for (const std::optional<Clock::time_point>& time : {kill_at_, health_.due()}) {
    if (!time) continue;
    const int until = milliseconds_until(*time);
    left = left == -1 ? until : std::min(left, until);
  }
  return left;
}

/// The program takes only as much as it reads; the rest waits here, while output goes on being passed on.
void Server::write_input() {
  if (!input().valid()) {
    pending_input_.clear();
    return;
  }
  if (!pending_input_.empty()) {
    const ssize_t written = ::write(input().get(), pending_input_.data(), pending_input_.size());
    if (written > 0)
      pending_input_.erase(0, static_cast<size_t>(written));
    else if (errno != EAGAIN && errno != EINTR)
      pending_input_.clear();  // nobody reads it any more
  }
  if (pending_input_.empty() && close_input_) streams_.input.reset();
}

/// Closing the pty's master hangs up its other side, as a terminal that is closed does: the session's leader gets
/// SIGHUP, and whoever reads gets end of file. A leader that is process 1 may ignore the signal, and would then wait
/// for its foreground job for ever; so the job gets one, too, as it would from a leader that ends.
void Server::hang_up() {
  pid_t foreground = 0;
  if (::ioctl(streams_.console.get(), TIOCGPGRP, &foreground) == 0 && foreground > 1) ::kill(-foreground, SIGHUP);
  streams_.console.reset();
  pending_input_.clear();
}

void Server::tell_end(int exit_status) {
  const std::string status = pack_numbers({exit_status});
  for (Client& client : clients_) {
    if (!client.channel.valid()) continue;
    // The starter waits for it: however late it reads, it must not take our end for a kill.
    const int patience = client.is_starter && !asked_to_end_ ? -1 : static_cast<int>(kPatience.count());
    pollfd room{.fd = client.channel.fd().get(), .events = POLLOUT, .revents = 0};
    while (client.channel.try_send(Kind::Ended, status) == Channel::Sent::Full)
      if (::poll(&room, 1, patience) == 0) break;
  }
}

void Server::close_clients() { clients_.clear(); }

bool Server::pause(std::chrono::milliseconds delay) {
  pollfd signals{.fd = signals_.get(), .events = POLLIN, .revents = 0};
  const auto deadline = std::chrono::steady_clock::now() + delay;
  while (!asked_to_end_) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return true;
    if (::poll(&signals, 1, static_cast<int>(left.count())) == 1) take_signals(nullptr, {});
  }
  return false;
}

}  // namespace myct::supervisor
