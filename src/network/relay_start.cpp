#include "relay_start.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "background.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/process.hpp"
#include "myct/base/syscall.hpp"
#include "myct/base/units.hpp"
#include "myct/cgroup/cgroup.hpp"
#include "myct/network/relay.hpp"

namespace myct::network {
namespace {

constexpr const char* kNote = "relay";
/// A process that is killed ends at once, unless its control group is frozen.
constexpr std::chrono::seconds kPatience{2};

/// A command line, and the descriptors that it names.
struct Invocation {
  std::vector<std::string> arguments;
  std::vector<int> descriptors;
};

Invocation invocation_of(const std::string& run_directory, const Lease& lease, const Fd& init) {
  Invocation invocation;
  // The container first: it is what a reader of ps(1) looks for.
  invocation.arguments = {kRelayName, "container=" + lease.container_id, "directory=" + run_directory,
                          fmt::format("init={}", init.get())};
  invocation.descriptors.push_back(init.get());
  for (size_t index = 0; index < lease.ports.size(); ++index) {
    const state::PublishedPort& port = lease.presence.ports[index];
    if (!is_relayed(port)) continue;
    const int socket = lease.ports[index].get();
    invocation.arguments.push_back(
        fmt::format("{}={}:{}", state::protocol_word(port.protocol), socket, port.container_port));
    invocation.descriptors.push_back(socket);
  }
  return invocation;
}

[[noreturn]] void execute_relay(Invocation& invocation, pid_t owner) noexcept {
  // It is of no use to anybody without the owner, and its sockets keep the ports from others.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || ::getppid() != owner) ::_exit(kExitOwnFailure);
  ::setsid();
  execute_anew(std::move(invocation.arguments), invocation.descriptors);
}

/// The run directory does not outlive the boot: two numbers name a process for good.
void note(const std::string& run_directory, pid_t relay) {
  const std::optional<ProcessIdentity> identity = identify(relay);
  if (!identity) throw_error(ErrorKind::Internal, "the relay of published ports is not in /proc");
  const Fd directory = open_path(run_directory, O_RDONLY | O_DIRECTORY);
  save_atomically(directory.ref(), kNote, fmt::format("{} {}\n", identity->pid, identity->start_time),
                  Durability::SurvivesProcessDeath);
}

/// That very process, a zombie included; nullopt when there is none.
std::optional<ProcessIdentity> find_noted(const std::string& run_directory) {
  const std::string text = try_read_file(run_directory + "/" + kNote).value_or("");
  const size_t space = std::min(text.find(' '), text.size());
  const std::optional<uint64_t> pid = parse_unsigned(text.substr(0, space));
  if (!pid || *pid == 0) return std::nullopt;
  std::optional<ProcessIdentity> identity = identify(static_cast<pid_t>(*pid));
  if (!identity || text.substr(space) != fmt::format(" {}\n", identity->start_time)) return std::nullopt;
  return identity;
}

}  // namespace

bool is_relayed(const state::PublishedPort& port) noexcept {
  return state::is_ipv6(port) && port.protocol != state::Protocol::Sctp;
}

void start_relay(const std::string& run_directory, const Lease& lease, pid_t init) {
  if (std::ranges::none_of(lease.presence.ports, is_relayed)) return;
  const Fd process(sys::pidfd_open(init));
  if (!process.valid()) throw_errno("open the container's init, process {}", init);
  Invocation invocation = invocation_of(run_directory, lease, process);
  const pid_t owner = ::getpid();
  const pid_t relay = cgroup::fork_beside_containers();
  if (relay == -1) throw_errno("start the relay of published ports");
  if (relay == 0) execute_relay(invocation, owner);
  note(run_directory, relay);
}

void end_relay(const std::string& run_directory) {
  const std::optional<ProcessIdentity> identity = find_noted(run_directory);
  if (!identity) return;
  if (const std::optional<Fd> relay = open_process(*identity)) {
    send_signal(relay->ref(), SIGKILL);
    (void)wait_for_exit(relay->ref(), kPatience);
  }
  ::waitpid(identity->pid, nullptr, WNOHANG);  // where it is our child
}

}  // namespace myct::network
