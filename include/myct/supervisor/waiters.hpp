// Who waits for the end of a container, and how they are told. A waiter binds a datagram socket in the container's run
// directory; whoever sees the end sends the exit status to each that is there, when it is recorded and before a
// container is removed: so that the status reaches a waiter even when nothing of the container is left.
#pragma once

#include <optional>
#include <string>

#include "myct/base/fd.hpp"

namespace myct::supervisor {

/// A waiter's socket; its name is removed with it.
class Waiter {
 public:
  /// nullopt when the run directory is not there. Throws Error.
  [[nodiscard]] static std::optional<Waiter> open(const std::string& run_directory);
  Waiter(Waiter&&) noexcept = default;
  Waiter& operator=(Waiter&&) = delete;
  ~Waiter();

  [[nodiscard]] FdRef fd() const noexcept { return socket_.ref(); }
  /// The exit status, if it has been told.
  [[nodiscard]] std::optional<int> status() const;

 private:
  Waiter(Fd directory, Fd socket, std::string name)
      : directory_(std::move(directory)), socket_(std::move(socket)), name_(std::move(name)) {}
  Fd directory_;
  Fd socket_;
  std::string name_;
};

/// Tells all waiters. One that is gone is no error.
void tell_waiters(const std::string& run_directory, int exit_status);

}  // namespace myct::supervisor
