// Standing between a user's terminal or pipes and a container that runs in the foreground.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "myct/base/fd.hpp"
#include "myct/base/process.hpp"
#include "myct/spec/runtime_spec.hpp"

namespace myct::supervisor {

/// Takes the signals that a user may send to this process, from its making on, so that none is lost while a
/// container is being made; they wait in a signalfd(2). Restores the mask when destroyed.
class SignalCollector {
 public:
  SignalCollector();
  SignalCollector(const SignalCollector&) = delete;
  SignalCollector& operator=(const SignalCollector&) = delete;
  ~SignalCollector();

  [[nodiscard]] FdRef fd() const noexcept { return fd_.ref(); }

 private:
  Fd fd_;
};

/// The size of the terminal that stdin, stdout or stderr is, if one of them is one.
[[nodiscard]] std::optional<oci::ConsoleSize> terminal_size();

/// Waits for the end of the process behind a pidfd, which has no terminal of ours; passes every collected signal on to
/// it. Reaps nothing. Throws Error.
void wait_forwarding_signals(FdRef process, const SignalCollector& signals);

enum class Input : uint8_t { None, Stdin };

/// Copies between this process's terminal and the container's pty until the process ends, in raw mode when stdin takes
/// part; follows window-size changes and passes other signals on. The terminal's mode is restored at the
/// end, on every error, and even when this process is killed. When the user's side goes away, the container's side is
/// hung up. Returns the console when the user leaves by the keys (their bytes, see detach_keys.hpp): the process goes
/// on, and somebody has to read what it writes; not valid after its end. Throws Error.
[[nodiscard]] Fd relay_terminal(FdRef process, Fd console, Input input, const std::string& detach_keys,
                                const SignalCollector& signals);

}  // namespace myct::supervisor
