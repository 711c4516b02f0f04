// Starting a network's name server where there is none.
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "background.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/process.hpp"
#include "myct/base/syscall.hpp"
#include "myct/cgroup/cgroup.hpp"
#include "name_server_sign.hpp"

namespace myct::network {
namespace {

/// Whether a server lives that serves this; the rules that lead to it may have been taken away.
bool is_served(const NameServer& server, const std::string& description) {
  const std::optional<Sign> sign = find_living(server.directory);
  if (!sign || sign->description != description) return false;
  add_detours(sign->detours);
  return true;
}

[[noreturn]] void execute_server(const NameServer& server, const Fd& ready) noexcept {
  std::vector<std::string> arguments = to_arguments(server);
  arguments.push_back(fmt::format("ready={}", ready.get()));
  execute_anew(std::move(arguments), std::array{ready.get()});
}

/// Under the network's lock. The server is nobody's child: whoever starts it may end long before it, or be a supervisor
/// that waits for its own child only.
void start(const NameServer& server) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) == -1) throw_errno("make a pipe");
  const Fd ours(ends[0]);
  Fd theirs(ends[1]);
  const pid_t pid = cgroup::fork_beside_containers();
  if (pid == -1) throw_errno("start the name server of network '{}'", server.network);
  if (pid == 0) {
    ::setsid();
    const pid_t child = ::fork();
    if (child == 0) execute_server(server, theirs);
    ::_exit(child == -1 ? kExitOwnFailure : 0);
  }
  theirs.reset();
  while (::waitpid(pid, nullptr, 0) == -1 && errno == EINTR) {
  }
  const std::string answer = read_all(ours.ref(), "the name server's answer");
  if (answer == "ready") return;
  throw_error(ErrorKind::System, "start the name server of network '{}': {}", server.network,
              answer.empty() ? "it was killed" : answer);
}

}  // namespace

void end_name_server(const std::string& directory) {
  const std::optional<Sign> sign = find_living(directory);
  if (!sign) return;
  const Fd process(sys::pidfd_open(sign->pid));
  if (!process.valid()) return;
  // It has its lock still: the number was its own when we opened it.
  const std::optional<Sign> again = find_living(directory);
  if (!again || again->pid != sign->pid) return;
  send_signal(process.ref(), SIGKILL);
  (void)wait_for_exit(process.ref(), std::chrono::milliseconds(-1));
  remove_detours(sign->detours);
}

void ensure_name_server(const NameServer& server) {
  const std::string description = describe(server, ::if_nametoindex(server.bridge.c_str()));
  if (is_served(server, description)) return;
  const FileLock lock = FileLock::acquire(lock_path(server));
  if (is_served(server, description)) return;
  end_name_server(server.directory);  // it serves what is not there any more: a network or a bridge that was made anew
  start(server);
}

}  // namespace myct::network
