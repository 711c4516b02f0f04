#include "myct/base/when.hpp"

#include <array>
#include <ctime>
#include <limits>

namespace myct {
namespace {

using std::chrono::nanoseconds;

constexpr int64_t kSecond = 1'000'000'000;

struct Unit {
  std::string_view name;
  int64_t nanoseconds;
};
// One that is another's beginning comes after it.
constexpr std::array kUnits = {Unit{"ns", 1},           Unit{"us", 1'000},        Unit{"µs", 1'000},
                               Unit{"μs", 1'000},       Unit{"ms", 1'000'000},    Unit{"s", kSecond},
                               Unit{"m", 60 * kSecond}, Unit{"h", 3600 * kSecond}};

/// Takes the digits at the beginning of `text`; there may be none.
std::string_view take_digits(std::string_view& text) {
  const std::string_view digits = text.substr(0, text.find_first_not_of("0123456789"));
  text.remove_prefix(digits.size());
  return digits;
}

/// Takes `expected` from the beginning of `text` if it is there.
bool take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

/// Takes a number of exactly `width` digits.
std::optional<int> take_number(std::string_view& text, size_t width) {
  const std::string_view digits = text.substr(0, width);
  if (digits.size() != width || digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  text.remove_prefix(width);
  return static_cast<int>(parse_signed(digits).value_or(0));
}

/// "123" after a point is 0.123 of `unit`; digits below a nanosecond are left out.
int64_t fraction_of(std::string_view digits, int64_t unit) {
  int64_t value = 0;
  int64_t scale = unit;
  for (const char digit : digits) {
    if (scale < 10) break;
    value += (digit - '0') * (scale / 10);
    scale /= 10;
  }
  return value;
}

/// Takes "1.5h"; nullopt when it is none or too long.
std::optional<int64_t> take_duration_part(std::string_view& text) {
  const std::string_view whole = take_digits(text);
  const std::string_view fraction = take(text, ".") ? take_digits(text) : std::string_view();
  if (whole.empty() && fraction.empty()) return std::nullopt;
  const std::optional<int64_t> count = whole.empty() ? 0 : parse_signed(whole);
  for (const Unit& unit : kUnits) {
    if (!take(text, unit.name)) continue;
    int64_t value = 0;
    if (!count || __builtin_mul_overflow(*count, unit.nanoseconds, &value) ||
        __builtin_add_overflow(value, fraction_of(fraction, unit.nanoseconds), &value))
      return std::nullopt;
    return value;
  }
  return std::nullopt;
}

std::optional<SystemTime> from_parts(int64_t seconds, int64_t nanosecond) {
  int64_t value = 0;
  if (__builtin_mul_overflow(seconds, kSecond, &value) || __builtin_add_overflow(value, nanosecond, &value))
    return std::nullopt;
  return SystemTime(nanoseconds(value));
}

/// "1714557600.5".
std::optional<SystemTime> parse_seconds(std::string_view text) {
  const bool negative = take(text, "-");
  const std::string_view digits = take_digits(text);
  const std::string_view fraction = take(text, ".") ? take_digits(text) : std::string_view();
  const std::optional<int64_t> seconds = parse_signed(digits);
  if (!seconds || !text.empty()) return std::nullopt;
  const int64_t rest = fraction_of(fraction, kSecond);
  return negative ? from_parts(-*seconds, -rest) : from_parts(*seconds, rest);
}

/// Takes "10", "10:00", "10:00:00" or "10:00:00.5" into the time of day; false when it is none.
bool take_clock(std::string_view& text, tm& parts, int64_t& nanosecond) {
  constexpr int kLeapSecond = 60;
  const std::optional<int> hour = take_number(text, 2);
  const std::optional<int> minute = take(text, ":") ? take_number(text, 2) : 0;
  if (!hour || !minute || *hour > 23 || *minute > 59) return false;
  parts.tm_hour = *hour;
  parts.tm_min = *minute;
  if (!take(text, ":")) return true;
  const std::optional<int> second = take_number(text, 2);
  if (!second || *second > kLeapSecond) return false;
  parts.tm_sec = *second;
  if (!take(text, ".")) return true;
  const std::string_view fraction = take_digits(text);
  nanosecond = fraction_of(fraction, kSecond);
  return !fraction.empty();
}

/// The offset from UTC in seconds that is all of `text`: "Z", "+02:00". nullopt: something else.
std::optional<int64_t> parse_offset(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  const bool west = text.starts_with('-');
  if (!take(text, "+") && !take(text, "-")) return std::nullopt;
  const std::optional<int> hours = take_number(text, 2);
  if (!hours || !take(text, ":")) return std::nullopt;
  const std::optional<int> minutes = take_number(text, 2);
  if (!minutes || !text.empty() || *hours > 23 || *minutes > 59) return std::nullopt;
  return (*hours * 3600 + *minutes * 60) * (west ? -1 : 1);
}

std::optional<SystemTime> parse_date(std::string_view text) {
  tm parts{};
  int64_t nanosecond = 0;
  const std::optional<int> year = take_number(text, 4);
  const std::optional<int> month = year && take(text, "-") ? take_number(text, 2) : std::nullopt;
  const std::optional<int> day = month && take(text, "-") ? take_number(text, 2) : std::nullopt;
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  parts.tm_year = *year - 1900;
  parts.tm_mon = *month - 1;
  parts.tm_mday = *day;
  parts.tm_isdst = -1;  // let the time zone's rules tell
  if (take(text, "T") && !take_clock(text, parts, nanosecond)) return std::nullopt;
  if (text.empty()) return from_parts(::mktime(&parts), nanosecond);
  const std::optional<int64_t> offset = parse_offset(text);
  if (!offset) return std::nullopt;
  return from_parts(::timegm(&parts) - *offset, nanosecond);
}

/// "1.5" of 1500 and 1000: what is left of a division, without zeros at the end.
std::string decimal(uint64_t value, uint64_t unit) {
  std::string text = std::to_string(value / unit);
  uint64_t rest = value % unit;
  if (rest != 0) text += '.';
  for (; rest != 0; rest %= unit) {
    rest *= 10;
    text += static_cast<char>('0' + rest / unit);
  }
  return text;
}

}  // namespace

std::string format_duration(nanoseconds duration) {
  const int64_t count = duration.count();
  if (count == 0) return "0s";
  std::string text = count < 0 ? "-" : "";
  uint64_t left = count < 0 ? 0 - static_cast<uint64_t>(count) : static_cast<uint64_t>(count);
  if (left < 1'000) return text + decimal(left, 1) + "ns";
  if (left < 1'000'000) return text + decimal(left, 1'000) + "µs";
  if (left < static_cast<uint64_t>(kSecond)) return text + decimal(left, 1'000'000) + "ms";
  constexpr uint64_t kMinute = 60 * static_cast<uint64_t>(kSecond);
  const uint64_t minutes = left / kMinute;
  left %= kMinute;
  if (minutes >= 60) text += std::to_string(minutes / 60) + "h";
  if (minutes > 0) text += std::to_string(minutes % 60) + "m";
  return text + decimal(left, static_cast<uint64_t>(kSecond)) + "s";
}

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  const bool negative = take(text, "-");
  if (!negative) take(text, "+");
  if (text == "0") return nanoseconds(0);
  if (text.empty()) return std::nullopt;
  int64_t sum = 0;
  while (!text.empty()) {
    const std::optional<int64_t> part = take_duration_part(text);
    if (!part || __builtin_add_overflow(sum, *part, &sum)) return std::nullopt;
  }
  return nanoseconds(negative ? -sum : sum);
}

std::optional<SystemTime> parse_when(std::string_view text, SystemTime now) {
  if (const std::optional<nanoseconds> duration = text == "0" ? std::nullopt : parse_duration(text)) {
    int64_t value = 0;
    if (__builtin_sub_overflow(now.time_since_epoch().count(), duration->count(), &value)) return std::nullopt;
    return SystemTime(nanoseconds(value));
  }
  if (const std::optional<SystemTime> date = parse_date(text)) return date;
  return parse_seconds(text);
}

}  // namespace myct
