#include "health_options.hpp"

#include <array>

#include "flags.hpp"
#include "myct/base/error.hpp"
#include "myct/base/when.hpp"

namespace myct::cli {
namespace {

using Text = std::optional<std::string> HealthFlags::*;

/// One of the times; declared, looked for and parsed by the same table.
struct TimeOption {
  const char* name;
  Text text;
  std::chrono::nanoseconds oci::Healthcheck::*target;
  const char* help;
};
constexpr std::array kTimes = {
    TimeOption{"--health-interval", &HealthFlags::interval, &oci::Healthcheck::interval,
               "From the end of one health check to the next (30s)"},
    TimeOption{"--health-timeout", &HealthFlags::timeout, &oci::Healthcheck::timeout,
               "How long a health check may take before it is killed, and has failed (30s)"},
    TimeOption{"--health-start-period", &HealthFlags::start_period, &oci::Healthcheck::start_period,
               "How long after the start failures do not count (0s)"},
    TimeOption{"--health-start-interval", &HealthFlags::start_interval, &oci::Healthcheck::start_interval,
               "The interval in the start period, until the container is healthy (5s)"},
};

void add_text(CLI::App& command, const char* name, std::optional<std::string>& target, const char* help,
              const char* type_name) {
  command.add_option(name, target, help)->type_name(type_name)->take_last();
}

bool has_settings(const HealthFlags& flags) {
  return flags.command || flags.interval || flags.timeout || flags.retries || flags.start_period ||
         flags.start_interval;
}

}  // namespace

std::chrono::nanoseconds parse_health_time(const std::string& text, std::string_view option) {
  constexpr std::chrono::nanoseconds kLeast = oci::kLeastHealthTime;
  const std::optional<std::chrono::nanoseconds> time = parse_duration(text);
  if (!time)
    throw_error(ErrorKind::Usage, "invalid value '{}' for '{}': give a time such as 1m30s or 500ms", text, option);
  if (time->count() != 0 && *time < kLeast)
    throw_error(ErrorKind::Usage, "invalid value '{}' for '{}': at least {}, or 0s for the default", text, option,
                format_duration(kLeast));
  return *time;
}

void add_health_options(CLI::App& command, HealthFlags& flags) {
  add_text(command, "--health-cmd", flags.command, "Check its health by this command of a shell's in the container",
           "COMMAND");
  for (const TimeOption& time : kTimes) add_text(command, time.name, flags.*time.text, time.help, "TIME");
  add_text(command, "--health-retries", flags.retries, "As many failures in a row make it unhealthy (3)", "NUMBER");
  command.add_flag("--no-healthcheck", flags.none, "Do not check its health, whatever the image says");
}

std::optional<oci::Healthcheck> parse_healthcheck(const HealthFlags& flags) {
  if (flags.none && has_settings(flags))
    throw_error(ErrorKind::Usage, "conflicting options: --no-healthcheck and --health-*");
  if (flags.none) return oci::Healthcheck{.test = {"NONE"}};
  if (!has_settings(flags)) return std::nullopt;
  oci::Healthcheck check;
  if (flags.command && !flags.command->empty()) check.test = {"CMD-SHELL", *flags.command};
  for (const TimeOption& time : kTimes)
    if (const std::optional<std::string>& text = flags.*time.text)
      check.*time.target = parse_health_time(*text, time.name);
  if (flags.retries)
    check.retries = static_cast<int>(parse_number(*flags.retries, "--health-retries", {.least = 1, .most = INT32_MAX}));
  return check;
}

}  // namespace myct::cli
