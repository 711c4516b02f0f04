#include "backoff.hpp"

#include <algorithm>
#include <ctime>
#include <random>

#include "myct/base/units.hpp"

namespace myct::registry {
namespace {

using std::chrono::milliseconds;

double chance() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0.5, 1.0)(generator);
}

}  // namespace

std::optional<milliseconds> parse_retry_after(std::string_view value, std::chrono::system_clock::time_point now) {
  constexpr uint64_t kDay = 24 * 3600;
  if (const auto seconds = parse_unsigned(value))
    return std::chrono::seconds(static_cast<int64_t>(std::min(*seconds, kDay)));
  std::tm time{};
  const std::string text(value);
  const char* end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &time);
  if (end == nullptr || *end != '\0') return std::nullopt;
  const auto until = std::chrono::system_clock::from_time_t(::timegm(&time));
  return std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(until - now));
}

bool is_passing(int status) noexcept {
  // 501 and 505 are no accidents.
  return status == 408 || status == 429 || (status >= 500 && status != 501 && status != 505);
}

std::optional<milliseconds> Backoff::next(std::optional<milliseconds> asked_for, int most) {
  ++failures_;
  if (failures_ >= std::min(policy_.attempts, most)) return std::nullopt;
  if (asked_for) return *asked_for > policy_.longest_asked_for ? std::nullopt : asked_for;
  milliseconds wait = policy_.first_wait;
  for (int i = 1; i < failures_ && wait < policy_.longest_wait; ++i) wait *= 2;
  return milliseconds(
      static_cast<int64_t>(chance() * static_cast<double>(std::min(wait, policy_.longest_wait).count())));
}

}  // namespace myct::registry
