#include "myct/base/units.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace myct {
namespace {

template <typename Number>
std::optional<Number> parse_whole(std::string_view text) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || rest != end) return std::nullopt;
  return value;
}

std::optional<double> suffix_factor(std::string_view suffix, double base) {
  while (!suffix.empty() && suffix.front() == ' ') suffix.remove_prefix(1);
  std::string lower;
  for (const char c : suffix) lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  if (lower.empty() || lower == "b") return 1.0;
  constexpr std::string_view kLetters = "kmgtp";
  const size_t power = kLetters.find(lower[0]);
  const std::string rest = lower.substr(1);
  if (power == std::string_view::npos || (!rest.empty() && rest != "b" && rest != "ib")) return std::nullopt;
  return std::pow(base, static_cast<double>(power + 1));
}

std::optional<uint64_t> parse_size(std::string_view text, double base) {
  const size_t digits = text.find_first_not_of("0123456789.");
  const std::string_view number = text.substr(0, digits);
  const std::optional<double> factor =
      digits == std::string_view::npos ? std::optional(1.0) : suffix_factor(text.substr(digits), base);
  if (!factor) return std::nullopt;
  if (const auto whole = parse_whole<uint64_t>(number); whole && *factor == 1.0) return whole;
  double value = 0;
  const auto [rest, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (number.empty() || error != std::errc{} || rest != number.data() + number.size()) return std::nullopt;
  value *= *factor;
  if (value >= static_cast<double>(std::numeric_limits<int64_t>::max())) return std::nullopt;
  return static_cast<uint64_t>(value);
}

std::string format_size(uint64_t bytes, double base, int digits, const std::array<const char*, 7>& units) {
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= base && unit + 1 < units.size()) {
    value /= base;
    ++unit;
  }
  return fmt::format("{:.{}g}{}", value, digits, units[unit]);
}

bool take(std::string_view& text, char expected) noexcept {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(1);
  return true;
}

/// Takes exactly `count` digits off the front.
template <typename Number>
bool take_digits(std::string_view& text, size_t count, Number& value) noexcept {
  if (text.size() < count) return false;
  value = 0;
  for (const char c : text.substr(0, count)) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<Number>(c - '0');
  }
  text.remove_prefix(count);
  return true;
}

/// "10:30:00"; a leap second is the next minute's first.
std::optional<std::chrono::seconds> take_clock(std::string_view& text) noexcept {
  int hours = 0;
  int minutes = 0;
  int seconds = 0;
  if (!take_digits(text, 2, hours) || !take(text, ':') || !take_digits(text, 2, minutes) || !take(text, ':') ||
      !take_digits(text, 2, seconds) || hours > 23 || minutes > 59 || seconds > 60)
    return std::nullopt;
  return std::chrono::hours(hours) + std::chrono::minutes(minutes) + std::chrono::seconds(seconds);
}

/// ".5", as many digits as there are, or nothing.
std::chrono::nanoseconds take_fraction(std::string_view& text) noexcept {
  std::chrono::nanoseconds fraction{0};
  if (!take(text, '.')) return fraction;
  int digit = 0;
  for (int64_t scale = 100'000'000; take_digits(text, 1, digit); scale /= 10)
    fraction += std::chrono::nanoseconds(digit * scale);
  return fraction;
}

/// All of the text: "Z", "+02:00".
std::optional<std::chrono::minutes> parse_offset(std::string_view text) noexcept {
  using std::chrono::minutes;
  if (text == "Z") return minutes(0);
  const bool is_west = text.starts_with('-');
  int hours = 0;
  int rest = 0;
  if ((!take(text, '-') && !take(text, '+')) || !take_digits(text, 2, hours) || !take(text, ':') ||
      !take_digits(text, 2, rest) || !text.empty())
    return std::nullopt;
  const minutes offset = std::chrono::hours(hours) + minutes(rest);
  return is_west ? -offset : offset;
}

}  // namespace

std::optional<uint64_t> parse_unsigned(std::string_view text) { return parse_whole<uint64_t>(text); }
std::optional<int64_t> parse_signed(std::string_view text) { return parse_whole<int64_t>(text); }

bool is_hex(std::string_view text) noexcept {
  return !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string short_id(std::string_view id) {
  constexpr std::string_view kAlgorithm = "sha256:";
  constexpr size_t kDigits = 12;
  if (id.starts_with(kAlgorithm)) id.remove_prefix(kAlgorithm.size());
  return std::string(id.substr(0, kDigits));
}

std::optional<uint64_t> parse_bytes(std::string_view text) { return parse_size(text, 1024); }
std::optional<uint64_t> parse_decimal_bytes(std::string_view text) { return parse_size(text, 1000); }

std::string human_size(uint64_t bytes, int digits) {
  return format_size(bytes, 1000.0, digits, {"B", "kB", "MB", "GB", "TB", "PB", "EB"});
}

std::string human_binary_size(uint64_t bytes) {
  return format_size(bytes, 1024.0, 4, {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"});
}

std::string human_duration(std::chrono::seconds duration) {
  const int64_t seconds = duration.count();
  const int64_t minutes = seconds / 60;
  const int64_t hours = (minutes + 30) / 60;  // rounded, as Docker does
  if (seconds < 1) return "Less than a second";
  if (seconds == 1) return "1 second";
  if (seconds < 60) return fmt::format("{} seconds", seconds);
  if (minutes == 1) return "About a minute";
  if (minutes < 60) return fmt::format("{} minutes", minutes);
  if (hours == 1) return "About an hour";
  if (hours < 48) return fmt::format("{} hours", hours);
  if (hours < 24L * 7 * 2) return fmt::format("{} days", hours / 24);
  if (hours < 24L * 30 * 2) return fmt::format("{} weeks", hours / 24 / 7);
  if (hours < 24L * 365 * 2) return fmt::format("{} months", hours / 24 / 30);
  return fmt::format("{} years", hours / 24 / 365);
}

std::string format_time(SystemTime time) {
  // Not gmtime_r(3): it reads the time zone's file, which UTC has no use for.
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::duration_cast<std::chrono::nanoseconds>(time - day));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

std::optional<SystemTime> parse_time(std::string_view text) {
  // Not strptime(3) and timegm(3): they ask for the locale and the time zone, which cost ps more than the digits.
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  const bool has_date = take_digits(text, 4, year) && take(text, '-') && take_digits(text, 2, month) &&
                        take(text, '-') && take_digits(text, 2, day) && take(text, 'T');
  const std::optional<std::chrono::seconds> clock = has_date ? take_clock(text) : std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  if (!clock || !date.ok()) return std::nullopt;
  const std::chrono::nanoseconds fraction = take_fraction(text);
  const std::optional<std::chrono::minutes> offset = parse_offset(text);
  if (!offset) return std::nullopt;
  return SystemTime(std::chrono::sys_days(date) + *clock + fraction - *offset);
}

}  // namespace myct
