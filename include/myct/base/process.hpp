// Knowing a process for certain, and owning a child.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "myct/base/fd.hpp"

namespace myct {

/// Names one process for good: the number alone is reused by the kernel, the pair with its start time is not
/// within a boot, and boot_id tells boots apart.
struct ProcessIdentity {
  pid_t pid = 0;
  uint64_t start_time = 0;  ///< clock ticks since boot (proc(5), /proc/PID/stat field 22)
  std::string boot_id;      ///< /proc/sys/kernel/random/boot_id

  bool operator==(const ProcessIdentity&) const = default;
};

/// This boot's id; read once per process.
const std::string& boot_id();
/// What OCI's documents call this machine's kind: "amd64", "arm64".
[[nodiscard]] std::string machine_architecture();
/// nullopt when there is no such process any more (a zombie still counts as one).
[[nodiscard]] std::optional<ProcessIdentity> identify(pid_t pid);
/// Whether that very process still runs; a zombie does not.
[[nodiscard]] bool is_running(const ProcessIdentity& identity);
/// A pidfd of that very process, or nullopt when it is gone.
[[nodiscard]] std::optional<Fd> open_process(const ProcessIdentity& identity);

/// Sends a signal by a pidfd; a process that is gone already is fine. Throws Error.
void send_signal(FdRef pidfd, int signal_number);
/// Waits until the process behind `pidfd` has ended; a negative time-out waits for ever. False when the time is up.
[[nodiscard]] bool wait_for_exit(FdRef pidfd, std::chrono::milliseconds timeout);

/// How a process ended, as wait(2) tells it.
struct WaitStatus {
  bool signaled = false;
  int value = 0;  ///< exit status, or the signal's number

  /// The shell's form: the status, or 128 + signal.
  [[nodiscard]] int exit_status() const noexcept { return signaled ? 128 + value : value; }
};

/// Sole owner of a child process: kills and reaps it when destroyed, unless it has been waited for or released.
class ChildProcess {
 public:
  ChildProcess() noexcept = default;
  ChildProcess(pid_t pid, Fd pidfd) noexcept : pid_(pid), pidfd_(std::move(pidfd)) {}
  ChildProcess(ChildProcess&& other) noexcept : pid_(std::exchange(other.pid_, 0)), pidfd_(std::move(other.pidfd_)) {}
  ChildProcess& operator=(ChildProcess&& other) noexcept {
    ChildProcess moved(std::move(other));
    std::swap(pid_, moved.pid_);
    std::swap(pidfd_, moved.pidfd_);
    return *this;
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] FdRef pidfd() const noexcept { return pidfd_.ref(); }
  /// Sends a signal; a child that is gone already is fine. Throws Error.
  void signal(int signal_number) const;
  /// Waits for the end and reaps; throws Error.
  WaitStatus wait();
  /// Gives the child up: nobody kills or reaps it any more.
  void release() noexcept { pid_ = 0; }

 private:
  pid_t pid_ = 0;
  Fd pidfd_;
};

}  // namespace myct
