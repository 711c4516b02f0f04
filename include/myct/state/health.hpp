// How well a container's program is, by what its health checks have found.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "myct/base/units.hpp"
#include "myct/spec/healthcheck.hpp"
#include "myct/state/paths.hpp"

namespace myct::state {

enum class HealthStatus : uint8_t { Starting, Healthy, Unhealthy };
/// "starting", "healthy", "unhealthy"
[[nodiscard]] std::string_view health_word(HealthStatus status) noexcept;

/// What one health check has found.
struct ProbeResult {
  SystemTime start;
  SystemTime end;
  int exit_code = 0;   ///< the command's; -1 where it has none: it could not be run, or took too long
  std::string output;  ///< at most kLongestProbeOutput bytes, and "..." where there was more
};
constexpr size_t kLongestProbeOutput = 4096;

/// containers/<id>/health.json under the runtime directory.
struct Health {
  HealthStatus status = HealthStatus::Starting;
  unsigned failing_streak = 0;
  std::vector<ProbeResult> log;  ///< the last five, oldest first
};

/// Docker's rules: a success makes it healthy; failures in the start period do not count until then; as many others in
/// a row as the check has retries make it unhealthy. Pure.
void count(Health& health, const oci::Healthcheck& check, SystemTime started_at, ProbeResult result);

[[nodiscard]] std::string to_json(const Health& health);
/// Throws Error{Invalid}; `name` is for the message.
[[nodiscard]] Health health_from_json(std::string_view text, std::string_view name);

/// Throws Error. Nothing is written where the run directory is gone.
void save_health(const Paths& paths, std::string_view id, const Health& health);
/// nullopt before the first check of a run. Throws Error.
[[nodiscard]] std::optional<Health> load_health(const Paths& paths, std::string_view id);
/// What an earlier run's checks have found is no more.
void forget_health(const Paths& paths, std::string_view id);

}  // namespace myct::state
