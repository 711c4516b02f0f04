#include "myct/supervisor/waiters.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"

namespace myct::supervisor {
namespace {

constexpr std::string_view kPrefix = "wait-";

sockaddr_un address_of(FdRef directory, const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = fmt::format("/proc/self/fd/{}/{}", directory.get(), name);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

Fd make_socket() {
  Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) throw_errno("make a socket");
  return socket;
}

}  // namespace

std::optional<Waiter> Waiter::open(const std::string& run_directory) {
  std::optional<Fd> directory = try_open_path(run_directory, O_PATH | O_DIRECTORY);
  if (!directory) return std::nullopt;
  std::string name = std::string(kPrefix) + random_suffix();
  Fd socket = make_socket();
  const sockaddr_un address = address_of(directory->ref(), name);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == -1) {
    if (errno == ENOENT) return std::nullopt;  // removed in this instant
    throw_errno("make a socket in '{}'", run_directory);
  }
  return Waiter(std::move(*directory), std::move(socket), std::move(name));
}

Waiter::~Waiter() {
  if (directory_.valid()) ::unlinkat(directory_.get(), name_.c_str(), 0);
}

std::optional<int> Waiter::status() const {
  int status = 0;
  if (::recv(socket_.get(), &status, sizeof status, 0) != sizeof status) return std::nullopt;
  return status;
}

void tell_waiters(const std::string& run_directory, int exit_status) {
  const std::optional<Fd> directory = try_open_path(run_directory, O_PATH | O_DIRECTORY);
  if (!directory) return;
  std::optional<Fd> socket;  // made when there is anybody to tell
  for (const std::string& name : list_directory(run_directory, Hidden::LeaveOut)) {
    if (!name.starts_with(kPrefix)) continue;
    if (!socket) socket = make_socket();
    const sockaddr_un address = address_of(directory->ref(), name);
    ::sendto(socket->get(), &exit_status, sizeof exit_status, MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
             sizeof address);
  }
}

}  // namespace myct::supervisor
