// Points in time as users write them: --since, --until, and filters of that name.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "myct/base/units.hpp"

namespace myct {

/// "1h30m", "1.5h", "-10s", "0": Go's durations, with the units ns, us (µs), ms, s, m and h. nullopt when malformed or
/// beyond 292 years.
[[nodiscard]] std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// The inverse, as Go prints it: "1m30s", "1.5s", "500ms", "0s".
[[nodiscard]] std::string format_duration(std::chrono::nanoseconds duration);

/// What docker(1) takes for a point in time; nullopt for anything else, or beyond 292 years from 1970:
///   a duration                         that long before `now`
///   2024-05-01                         the beginning of that day
///   2024-05-01T10[:00[:00[.123]]]      with "Z" or an offset ("+02:00"), else in the local time zone; so may the day
///   1714557600[.123456789]             seconds since 1970 in UTC
[[nodiscard]] std::optional<SystemTime> parse_when(std::string_view text, SystemTime now);

/// What the above is, in a few words, for messages about text that is none of it.
inline constexpr std::string_view kWhenForms = "a duration (1h30m), a time (2024-05-01T10:00:00) or seconds since 1970";

}  // namespace myct
