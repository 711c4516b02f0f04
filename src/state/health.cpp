#include "myct/state/health.hpp"

#include <fcntl.h>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/json.hpp"

namespace myct::state {
namespace {

using json::Value;

constexpr const char* kHealthName = "health.json";
constexpr size_t kKeptResults = 5;

std::string path_of(const Paths& paths, std::string_view id) {
  return fmt::format("{}/{}", paths.run_container(id), kHealthName);
}

SystemTime read_time(const Value& object, const char* key) {
  std::string text;
  json::read(object, key, text);
  if (const std::optional<SystemTime> time = parse_time(text)) return *time;
  throw_error(ErrorKind::Invalid, "member '{}' is not a time", key);
}

Value result_to_json(const ProbeResult& result) {
  return Value{{"start", format_time(result.start)},
               {"end", format_time(result.end)},
               {"exitCode", result.exit_code},
               {"output", result.output}};
}

ProbeResult result_from_json(const Value& object) {
  ProbeResult result{.start = read_time(object, "start"), .end = read_time(object, "end"), .output = {}};
  json::read(object, "exitCode", result.exit_code);
  json::read(object, "output", result.output);
  return result;
}

HealthStatus status_from_json(const Value& document) {
  std::string word;
  json::read(document, "status", word);
  for (const HealthStatus status : {HealthStatus::Starting, HealthStatus::Healthy, HealthStatus::Unhealthy})
    if (health_word(status) == word) return status;
  throw_error(ErrorKind::Invalid, "member 'status' is no state of health: '{}'", word);
}

}  // namespace

std::string_view health_word(HealthStatus status) noexcept {
  switch (status) {
    case HealthStatus::Starting:
      return "starting";
    case HealthStatus::Healthy:
      return "healthy";
    case HealthStatus::Unhealthy:
      break;
  }
  return "unhealthy";
}

void count(Health& health, const oci::Healthcheck& check, SystemTime started_at, ProbeResult result) {
  const oci::Healthcheck chosen = oci::with_defaults(check);
  const bool is_excused = health.status == HealthStatus::Starting && result.start - started_at < chosen.start_period;
  if (result.exit_code == 0) {
    health.failing_streak = 0;
    health.status = HealthStatus::Healthy;
  } else if (!is_excused) {
    ++health.failing_streak;
    if (health.failing_streak >= static_cast<unsigned>(chosen.retries)) health.status = HealthStatus::Unhealthy;
  }
  health.log.push_back(std::move(result));
  if (health.log.size() > kKeptResults) health.log.erase(health.log.begin());
}

std::string to_json(const Health& health) {
  Value document{{"status", health_word(health.status)}, {"failingStreak", health.failing_streak}};
  json::write_array(document, "log", health.log, result_to_json);
  // A command may write anything, and be cut off in the middle of a character.
  return document.dump(-1, ' ', false, Value::error_handler_t::replace);
}

Health health_from_json(std::string_view text, std::string_view name) {
  const Value document = json::parse(text, name);
  if (!document.is_object()) throw_error(ErrorKind::Invalid, "read '{}': not a JSON object", name);
  try {
    Health health{.status = status_from_json(document), .log = {}};
    json::read(document, "failingStreak", health.failing_streak);
    json::read_array(document, "log", health.log, result_from_json);
    return health;
  } catch (Error& error) {
    error.add_context(fmt::format("read '{}'", name));
    throw;
  }
}

void save_health(const Paths& paths, std::string_view id, const Health& health) {
  const std::optional<Fd> directory = try_open_path(paths.run_container(id), O_RDONLY | O_DIRECTORY);
  if (directory) save_atomically(directory->ref(), kHealthName, to_json(health), Durability::SurvivesProcessDeath);
}

std::optional<Health> load_health(const Paths& paths, std::string_view id) {
  const std::string path = path_of(paths, id);
  const std::optional<std::string> text = try_read_file(path);
  if (!text) return std::nullopt;
  return health_from_json(*text, path);
}

void forget_health(const Paths& paths, std::string_view id) { remove_file(path_of(paths, id)); }

}  // namespace myct::state
