// Health checks: what one has found becomes the container's state of health.
#include "myct/manager/health.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "myct/base/error.hpp"
#include "myct/base/log.hpp"
#include "myct/state/events.hpp"
#include "myct/supervisor/health_timer.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

constexpr std::string_view kRoot = "root=";
constexpr std::string_view kRuntimeDir = "runtime-dir=";
constexpr std::string_view kId = "id=";

/// After a check that was counted.
supervisor::ProbeExit exit_of(const state::Health& health) noexcept {
  if (health.log.back().exit_code == 0) return supervisor::ProbeExit::Passed;
  return health.status == state::HealthStatus::Starting ? supervisor::ProbeExit::FailedInStart
                                                        : supervisor::ProbeExit::Failed;
}

/// Counts what was found in the run of `container`, and tells of a change. nullopt when that run is over. One process
/// at a time: another may do a check by hand.
std::optional<state::Health> note(const Context& context, const ContainerSummary& container,
                                  state::ProbeResult result) {
  const state::Record& record = container.record;
  const std::string directory = context.paths.run_container(record.id);
  std::optional<Fd> open = try_open_path(directory, O_RDONLY | O_DIRECTORY);
  if (!open) return std::nullopt;
  const FileLock lock = FileLock::acquire(std::move(*open), directory);
  if (!is_running(container.run->init)) return std::nullopt;
  state::Health health = state::load_health(context.paths, record.id).value_or(state::Health{});
  const state::HealthStatus before = health.status;
  state::count(health, *record.healthcheck, record.started_at.value_or(record.created), std::move(result));
  state::save_health(context.paths, record.id, health);
  if (health.status != before)
    state::append_event(context.paths, record, fmt::format("health_status: {}", state::health_word(health.status)));
  return health;
}

std::string_view value_of(int argc, char** argv, std::string_view key) {
  for (int index = 1; index < argc; ++index)
    if (const std::string_view word = argv[index]; word.starts_with(key)) return word.substr(key.size());
  throw_error(ErrorKind::Usage, "not a health check's command line: no '{}'", key);
}

int check_once(const Context& context, const std::string& id) {
  const std::optional<ContainerSummary> container = summarize(context, id);
  if (!container || container->status != state::Status::Running || !has_health_check(container->record))
    return kExitOwnFailure;
  const std::optional<Fd> init = open_process(container->run->init);
  if (!init) return kExitOwnFailure;
  state::ProbeResult result = probe_health(context, *container, init->ref());
  // Paused meanwhile: its command could not go on, which is nobody's fault.
  if (result.exit_code == kNoProbeStatus && state::look_at(*container->run).frozen) return kExitOwnFailure;
  const std::optional<state::Health> health = note(context, *container, std::move(result));
  return health ? static_cast<int>(exit_of(*health)) : kExitOwnFailure;
}

}  // namespace

bool has_health_check(const state::Record& record) {
  return record.healthcheck && !oci::command_of(*record.healthcheck).empty();
}

supervisor::HealthTimes health_times(const state::Record& record) {
  if (!has_health_check(record)) return {};
  const oci::Healthcheck check = oci::with_defaults(*record.healthcheck);
  const auto milliseconds = [](std::chrono::nanoseconds time) {
    return std::chrono::ceil<std::chrono::milliseconds>(time).count();
  };
  return {.interval = milliseconds(check.interval),
          .start_interval = milliseconds(check.start_interval),
          .start_period = milliseconds(check.start_period)};
}

std::vector<std::string> health_check_arguments(const Context& context, const std::string& id,
                                                const std::string& name) {
  // The name first: it is what a reader of ps(1) looks for.
  return {supervisor::kHealthName, "name=" + name, fmt::format("{}{}", kRoot, context.paths.root()),
          fmt::format("{}{}", kRuntimeDir, context.paths.runtime_dir()), fmt::format("{}{}", kId, id)};
}

std::optional<state::Health> health_of(const Context& context, const state::Record& record, state::Status status) {
  if (status == state::Status::Created || !has_health_check(record)) return std::nullopt;
  std::optional<state::Health> health;
  try {
    health = state::load_health(context.paths, record.id);
  } catch (const Error& error) {
    log::warning("container {}: {}", record.id.substr(0, 12), error.what());  // the next check writes it anew
  }
  if (!health) health.emplace();
  // As Docker has it, where nothing is checked any more.
  const bool runs = status == state::Status::Running || status == state::Status::Paused;
  if (!runs) health->status = state::HealthStatus::Unhealthy;
  return health;
}

int do_health_check(int argc, char** argv) noexcept {
  ::signal(SIGPIPE, SIG_IGN);
  ::prctl(PR_SET_NAME, supervisor::kHealthName);  // the exec by /proc/self/exe has made it "exe"
  try {
    const Context context{
        .paths = {std::string(value_of(argc, argv, kRoot)), std::string(value_of(argc, argv, kRuntimeDir))}};
    return check_once(context, std::string(value_of(argc, argv, kId)));
  } catch (const std::exception&) {
    // Nobody is there to be told; the next check may be luckier.
    return kExitOwnFailure;
  }
}

std::optional<state::ProbeResult> run_health_check(const Context& context, const std::string& reference) {
  constexpr std::string_view kVerb = "check the health of";
  const ContainerSummary found = find_running(context, reference, kVerb);
  if (!has_health_check(found.record))
    throw Error(ErrorKind::Invalid, fmt::format("container '{}' has no health check", reference), 0,
                "it gets one by 'myct run --health-cmd', or from its image");
  // In a process of its own, as it reaps all that it is left.
  std::optional<ChildProcess> check =
      supervisor::start_health_check(health_check_arguments(context, found.record.id, found.record.name));
  if (!check) throw_errno("start the health check of container '{}'", reference);
  const std::optional<supervisor::ProbeExit> exit = supervisor::probe_exit_of(check->wait());
  if (exit == supervisor::ProbeExit::Passed) return std::nullopt;
  (void)find_running(context, reference, kVerb);  // it may not run any more
  const std::optional<state::Health> health = state::load_health(context.paths, found.record.id);
  if (exit && health && !health->log.empty()) return health->log.back();
  throw Error(ErrorKind::System, fmt::format("the health check of container '{}' was killed", reference), 0,
              "try again");
}

}  // namespace myct::manager
