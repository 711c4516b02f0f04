// Option values as users write them, turned into typed values. Pure, but for reading an environment file.
// Each throws Error{Usage} that names the option, the value and the rule.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "myct/base/units.hpp"
#include "myct/manager/request.hpp"
#include "myct/state/record.hpp"

namespace myct::cli {

/// Looks up a variable of the caller's environment.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// -e NAME=value, or NAME, which is copied from the caller and left out where the caller has none.
[[nodiscard]] std::optional<std::string> parse_env(const std::string& text, const Environment& caller);
/// The lines of an --env-file: no quoting, no interpolation; "#" only at a line's start. `name` is for messages.
[[nodiscard]] std::vector<std::string> parse_env_file(std::string_view content, const std::string& name,
                                                      const Environment& caller);

/// -l KEY[=value].
[[nodiscard]] std::map<std::string, std::string> parse_labels(const std::vector<std::string>& texts);

/// -v [SOURCE:]TARGET[:OPTIONS]. A relative source ("./x") is taken from `working_directory`.
[[nodiscard]] manager::MountRequest parse_volume(const std::string& text, const std::string& working_directory);
/// --mount type=…,source=…,target=…,….
[[nodiscard]] manager::MountRequest parse_mount(const std::string& text, const std::string& working_directory);
/// --tmpfs TARGET[:OPTIONS].
[[nodiscard]] manager::MountRequest parse_tmpfs(const std::string& text);

/// --ulimit NAME=SOFT[:HARD]; -1 is unlimited.
[[nodiscard]] oci::Rlimit parse_ulimit(const std::string& text);

/// --expose PORT[-PORT][/PROTOCOL]: "80/tcp" for each. Throws Error{Usage}.
[[nodiscard]] std::vector<std::string> parse_exposed(const std::string& text);
/// -p [ADDRESS:][HOST_PORT:]PORT[/PROTOCOL], ports may be ranges; one for each port of the container.
[[nodiscard]] std::vector<state::PublishedPort> parse_published(const std::string& text);
/// --security-opt: no-new-privileges[=bool], seccomp=unconfined|builtin, systempaths=unconfined,
/// writable-cgroups[=bool].
void apply_security_option(const std::string& text, manager::SecurityRequest& security);

// --- limits; `option` is for messages --------------------------------------------------------------------------------
/// Bytes, "512M", "1.5g"; 0 is none.
[[nodiscard]] int64_t parse_memory(const std::string& text, std::string_view option);
/// The same, or -1 for no limit.
[[nodiscard]] int64_t parse_memory_swap(const std::string& text);
/// --memory-swappiness: only -1, which leaves it as it is.
void check_swappiness(const std::string& text);
/// --cpus: "1.5" or "150%", in billionths of a processor; what cannot be told in these is refused.
[[nodiscard]] int64_t parse_cpus(const std::string& text);
/// A whole number from `least` to `most`; or 0, which is the default or no limit; or, if it takes that, -1 for no
/// limit.
struct NumberRange {
  int64_t least;
  int64_t most;
  bool takes_minus_one = false;
};
[[nodiscard]] int64_t parse_number(const std::string& text, std::string_view option, NumberRange range);
/// "/dev/sda:10mb" with bytes a second, "/dev/sda:1000" with a number, or a weight from 10 to 1000.
enum class DeviceQuantity : uint8_t { Bytes, Number, Weight };
[[nodiscard]] manager::DeviceLimit parse_device_limit(const std::string& text, std::string_view option,
                                                      DeviceQuantity quantity);

/// --device HOST[:CONTAINER][:rwm].
[[nodiscard]] manager::DeviceRequest parse_device(const std::string& text);
/// --device-cgroup-rule "c 10:200 rwm".
[[nodiscard]] std::string parse_device_rule(const std::string& text);
/// --cgroup-parent: a path below the hierarchy, with one slash before each name.
[[nodiscard]] std::string parse_cgroup_parent(const std::string& text);
/// -1000 to 1000.
[[nodiscard]] int parse_oom_score(const std::string& text);
/// --cgroupns private|host.
[[nodiscard]] manager::CgroupView parse_cgroup_view(const std::string& text);

/// A signal's name or number.
[[nodiscard]] int parse_signal_option(const std::string& text);
/// Seconds, or -1 for ever.
[[nodiscard]] int parse_seconds(const std::string& text, std::string_view option);
/// A duration of at least a millisecond, such as "1m30s"; 0 is the default.
[[nodiscard]] std::chrono::nanoseconds parse_health_time(const std::string& text, std::string_view option);
/// --restart no|on-failure[:N]|always|unless-stopped; empty is no.
[[nodiscard]] state::Restart parse_restart(const std::string& text);

/// --log-driver json-file|none|journald|passthrough.
[[nodiscard]] state::LogDriver parse_log_driver(const std::string& text);
/// --log-opt max-size=10m, max-file=3, for the driver that `config` has: other drivers have no options.
void apply_log_option(const std::string& text, state::LogConfig& config);

/// A condition of --filter.
struct Condition {
  std::string key;
  std::string value;
};
/// KEY=VALUE, with one of `keys`; throws with exit status 1 for another, as Docker does.
[[nodiscard]] Condition parse_condition(const std::string& text, const std::vector<std::string_view>& keys);

/// A point in time as users write it: a duration before `now`, a date, RFC 3339 or Unix seconds; throws naming
/// `option`.
[[nodiscard]] SystemTime parse_point_in_time(const std::string& text, std::string_view option, SystemTime now);

/// -h: a host name that sethostname(2) takes.
void check_hostname(const std::string& text);

/// Splits at `separator`; "a,,b" has an empty element.
[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);
/// true, false, 1, 0; throws naming `option`.
[[nodiscard]] bool parse_bool(std::string_view text, std::string_view option);

}  // namespace myct::cli
