// The options of run and create about health checks.
#pragma once

#include <optional>
#include <string>

#include "command.hpp"
#include "myct/manager/request.hpp"

namespace myct::cli {

/// As CLI11 collects them.
struct HealthFlags {
  std::optional<std::string> command;
  std::optional<std::string> interval;
  std::optional<std::string> timeout;
  std::optional<std::string> retries;
  std::optional<std::string> start_period;
  std::optional<std::string> start_interval;
  bool none = false;
};

void add_health_options(CLI::App& command, HealthFlags& flags);
/// nullopt: as the image has it. Throws Error{Usage}.
[[nodiscard]] std::optional<oci::Healthcheck> parse_healthcheck(const HealthFlags& flags);

}  // namespace myct::cli
