// Passing signals on, shared by the two ways of waiting for a container in the foreground.
#pragma once

#include <optional>

#include "myct/supervisor/foreground.hpp"

namespace myct::supervisor {

/// The next collected signal's number, or nullopt when none waits.
[[nodiscard]] std::optional<int> next_signal(const SignalCollector& signals);

/// Passes signals on to a container's process 1. The kernel drops those that it has no handler for, because it is the
/// init of its pid namespace: so the third request to end that can have no effect kills it.
class SignalForwarder {
 public:
  /// `init` is its pidfd.
  explicit SignalForwarder(FdRef init) noexcept : init_(init) {}
  void forward(int number);

 private:
  FdRef init_;
  int ignored_requests_ = 0;
};

}  // namespace myct::supervisor
