// When to try again: how long to wait, and how often.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "myct/registry/client.hpp"
#include "transfer.hpp"

namespace myct::registry {

/// "120" or "Wed, 21 Oct 2026 07:28:00 GMT" (RFC 9110, 10.2.3), from `now`; nullopt for anything else.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value,
                                                                         std::chrono::system_clock::time_point now);

/// Whether an answer of that status may be another a little later.
[[nodiscard]] bool is_passing(int status) noexcept;

/// The attempts at one thing. Waits double, each shortened by chance so that many clients do not come back at once.
class Backoff {
 public:
  explicit Backoff(const RetryPolicy& policy) : policy_(policy) {}
  /// How long to wait before the next attempt; nullopt when there is none left, or the registry asks for more patience
  /// than the policy has. `most` lowers the number of attempts for what rarely changes.
  [[nodiscard]] std::optional<std::chrono::milliseconds> next(std::optional<std::chrono::milliseconds> asked_for = {},
                                                              int most = 1000);
  /// There was progress: all attempts are to be had again.
  void start_over() noexcept { failures_ = 0; }

 private:
  RetryPolicy policy_;
  int failures_ = 0;
};

}  // namespace myct::registry
