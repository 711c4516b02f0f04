// Name servers that have nobody to serve: stopped, or asleep when the last address was given up. And those that were
// killed, and that containers still ask.
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>

#include "addresses.hpp"
#include "attachment.hpp"
#include "leftovers.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/process.hpp"
#include "myct/base/units.hpp"
#include "name_server_sign.hpp"

namespace myct::network {
namespace {

/// Who has lost its last address ends within this time.
constexpr std::chrono::milliseconds kLeaving(200);

struct Server {
  ProcessIdentity process;
  std::string network;
};

/// A container's process may call itself what it likes, but is not in our namespaces.
bool is_beside_us(const std::string& process) {
  for (const char* space : {"pid", "net", "mnt"}) {
    struct stat theirs {};
    struct stat ours {};
    if (::stat(fmt::format("/proc/{}/ns/{}", process, space).c_str(), &theirs) == -1 ||
        ::stat(fmt::format("/proc/self/ns/{}", space).c_str(), &ours) == -1 || theirs.st_ino != ours.st_ino)
      return false;
  }
  return true;
}

/// The network that a process is the name server of, among those with directories in `networks`; nullopt for others.
std::optional<std::string> network_of(const std::string& process, const std::string& networks) {
  std::string line = try_read_file("/proc/" + process + "/cmdline").value_or("");
  if (!line.starts_with(std::string(kNameServerName) + '\0')) return std::nullopt;
  const std::string beginning = std::string(1, '\0') + "directory=" + networks + "/";
  const size_t start = line.find(beginning);
  if (start == std::string::npos || !is_beside_us(process)) return std::nullopt;
  line.erase(0, start + beginning.size());
  return line.substr(0, line.find('\0'));
}

bool has_addresses(const Directories& directories, const std::string& network) {
  return has_claims(directory_of(directories, network));
}

std::vector<Server> list_idle(const Directories& directories) {
  std::vector<Server> idle;
  for (const std::string& name : list_directory("/proc", Hidden::LeaveOut)) {
    const std::optional<uint64_t> pid = parse_unsigned(name);
    if (!pid) continue;
    const std::optional<ProcessIdentity> process = identify(static_cast<pid_t>(*pid));
    const std::optional<std::string> network = process ? network_of(name, directories.networks) : std::nullopt;
    if (network && !has_addresses(directories, *network)) idle.push_back({.process = *process, .network = *network});
  }
  return idle;
}

void end_server(const Directories& directories, const Server& server) {
  const std::string directory = directory_of(directories, server.network);
  std::optional<FileLock> lock;  // whoever comes to need it meanwhile waits for it, and starts another one
  if (path_exists(directory)) lock = FileLock::acquire(directory + "/lock");
  if (has_addresses(directories, server.network)) return;
  const std::optional<Fd> process = open_process(server.process);
  if (!process) return;
  send_signal(process->ref(), SIGKILL);
  (void)wait_for_exit(process->ref(), std::chrono::milliseconds(-1));
}

/// An endpoint on a network whose server was killed: its sign is there, and nobody lives who has it. nullopt where it
/// lives, or somebody is about to start or to end it.
std::optional<Endpoint> find_unserved(const Directories& directories, const std::string& network) {
  const std::string directory = directory_of(directories, network);
  if (!path_exists(directory + "/server") || !has_addresses(directories, network)) return std::nullopt;
  if (!FileLock::try_acquire(directory + "/lock") || has_name_server(directory)) return std::nullopt;
  for (Inhabitant& inhabitant : list_inhabitants(directories.run_containers, network))
    if (knows_names(inhabitant.endpoint)) return std::move(inhabitant.endpoint);
  return std::nullopt;
}

void start_again(const Directories& directories, const std::string& network) {
  if (const std::optional<Endpoint> endpoint = find_unserved(directories, network))
    ensure_name_server(name_server_of(directories, *endpoint));
}

void find_killed_servers(const Directories& directories, std::vector<Leftover>& leftovers) {
  if (!path_exists(directories.networks)) return;
  for (const std::string& network : list_directory(directories.networks, Hidden::LeaveOut))
    if (find_unserved(directories, network))
      leftovers.push_back({fmt::format("name server of network '{}'", network),
                           "it was killed: the network's containers resolve no names", "starts it again",
                           [directories, network] { start_again(directories, network); }});
}

}  // namespace

void find_leftover_servers(const Directories& directories, std::vector<Leftover>& leftovers) {
  for (const Server& server : list_idle(directories)) {
    const std::optional<Fd> process = open_process(server.process);
    if (!process || wait_for_exit(process->ref(), kLeaving) || has_addresses(directories, server.network)) continue;
    leftovers.push_back({fmt::format("name server of network '{}' (process {})", server.network, server.process.pid),
                         "no container is on the network", "kills it",
                         [directories, server] { end_server(directories, server); }});
  }
  find_killed_servers(directories, leftovers);
}

}  // namespace myct::network
