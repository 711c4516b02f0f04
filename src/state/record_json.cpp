// Records as JSON, and the words that stand for their choices.
#include <array>

#include "myct/base/error.hpp"
#include "myct/base/json.hpp"
#include "myct/state/record.hpp"

namespace myct::state {
namespace {

using json::Value;

constexpr int kVersion = 1;

SystemTime read_time(const Value& object, const char* key) {
  std::string text;
  json::read(object, key, text);
  const std::optional<SystemTime> time = parse_time(text);
  if (!time) throw_error(ErrorKind::Invalid, "member '{}' is not a time", key);
  return *time;
}

Value identity_to_json(const ProcessIdentity& identity) {
  return Value{{"pid", identity.pid}, {"startTime", identity.start_time}, {"bootId", identity.boot_id}};
}

/// The member `key` if it is there and an object.
const Value* find_object(const Value& parent, const char* key) {
  const auto found = parent.find(key);
  return found != parent.end() && found->is_object() ? &*found : nullptr;
}

ProcessIdentity identity_from_json(const Value& parent, const char* key) {
  ProcessIdentity identity;
  const Value* found = find_object(parent, key);
  if (found == nullptr) return identity;
  json::read(*found, "pid", identity.pid);
  json::read(*found, "startTime", identity.start_time);
  json::read(*found, "bootId", identity.boot_id);
  return identity;
}

template <typename T>
struct Word {
  T value;
  std::string_view word;
};

template <typename T, size_t Size>
std::string_view word_of(const std::array<Word<T>, Size>& words, T value) noexcept {
  for (const Word<T>& candidate : words)
    if (candidate.value == value) return candidate.word;
  return {};
}

template <typename T, size_t Size>
std::optional<T> value_of(const std::array<Word<T>, Size>& words, std::string_view word) noexcept {
  for (const Word<T>& candidate : words)
    if (candidate.word == word) return candidate.value;
  return std::nullopt;
}

template <typename T, size_t Size>
void read_word(const Value& object, const char* key, const std::array<Word<T>, Size>& words, T& target) {
  std::optional<std::string> word;
  json::read(object, key, word);
  if (!word) return;
  const std::optional<T> value = value_of(words, *word);
  if (!value) throw_error(ErrorKind::Invalid, "member '{}': unknown word '{}'", key, *word);
  target = *value;
}

constexpr std::array kRestartWords = {Word<RestartPolicy>{RestartPolicy::No, "no"},
                                      Word<RestartPolicy>{RestartPolicy::OnFailure, "on-failure"},
                                      Word<RestartPolicy>{RestartPolicy::Always, "always"},
                                      Word<RestartPolicy>{RestartPolicy::UnlessStopped, "unless-stopped"}};
constexpr std::array kDriverWords = {
    Word<LogDriver>{LogDriver::JsonFile, "json-file"}, Word<LogDriver>{LogDriver::None, "none"},
    Word<LogDriver>{LogDriver::Journald, "journald"}, Word<LogDriver>{LogDriver::Passthrough, "passthrough"}};

Value restart_to_json(const Restart& restart) {
  return {{"policy", word_of(kRestartWords, restart.policy)}, {"maxAttempts", restart.max_attempts}};
}

Restart restart_from_json(const Value& object) {
  Restart restart;
  read_word(object, "policy", kRestartWords, restart.policy);
  json::read(object, "maxAttempts", restart.max_attempts);
  return restart;
}

Value log_to_json(const LogConfig& log) {
  return {{"driver", word_of(kDriverWords, log.driver)}, {"maxSize", log.max_size}, {"maxFile", log.max_file}};
}

LogConfig log_from_json(const Value& object) {
  LogConfig log;
  read_word(object, "driver", kDriverWords, log.driver);
  json::read(object, "maxSize", log.max_size);
  json::read(object, "maxFile", log.max_file);
  return log;
}

Value mount_to_json(const MountPoint& mount) {
  Value object{{"type", mount.type}, {"destination", mount.destination}, {"writable", mount.writable}};
  json::write_unless_empty(object, "name", mount.name);
  json::write_unless_empty(object, "source", mount.source);
  json::write_unless_empty(object, "propagation", mount.propagation);
  return object;
}

MountPoint mount_from_json(const Value& object) {
  MountPoint mount;
  json::read(object, "type", mount.type);
  json::read(object, "name", mount.name);
  json::read(object, "source", mount.source);
  json::read(object, "destination", mount.destination);
  json::read(object, "propagation", mount.propagation);
  json::read(object, "writable", mount.writable);
  return mount;
}

Value settings_to_json(const Settings& settings) {
  Value object{{"network", settings.network}, {"privileged", settings.privileged}, {"init", settings.init}};
  json::write_unless_empty(object, "entrypoint", settings.entrypoint);
  json::write_unless_empty(object, "cmd", settings.cmd);
  json::write_unless_empty(object, "user", settings.user);
  json::write_unless_empty(object, "capAdd", settings.cap_add);
  json::write_unless_empty(object, "capDrop", settings.cap_drop);
  json::write_unless_empty(object, "securityOptions", settings.security_options);
  for (const MountPoint& mount : settings.mounts) object["mounts"].push_back(mount_to_json(mount));
  return object;
}

Settings settings_from_json(const Value& object) {
  Settings settings;
  json::read(object, "network", settings.network);
  json::read(object, "privileged", settings.privileged);
  json::read(object, "init", settings.init);
  json::read(object, "entrypoint", settings.entrypoint);
  json::read(object, "cmd", settings.cmd);
  json::read(object, "user", settings.user);
  json::read(object, "capAdd", settings.cap_add);
  json::read(object, "capDrop", settings.cap_drop);
  json::read(object, "securityOptions", settings.security_options);
  if (const auto mounts = object.find("mounts"); mounts != object.end() && mounts->is_array())
    for (const Value& mount : *mounts) settings.mounts.push_back(mount_from_json(mount));
  return settings;
}

void check_version(const Value& document, std::string_view name) {
  int version = 0;
  json::read(document, "version", version);
  if (version != kVersion)
    throw_error(ErrorKind::Unsupported, "read '{}': version {} is not known to this myct", name, version);
}

}  // namespace

std::string_view restart_word(RestartPolicy policy) noexcept { return word_of(kRestartWords, policy); }
std::optional<RestartPolicy> restart_from_word(std::string_view word) noexcept { return value_of(kRestartWords, word); }
std::string_view driver_word(LogDriver driver) noexcept { return word_of(kDriverWords, driver); }
std::optional<LogDriver> driver_from_word(std::string_view word) noexcept { return value_of(kDriverWords, word); }

std::string to_json(const Record& record) {
  Value document{{"version", kVersion},
                 {"id", record.id},
                 {"name", record.name},
                 {"created", format_time(record.created)},
                 {"image", record.image},
                 {"imageId", record.image_id},
                 {"command", record.command},
                 {"autoRemove", record.auto_remove},
                 {"tty", record.tty},
                 {"interactive", record.interactive},
                 {"stopSignal", record.stop_signal},
                 {"stopSeconds", record.stop_seconds},
                 {"restart", restart_to_json(record.restart)},
                 {"restartCount", record.restart_count},
                 {"stoppedByUser", record.stopped_by_user},
                 {"log", log_to_json(record.log)},
                 {"settings", settings_to_json(record.settings)}};
  json::write_unless_empty(document, "labels", record.labels);
  json::write_unless_empty(document, "anonymousVolumes", record.anonymous_volumes);
  if (record.started_at) document["startedAt"] = format_time(*record.started_at);
  if (record.outcome) {
    document["outcome"] = {{"exitCode", record.outcome->exit_code},
                           {"finishedAt", format_time(record.outcome->finished_at)},
                           {"oomKilled", record.outcome->oom_killed}};
    json::write_unless_empty(document["outcome"], "error", record.outcome->error);
  }
  return document.dump();
}

Record record_from_json(std::string_view text, std::string_view name) {
  const Value document = json::parse(text, name);
  try {
    if (!document.is_object()) throw_error(ErrorKind::Invalid, "not a JSON object");
    check_version(document, name);
    Record record;
    json::read(document, "id", record.id);
    json::read(document, "name", record.name);
    record.created = read_time(document, "created");
    json::read(document, "image", record.image);
    json::read(document, "imageId", record.image_id);
    json::read(document, "command", record.command);
    json::read(document, "autoRemove", record.auto_remove);
    json::read(document, "labels", record.labels);
    json::read(document, "anonymousVolumes", record.anonymous_volumes);
    json::read(document, "tty", record.tty);
    json::read(document, "interactive", record.interactive);
    json::read(document, "stopSignal", record.stop_signal);
    json::read(document, "stopSeconds", record.stop_seconds);
    json::read(document, "restartCount", record.restart_count);
    json::read(document, "stoppedByUser", record.stopped_by_user);
    if (const Value* section = find_object(document, "restart")) record.restart = restart_from_json(*section);
    if (const Value* section = find_object(document, "log")) record.log = log_from_json(*section);
    if (const Value* section = find_object(document, "settings")) record.settings = settings_from_json(*section);
    if (document.contains("startedAt")) record.started_at = read_time(document, "startedAt");
    if (const Value* outcome = find_object(document, "outcome")) {
      record.outcome = Outcome{.finished_at = read_time(*outcome, "finishedAt")};
      json::read(*outcome, "exitCode", record.outcome->exit_code);
      json::read(*outcome, "oomKilled", record.outcome->oom_killed);
      json::read(*outcome, "error", record.outcome->error);
    }
    return record;
  } catch (Error& error) {
    error.add_context(fmt::format("read '{}'", name));
    throw;
  }
}

std::string to_json(const RunInfo& run) {
  Value document{{"version", kVersion},
                 {"init", identity_to_json(run.init)},
                 {"owner", identity_to_json(run.owner)},
                 {"cgroup", run.cgroup},
                 {"supervised", run.supervised}};
  if (run.restart_at) document["restartAt"] = format_time(*run.restart_at);
  return document.dump();
}

RunInfo run_info_from_json(std::string_view text, std::string_view name) {
  const Value document = json::parse(text, name);
  if (!document.is_object()) throw_error(ErrorKind::Invalid, "read '{}': not a JSON object", name);
  check_version(document, name);
  RunInfo run;
  run.init = identity_from_json(document, "init");
  run.owner = identity_from_json(document, "owner");
  json::read(document, "cgroup", run.cgroup);
  json::read(document, "supervised", run.supervised);
  if (document.contains("restartAt")) run.restart_at = read_time(document, "restartAt");
  return run;
}

}  // namespace myct::state
