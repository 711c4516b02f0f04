#include "relay_start.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "background.hpp"
#include "myct/base/error.hpp"
#include "myct/base/process.hpp"
#include "myct/base/syscall.hpp"
#include "myct/cgroup/cgroup.hpp"
#include "myct/network/relay.hpp"
#include "relay_note.hpp"

namespace myct::network {
namespace {

/// A process that is killed ends at once, unless its control group is frozen.
constexpr std::chrono::seconds kPatience{2};

[[noreturn]] void execute_relay(RelayInvocation& invocation, pid_t owner) noexcept {
  // It is of no use to anybody without the owner, and its sockets keep the ports from others.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || ::getppid() != owner) ::_exit(kExitOwnFailure);
  ::setsid();
  execute_anew(std::move(invocation.arguments), invocation.descriptors);
}

}  // namespace

bool is_relayed(const state::PublishedPort& port) noexcept {
  return state::is_ipv6(port) && port.protocol != state::Protocol::Sctp;
}

RelayInvocation invocation_of_relay(const std::string& run_directory, const std::string& container_id,
                                    const Presence& presence, const std::vector<Fd>& ports, const Fd& init) {
  RelayInvocation invocation;
  // The container first: it is what a reader of ps(1) looks for.
  invocation.arguments = {kRelayName, "container=" + container_id, "directory=" + run_directory,
                          fmt::format("init={}", init.get())};
  invocation.descriptors.push_back(init.get());
  for (size_t index = 0; index < ports.size(); ++index) {
    const state::PublishedPort& port = presence.ports[index];
    if (!is_relayed(port)) continue;
    const int socket = ports[index].get();
    invocation.arguments.push_back(
        fmt::format("{}={}:{}", state::protocol_word(port.protocol), socket, port.container_port));
    invocation.descriptors.push_back(socket);
  }
  return invocation;
}

void start_relay(const std::string& run_directory, const Lease& lease, pid_t init) {
  if (std::ranges::none_of(lease.presence.ports, is_relayed)) return;
  const Fd process(sys::pidfd_open(init));
  if (!process.valid()) throw_errno("open the container's init, process {}", init);
  RelayInvocation invocation =
      invocation_of_relay(run_directory, lease.container_id, lease.presence, lease.ports, process);
  const pid_t owner = ::getpid();
  const pid_t relay = cgroup::fork_beside_containers();
  if (relay == -1) throw_errno("start the relay of published ports");
  if (relay == 0) execute_relay(invocation, owner);
  save_relay_note(run_directory, relay, owner, init);
}

void end_relay(const std::string& run_directory) {
  const std::optional<RelayNote> note = load_relay_note(run_directory);
  if (!note || !note->relay) return;
  if (const std::optional<Fd> relay = open_process(*note->relay)) {
    send_signal(relay->ref(), SIGKILL);
    (void)wait_for_exit(relay->ref(), kPatience);
  }
  ::waitpid(note->relay->pid, nullptr, WNOHANG);  // where it is our child
}

}  // namespace myct::network
