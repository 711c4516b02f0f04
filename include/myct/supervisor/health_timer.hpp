// When a container's health checks are due, and the process that does one. That is this program executed anew, so that
// what entering a container takes in memory is given back after each check.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "myct/base/fd.hpp"
#include "myct/base/process.hpp"

namespace myct::supervisor {

/// argv[0] of a process that does a health check.
constexpr const char* kHealthName = "myct-health";

/// What such a process exits with; anything else says that it found nothing out.
enum class ProbeExit : uint8_t {
  Passed = 0,
  FailedInStart = 10,  ///< and the container is starting still
  Failed = 11
};
/// nullopt for anything else.
[[nodiscard]] std::optional<ProbeExit> probe_exit_of(const WaitStatus& status) noexcept;

/// Starts such a process with that command line; it dies with this one. nullopt when there is none to be had.
[[nodiscard]] std::optional<ChildProcess> start_health_check(std::vector<std::string> arguments);

/// In milliseconds.
struct HealthTimes {
  int64_t interval = 0;        ///< from one check's end to the next one; 0: there are no checks
  int64_t start_interval = 0;  ///< instead of it in the start period, until the container is healthy
  int64_t start_period = 0;    ///< from the program's start
  bool operator==(const HealthTimes&) const = default;
};

/// How long after a check, or the program's start, the next one is due. Docker's rule. Pure.
[[nodiscard]] std::chrono::milliseconds time_to_next_check(const HealthTimes& times,
                                                           std::chrono::milliseconds since_start, bool is_starting);

class HealthTimer {
 public:
  using Clock = std::chrono::steady_clock;

  /// There are no checks.
  HealthTimer() = default;
  /// Checks of a program that was started at `started`. `arguments` are the command line of the process that does one.
  HealthTimer(const HealthTimes& times, Clock::time_point started, std::vector<std::string> arguments);

  /// For poll(2): a pidfd that is readable when a check is done; -1 while there is none.
  [[nodiscard]] int probe() const noexcept { return probe_ ? probe_->pidfd().get() : -1; }
  /// When the next check is to begin; nullopt while one is done, or if there are none.
  [[nodiscard]] std::optional<Clock::time_point> due() const noexcept { return due_; }
  /// Begins the check that is due, or takes up what one has found that is done. Never waits.
  void step(bool is_probe_done);
  /// Ends the check that is being done, for good.
  void stop() noexcept;

 private:
  void begin();
  void finish();
  void schedule();

  HealthTimes times_;
  Clock::time_point started_;
  std::vector<std::string> arguments_;
  bool is_starting_ = true;
  std::optional<ChildProcess> probe_;
  std::optional<Clock::time_point> due_;
};

}  // namespace myct::supervisor
