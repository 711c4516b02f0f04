// Records as JSON, and the words that stand for their choices.
#include <array>

#include "myct/base/error.hpp"
#include "myct/base/json.hpp"
#include "myct/state/record.hpp"
#include "record_json.hpp"

namespace myct::state {
namespace {

using json::Value;

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

constexpr std::array kRestartWords = {Word<RestartPolicy>{RestartPolicy::No, "no"},
                                      Word<RestartPolicy>{RestartPolicy::OnFailure, "on-failure"},
                                      Word<RestartPolicy>{RestartPolicy::Always, "always"},
                                      Word<RestartPolicy>{RestartPolicy::UnlessStopped, "unless-stopped"}};
constexpr std::array kDriverWords = {
    Word<LogDriver>{LogDriver::JsonFile, "json-file"}, Word<LogDriver>{LogDriver::None, "none"},
    Word<LogDriver>{LogDriver::Journald, "journald"}, Word<LogDriver>{LogDriver::Passthrough, "passthrough"}};

/// Writes a member unless its reader takes it for that value anyway: ps reads many records, and most say the same.
template <typename T>
void write_unless(Value& object, const char* key, const T& value, const T& default_value) {
  if (value != default_value) object[key] = value;
}

Value restart_to_json(const Restart& restart) {
  Value object{{"policy", word_of(kRestartWords, restart.policy)}};
  write_unless(object, "maxAttempts", restart.max_attempts, Restart{}.max_attempts);
  return object;
}

Value log_to_json(const LogConfig& log) {
  Value object{{"driver", word_of(kDriverWords, log.driver)}};
  write_unless(object, "maxSize", log.max_size, LogConfig{}.max_size);
  write_unless(object, "maxFile", log.max_file, LogConfig{}.max_file);
  json::write_unless_empty(object, "options", log.options);
  return object;
}

Value mount_to_json(const MountPoint& mount) {
  Value object{{"type", mount.type}, {"destination", mount.destination}, {"writable", mount.writable}};
  json::write_unless_empty(object, "name", mount.name);
  json::write_unless_empty(object, "source", mount.source);
  json::write_unless_empty(object, "propagation", mount.propagation);
  return object;
}

Value device_to_json(const MappedDevice& device) {
  return Value{{"hostPath", device.host_path}, {"containerPath", device.container_path}, {"access", device.access}};
}

Value attachment_to_json(const NetworkAttachment& attachment) {
  Value object{{"network", attachment.network}};
  json::write_unless_empty(object, "address", attachment.address);
  json::write_unless_empty(object, "address6", attachment.address6);
  json::write_unless_empty(object, "mac", attachment.mac);
  json::write_unless_empty(object, "aliases", attachment.aliases);
  return object;
}

Value healthcheck_to_json(const oci::Healthcheck& check) {
  const oci::Healthcheck defaults;
  Value object = Value::object();
  json::write_unless_empty(object, "test", check.test);
  write_unless(object, "interval", check.interval.count(), defaults.interval.count());
  write_unless(object, "timeout", check.timeout.count(), defaults.timeout.count());
  write_unless(object, "startPeriod", check.start_period.count(), defaults.start_period.count());
  write_unless(object, "startInterval", check.start_interval.count(), defaults.start_interval.count());
  write_unless(object, "retries", check.retries, defaults.retries);
  json::write_unless_empty(object, "shell", check.shell);
  return object;
}

Value outcome_to_json(const Outcome& outcome) {
  Value object{{"exitCode", outcome.exit_code}};
  if (outcome.finished_at) object["finishedAt"] = format_time(*outcome.finished_at);
  write_unless(object, "oomKilled", outcome.oom_killed, false);
  json::write_unless_empty(object, "error", outcome.error);
  return object;
}

Value settings_to_json(const Settings& settings) {
  Value object{{"network", settings.network}};
  write_unless(object, "privileged", settings.privileged, false);
  write_unless(object, "init", settings.init, false);
  json::write_unless_empty(object, "entrypoint", settings.entrypoint);
  json::write_unless_empty(object, "cmd", settings.cmd);
  json::write_unless_empty(object, "user", settings.user);
  json::write_array(object, "networks", settings.networks, attachment_to_json);
  json::write_unless_empty(object, "ports", settings.ports);
  json::write_unless_empty(object, "dns", settings.dns);
  json::write_unless_empty(object, "dnsSearch", settings.dns_search);
  json::write_unless_empty(object, "dnsOptions", settings.dns_options);
  json::write_unless_empty(object, "extraHosts", settings.extra_hosts);
  json::write_unless_empty(object, "exposed", settings.exposed);
  write_unless(object, "publishAll", settings.publish_all, false);
  json::write_unless_empty(object, "capAdd", settings.cap_add);
  json::write_unless_empty(object, "capDrop", settings.cap_drop);
  json::write_unless_empty(object, "securityOptions", settings.security_options);
  for (const MountPoint& mount : settings.mounts) object["mounts"].push_back(mount_to_json(mount));
  for (const MappedDevice& device : settings.devices) object["devices"].push_back(device_to_json(device));
  json::write_unless_empty(object, "deviceRules", settings.device_rules);
  json::write_unless_empty(object, "cgroupParent", settings.cgroup_parent);
  return object;
}

}  // namespace

void check_version(int version, std::string_view name) {
  if (version != kRecordVersion)
    throw_error(ErrorKind::Unsupported, "read '{}': version {} is not known to this myct", name, version);
}

std::string_view restart_word(RestartPolicy policy) noexcept { return word_of(kRestartWords, policy); }
std::optional<RestartPolicy> restart_from_word(std::string_view word) noexcept { return value_of(kRestartWords, word); }
std::string_view driver_word(LogDriver driver) noexcept { return word_of(kDriverWords, driver); }
std::optional<LogDriver> driver_from_word(std::string_view word) noexcept { return value_of(kDriverWords, word); }

std::string to_json(const Record& record) {
  const Record defaults;
  Value document{{"version", kRecordVersion}, {"id", record.id},
                 {"name", record.name},       {"created", format_time(record.created)},
                 {"image", record.image},     {"imageId", record.image_id},
                 {"command", record.command}, {"settings", settings_to_json(record.settings)}};
  write_unless(document, "autoRemove", record.auto_remove, defaults.auto_remove);
  write_unless(document, "tty", record.tty, defaults.tty);
  write_unless(document, "interactive", record.interactive, defaults.interactive);
  write_unless(document, "stopSignal", record.stop_signal, defaults.stop_signal);
  write_unless(document, "stopSeconds", record.stop_seconds, defaults.stop_seconds);
  write_unless(document, "restartCount", record.restart_count, defaults.restart_count);
  write_unless(document, "stoppedByUser", record.stopped_by_user, defaults.stopped_by_user);
  write_unless(document, "restart", restart_to_json(record.restart), restart_to_json(defaults.restart));
  write_unless(document, "log", log_to_json(record.log), log_to_json(defaults.log));
  if (record.healthcheck) document["healthcheck"] = healthcheck_to_json(*record.healthcheck);
  json::write_unless_empty(document, "labels", record.labels);
  json::write_unless_empty(document, "anonymousVolumes", record.anonymous_volumes);
  if (record.started_at) document["startedAt"] = format_time(*record.started_at);
  if (record.outcome) document["outcome"] = outcome_to_json(*record.outcome);
  return document.dump();
}

std::string to_json(const RunInfo& run) {
  Value document{{"version", kRecordVersion},
                 {"init", identity_to_json(run.init)},
                 {"owner", identity_to_json(run.owner)},
                 {"cgroup", run.cgroup},
                 {"supervised", run.supervised}};
  write_unless(document, "stoppedByUser", run.stopped_by_user, false);
  if (run.restart_at) document["restartAt"] = format_time(*run.restart_at);
  if (run.outcome) document["outcome"] = outcome_to_json(*run.outcome);
  return document.dump();
}

RunInfo run_info_from_json(std::string_view text, std::string_view name) {
  const Value document = json::parse(text, name);
  if (!document.is_object()) throw_error(ErrorKind::Invalid, "read '{}': not a JSON object", name);
  int version = 0;
  json::read(document, "version", version);
  check_version(version, name);
  RunInfo run;
  run.init = identity_from_json(document, "init");
  run.owner = identity_from_json(document, "owner");
  json::read(document, "cgroup", run.cgroup);
  json::read(document, "supervised", run.supervised);
  json::read(document, "stoppedByUser", run.stopped_by_user);
  if (document.contains("restartAt")) run.restart_at = read_time(document, "restartAt");
  if (const auto outcome = document.find("outcome"); outcome != document.end() && outcome->is_object()) {
    run.outcome.emplace();
    if (outcome->contains("finishedAt")) run.outcome->finished_at = read_time(*outcome, "finishedAt");
    json::read(*outcome, "exitCode", run.outcome->exit_code);
    json::read(*outcome, "oomKilled", run.outcome->oom_killed);
  }
  return run;
}

}  // namespace myct::state
