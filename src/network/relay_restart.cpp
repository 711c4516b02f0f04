// Starting a relay again that was killed. The host's ports are its container's still: the owner has the sockets, too,
// and they are taken from there (pidfd_getfd(2)), whoever it is and whatever it waits for.
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "background.hpp"
#include "leftovers.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/base/units.hpp"
#include "myct/cgroup/cgroup.hpp"
#include "published.hpp"
#include "relay_note.hpp"
#include "relay_start.hpp"
#include "socket_address.hpp"

namespace myct::network {
namespace {

constexpr size_t kOtherDescriptors = 100;

bool is_socket_of(const Fd& descriptor, const state::PublishedPort& port) {
  SocketAddress name;
  socklen_t size = SocketAddress::kStorageSize;
  int type = 0;
  socklen_t type_size = sizeof type;
  const std::optional<SocketAddress> wanted = SocketAddress::parse(port.host_address, port.host_port);
  return wanted && ::getsockname(descriptor.get(), name.storage(), &size) == 0 && name.family() == AF_INET6 &&
         ::getsockopt(descriptor.get(), SOL_SOCKET, SO_TYPE, &type, &type_size) == 0 &&
         type == (port.protocol == state::Protocol::Tcp ? SOCK_STREAM : SOCK_DGRAM) && name.port() == port.host_port &&
         name.has_same_address(*wanted);
}

/// The owner's sockets at those of the ports that are relayed, in the order of all.
std::vector<Fd> take_sockets(const Fd& owner, pid_t pid, const std::vector<state::PublishedPort>& ports) {
  std::vector<Fd> sockets(ports.size());
  allow_descriptors(kOtherDescriptors + ports.size());
  for (const std::string& number : list_directory(fmt::format("/proc/{}/fd", pid), Hidden::LeaveOut)) {
    Fd taken(static_cast<int>(::syscall(SYS_pidfd_getfd, owner.get(), parse_unsigned(number).value_or(0), 0)));
    if (!taken.valid() && errno != EBADF) throw_errno("take a socket over from process {}", pid);
    const auto port = std::ranges::find_if(
        ports, [&](const state::PublishedPort& each) { return is_relayed(each) && is_socket_of(taken, each); });
    if (port != ports.end()) sockets[static_cast<size_t>(port - ports.begin())] = std::move(taken);
  }
  for (size_t index = 0; index < ports.size(); ++index)
    if (is_relayed(ports[index]) && !sockets[index].valid())
      throw_error(ErrorKind::NotFound, "process {}, which has published port {}:{}, has no socket there", pid,
                  state::address_text(ports[index]), ports[index].host_port);
  return sockets;
}

/// Whoever starts it may end long before it, or wait for its own child only. Returns when it is noted.
void start_as_nobodys_child(RelayInvocation& invocation, const std::string& run_directory, pid_t owner, pid_t init) {
  const pid_t between = cgroup::fork_beside_containers();
  if (between == -1) throw_errno("start the relay of published ports");
  if (between == 0) {
    ::setsid();
    const pid_t relay = ::fork();
    if (relay == 0) execute_anew(std::move(invocation.arguments), invocation.descriptors);
    if (relay == -1) ::_exit(kExitOwnFailure);
    try {
      save_relay_note(run_directory, relay, owner, init);
    } catch (const Error&) {
      ::kill(relay, SIGKILL);
      ::_exit(kExitOwnFailure);
    }
    ::_exit(0);
  }
  int status = 0;
  while (::waitpid(between, &status, 0) == -1 && errno == EINTR) {
  }
  if (status != 0) throw_error(ErrorKind::System, "start the relay of published ports: its starter failed");
}

/// A container and the few whose ids follow its own: ids are random, so that each new container has other ones.
std::vector<std::string> neighbours_of(const Directories& directories, const std::string& container_id) {
  constexpr size_t kMost = 4;
  std::vector<std::string> ids = list_directory(directories.run_containers, Hidden::LeaveOut);
  std::ranges::sort(ids);
  std::rotate(ids.begin(), std::lower_bound(ids.begin(), ids.end(), container_id), ids.end());
  ids.resize(std::min(ids.size(), kMost));
  return ids;
}

}  // namespace

bool has_lost_relay(const std::string& run_directory) {
  const std::optional<RelayNote> note = load_relay_note(run_directory);
  const auto runs = [](const std::optional<ProcessIdentity>& process) { return process && is_running(*process); };
  return note && !runs(note->relay) && runs(note->owner) && runs(note->init);
}

void restart_relay(const Directories& directories, const std::string& container_id) {
  const std::string run_directory = directories.run_containers + "/" + container_id;
  const FileLock lock = FileLock::acquire(rules_lock(directories));  // whoever gives the ports back has it, too
  const std::optional<Presence> presence = load_presence(run_directory);
  if (!presence || !has_lost_relay(run_directory)) return;
  const std::optional<RelayNote> note = load_relay_note(run_directory);
  const std::optional<Fd> owner = open_process(*note->owner);
  const std::optional<Fd> init = open_process(*note->init);
  if (!owner || !init) return;
  const std::vector<Fd> ports = take_sockets(*owner, note->owner->pid, presence->ports);
  RelayInvocation invocation = invocation_of_relay(run_directory, container_id, *presence, ports, *init);
  invocation.arguments.push_back(fmt::format("owner={}", owner->get()));
  invocation.descriptors.push_back(owner->get());
  log::info("start the relay of container {} again", short_id(container_id));
  start_as_nobodys_child(invocation, run_directory, note->owner->pid, note->init->pid);
}

void restart_lost_relays(const Directories& directories, const std::string& container_id) {
  for (const std::string& id : neighbours_of(directories, container_id)) {
    try {
      if (has_lost_relay(directories.run_containers + "/" + id)) restart_relay(directories, id);
    } catch (const Error& error) {
      log::warning("the relay of container {}, which was killed, is not started again: {}", short_id(id), error.what());
    }
  }
}

void find_leftover_relays(const Directories& directories, std::vector<Leftover>& leftovers) {
  for (const std::string& id : list_directory(directories.run_containers, Hidden::LeaveOut))
    if (has_lost_relay(directories.run_containers + "/" + id))
      leftovers.push_back({fmt::format("relay of container {}", short_id(id)),
                           "it was killed: what is published at IPv6 addresses is not answered", "starts it again",
                           [directories, id] { restart_relay(directories, id); }});
}

}  // namespace myct::network
