// A relay from its command line to its end.
#include "myct/network/relay.hpp"

#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <string_view>

#include "background.hpp"
#include "datagram_relay.hpp"
#include "myct/base/error.hpp"
#include "myct/base/units.hpp"
#include "myct/network/network.hpp"
#include "poller.hpp"
#include "stream_relay.hpp"

namespace myct::network {
namespace {

enum Kind : uint8_t { kProcess, kListener, kClient, kServer, kDoor, kSession };

/// A socket of the host's, and where it leads to.
struct Opening {
  Fd socket;
  uint16_t container_port = 0;
  bool is_stream = false;
};

struct Task {
  std::string run_directory;
  Fd init;   ///< the pidfd of the container's
  Fd owner;  ///< the container's owner, of one that is not its child; or invalid
  std::vector<Opening> openings;
};

Fd adopt(std::string_view number) {
  const std::optional<uint64_t> parsed = parse_unsigned(number);
  Fd fd(parsed ? static_cast<int>(*parsed) : -1);
  if (::fcntl(fd.get(), F_SETFD, FD_CLOEXEC) == -1) throw_errno("take over descriptor '{}'", number);
  return fd;
}

/// "7:80": a descriptor and the container's port.
Opening opening_from_text(std::string_view text, bool is_stream) {
  const size_t colon = std::min(text.find(':'), text.size());
  const std::optional<uint64_t> port = parse_unsigned(text.substr(std::min(colon + 1, text.size())));
  if (!port) throw_error(ErrorKind::Usage, "not a relay's command line: '{}'", text);
  return {
      .socket = adopt(text.substr(0, colon)), .container_port = static_cast<uint16_t>(*port), .is_stream = is_stream};
}

Task task_from_arguments(int argc, char** argv) {
  Task task;
  for (int index = 1; index < argc; ++index) {
    const auto [key, value] = split_argument(argv[index]);
    if (key == "directory") task.run_directory = value;
    if (key == "init") task.init = adopt(value);
    if (key == "owner") task.owner = adopt(value);
    if (key == "tcp" || key == "udp") task.openings.push_back(opening_from_text(value, key == "tcp"));
  }
  if (task.run_directory.empty() || !task.init.valid()) throw_error(ErrorKind::Usage, "not a relay's command line");
  return task;
}

/// Asked for each client: a container may come to and leave networks while it runs.
std::optional<SocketAddress> find_target(const std::string& run_directory, uint16_t port) {
  const std::optional<Presence> presence = load_presence(run_directory);
  const Endpoint* const by = presence ? presence->publishing() : nullptr;
  return by == nullptr ? std::nullopt : SocketAddress::parse(by->address, port);
}

/// The shorter one; -1 is for ever.
int earlier(int one, int other) { return one == -1 || other == -1 ? std::max(one, other) : std::min(one, other); }

/// Returns when the container's init or its owner has ended.
void relay(Task& task) {
  Poller poller;
  for (const Fd* process : {&task.init, &task.owner})
    if (process->valid()) poller.add(process->ref(), EPOLLIN, {.kind = kProcess});
  const FindTarget find = [&](uint16_t port) { return find_target(task.run_directory, port); };
  StreamRelay streams(poller, {.listener = kListener, .client = kClient, .server = kServer}, find);
  DatagramRelay datagrams(poller, {.door = kDoor, .session = kSession}, find);
  for (Opening& opening : task.openings) {
    if (opening.is_stream)
      streams.add(std::move(opening.socket), opening.container_port);
    else
      datagrams.add(std::move(opening.socket), opening.container_port);
  }
  for (;;) {
    for (const Event& event : poller.wait(earlier(streams.milliseconds_to_wait(), datagrams.milliseconds_to_wait()))) {
      if (event.tag.kind == kProcess) return;
      if (event.tag.kind == kDoor || event.tag.kind == kSession)
        datagrams.handle(event);
      else
        streams.handle(event);
    }
    streams.go_on();
    datagrams.expire();
  }
}

}  // namespace

int relay_ports(int argc, char** argv) noexcept {
  try {
    Task task = task_from_arguments(argc, argv);
    leave_the_user(kRelayName);
    // Whoever ends the container in order, as systemd does at shutdown, needs it to the end.
    for (const int number : {SIGTERM, SIGINT, SIGQUIT}) ::signal(number, SIG_IGN);
    drop_privileges(0);
    relay(task);
    return 0;
  } catch (const std::exception&) {
    return kExitOwnFailure;  // nobody is there to be told
  }
}

}  // namespace myct::network
