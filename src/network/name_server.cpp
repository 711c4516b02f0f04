// A network's name server, from its command line to its end. See name_server_sign.hpp for how it begins and ends.
#include "myct/network/name_server.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "background.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/units.hpp"
#include "name_server_sign.hpp"
#include "name_service.hpp"

namespace myct::network {
namespace {

struct Task {
  NameServer server;
  Fd ready;  ///< where the starter waits
};

Task task_from_arguments(int argc, char** argv) {
  Task task;
  NameServer& server = task.server;
  for (int index = 1; index < argc; ++index) {
    const auto [key, value] = split_argument(argv[index]);
    if (key == "network") server.network = value;
    if (key == "bridge") server.bridge = value;
    if (key == "directory") server.directory = value;
    if (key == "containers") server.run_containers = value;
    if (key == "gateway") server.gateways.emplace_back(value);
    if (key == "subnet") server.subnets.emplace_back(value);
    if (key == "forwarding") server.forwarding = value == "no" ? Forwarding::No : Forwarding::Yes;
    if (key == "ready") task.ready = Fd(static_cast<int>(parse_unsigned(value).value_or(0)));
  }
  if (server.directory.empty() || server.gateways.empty() || !task.ready.valid())
    throw_error(ErrorKind::Usage, "not a name server's command line");
  return task;
}

/// A socket for each question under way.
constexpr size_t kDescriptors = 4096;

/// CAP_NET_ADMIN stays where an element of the firewall has to be taken away at the end.
uint32_t capabilities_to_leave(const Sign& sign) { return sign.detours.empty() ? 0 : 1U << CAP_NET_ADMIN; }

bool has_addresses(const NameServer& server) {
  const Directory stream(::opendir((server.directory + "/addresses").c_str()));
  if (!stream) return false;
  while (const dirent* entry = ::readdir(stream.get()))
    if (entry->d_name[0] != '.') return true;
  return false;
}

Fd watch_addresses(const NameServer& server) {
  Fd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!watch.valid()) throw_errno("make an inotify descriptor");
  const std::string path = server.directory + "/addresses";
  const uint32_t what = IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_ONLYDIR;
  if (::inotify_add_watch(watch.get(), path.c_str(), what) == -1) throw_errno("watch '{}'", path);
  return watch;
}

void drain(const Fd& watch) {
  std::array<char, 4096> events{};
  while (::read(watch.get(), events.data(), events.size()) > 0) {
  }
}

/// The lock of the network when the end has come, which is held to it; nullopt to go on.
std::optional<FileLock> try_leave(const NameServer& server, const Sign& sign) {
  FileLock lock = FileLock::acquire(lock_path(server));
  const std::string path = sign_path(server);
  const std::string aside = path + ".leaving";  // the same file with its lock, to be put back
  if (::rename(path.c_str(), aside.c_str()) == -1) throw_errno("rename '{}'", path);
  if (has_addresses(server)) {
    if (::rename(aside.c_str(), path.c_str()) == -1) throw_errno("rename '{}'", aside);
    return std::nullopt;
  }
  remove_detours(sign.detours);
  remove_file(aside);
  return lock;
}

std::vector<Detour> detours_of(const std::vector<Listener>& listeners) {
  constexpr uint16_t kPort = 53;
  std::vector<Detour> detours;
  for (const Listener& listener : listeners)
    if (listener.address.port() != kPort)
      detours.push_back({.address = listener.address.text(), .port = listener.address.port()});
  return detours;
}

/// One that was killed needs no answer; its address goes with what else it has left.
void answer_starter(Task& task, std::string_view text) {
  if (task.ready.valid()) [[maybe_unused]]
    const ssize_t told = ::write(task.ready.get(), text.data(), text.size());
  task.ready.reset();
}

/// With the lock on the sign of life.
void serve_with_sign(Task& task, const FileLock& life) {
  const NameServer& server = task.server;
  remove_file(sign_path(server) + ".leaving");  // of one that was killed as it left
  std::optional<FileLock> lock;                 // outlives the sockets: who waits for it wants our port
  Sign sign{.pid = ::getpid(), .description = describe(server, ::if_nametoindex(server.bridge.c_str())), .detours = {}};
  std::vector<Listener> listeners = listen_for_questions(server);
  sign.detours = detours_of(listeners);
  add_detours(sign.detours);
  NameService service(server, std::move(listeners));
  const Fd watch = watch_addresses(server);
  if (::ftruncate(life.fd().get(), 0) == -1) throw_errno("write '{}'", sign_path(server));
  write_all(life.fd(), to_text(sign), sign_path(server));
  drop_privileges(capabilities_to_leave(sign));
  answer_starter(task, "ready");
  const auto try_to_end = [&] {
    if (has_addresses(server)) return false;
    lock = try_leave(server, sign);
    return lock.has_value();
  };
  // The starter may have been killed, and its address given up before it was watched.
  if (try_to_end()) return;
  service.run(watch.ref(), [&] {
    drain(watch);
    return try_to_end();
  });
}

void serve(Task& task) {
  allow_descriptors(kDescriptors);
  const FileLock life = FileLock::acquire(sign_path(task.server));
  try {
    serve_with_sign(task, life);
  } catch (const Error&) {
    remove_file(sign_path(task.server));
    throw;
  }
}

}  // namespace

int serve_names(int argc, char** argv) noexcept {
  Task task;
  try {
    task = task_from_arguments(argc, argv);
    if (::fcntl(task.ready.get(), F_SETFD, FD_CLOEXEC) == -1) throw_errno("keep the starter's pipe");
    leave_the_user(kNameServerName);
    serve(task);
    return 0;
  } catch (const std::exception& error) {
    // Later on nobody is there to be told, and the next start of a container starts another server.
    answer_starter(task, error.what());
    return kExitOwnFailure;
  }
}

}  // namespace myct::network
