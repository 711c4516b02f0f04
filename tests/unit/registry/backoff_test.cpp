#include "backoff.hpp"

#include <gtest/gtest.h>

namespace myct::registry {
namespace {

using namespace std::chrono_literals;

TEST(RetryAfter, is_seconds_or_a_date) {
  const auto now = std::chrono::system_clock::from_time_t(1'761'030'000);  // 2025-10-21 07:00:00 UTC
  EXPECT_EQ(parse_retry_after("0", now), 0ms);
  EXPECT_EQ(parse_retry_after("120", now), 120s);
  EXPECT_EQ(parse_retry_after("Tue, 21 Oct 2025 07:01:30 GMT", now), 90s);
  EXPECT_EQ(parse_retry_after("Tue, 21 Oct 2025 06:00:00 GMT", now), 0ms);
  EXPECT_EQ(parse_retry_after("99999999999999", now), 24h);
  for (const char* text : {"", "-1", "soon", "1.5", "Tue, 21 Oct 2025"}) EXPECT_FALSE(parse_retry_after(text, now));
}

TEST(Backoff, doubles_its_waits_up_to_the_longest) {
  Backoff backoff({.attempts = 6, .first_wait = 100ms, .longest_wait = 400ms});
  for (const auto longest : {100ms, 200ms, 400ms, 400ms, 400ms}) {
    const auto wait = backoff.next();
    ASSERT_TRUE(wait);
    EXPECT_GE(*wait, longest / 2);
    EXPECT_LE(*wait, longest);
  }
  EXPECT_FALSE(backoff.next());
}

TEST(Backoff, waits_as_long_as_it_is_asked_to_within_reason) {
  Backoff backoff({.attempts = 6, .longest_asked_for = 60s});
  EXPECT_EQ(backoff.next(7s), 7s);
  EXPECT_FALSE(backoff.next(61s));
}

TEST(Backoff, has_all_attempts_again_after_progress) {
  Backoff backoff({.attempts = 2});
  EXPECT_TRUE(backoff.next());
  EXPECT_FALSE(backoff.next());
  backoff.start_over();
  EXPECT_TRUE(backoff.next());
}

TEST(Backoff, knows_which_answers_may_change) {
  for (const int status : {408, 429, 500, 502, 503, 504}) EXPECT_TRUE(is_passing(status)) << status;
  for (const int status : {200, 206, 301, 400, 401, 403, 404, 416, 501, 505})
    EXPECT_FALSE(is_passing(status)) << status;
}

}  // namespace
}  // namespace myct::registry
