#include "myct/state/health.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "myct/base/error.hpp"

namespace myct::state {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

const SystemTime kStart = *parse_time("2024-05-01T10:00:00Z");

/// Three retries, and no failure counts in the first ten seconds.
class CountHealth : public ::testing::Test {
 protected:
  /// A check that begins so many seconds after the start.
  HealthStatus after(int second, int exit_code) {
    const SystemTime start = kStart + seconds(second);
    count(health_, check_, kStart, {.start = start, .end = start + seconds(1), .exit_code = exit_code, .output = {}});
    return health_.status;
  }

  oci::Healthcheck check_{.test = {"CMD", "x"}, .start_period = seconds(10), .retries = 3};
  Health health_;
};

TEST_F(CountHealth, begins_as_starting) {
  EXPECT_EQ(health_.status, HealthStatus::Starting);
  EXPECT_EQ(health_.failing_streak, 0U);
}

TEST_F(CountHealth, does_not_count_failures_in_the_start_period) {
  for (int second = 0; second < 10; ++second) EXPECT_EQ(after(second, 1), HealthStatus::Starting);
  EXPECT_EQ(health_.failing_streak, 0U);
  EXPECT_EQ(after(10, 1), HealthStatus::Starting);
  EXPECT_EQ(health_.failing_streak, 1U);
}

TEST_F(CountHealth, is_healthy_at_the_first_success) {
  EXPECT_EQ(after(1, 1), HealthStatus::Starting);
  EXPECT_EQ(after(2, 0), HealthStatus::Healthy);
}

TEST_F(CountHealth, counts_failures_in_the_start_period_once_it_was_healthy) {
  after(1, 0);
  EXPECT_EQ(after(2, 1), HealthStatus::Healthy);
  EXPECT_EQ(health_.failing_streak, 1U);
  after(3, 1);
  EXPECT_EQ(after(4, 1), HealthStatus::Unhealthy);
}

TEST_F(CountHealth, is_unhealthy_after_as_many_failures_in_a_row_as_there_are_retries) {
  EXPECT_EQ(after(20, 1), HealthStatus::Starting);
  EXPECT_EQ(after(21, -1), HealthStatus::Starting) << "one that took too long";
  EXPECT_EQ(after(22, 127), HealthStatus::Unhealthy);
  EXPECT_EQ(after(23, 1), HealthStatus::Unhealthy);
  EXPECT_EQ(health_.failing_streak, 4U);
}

TEST_F(CountHealth, begins_to_count_anew_after_a_success) {
  for (const int exit_code : {1, 1, 0, 1, 1}) EXPECT_NE(after(20, exit_code), HealthStatus::Unhealthy);
  EXPECT_EQ(health_.failing_streak, 2U);
  EXPECT_EQ(after(20, 1), HealthStatus::Unhealthy);
  EXPECT_EQ(after(21, 0), HealthStatus::Healthy);
  EXPECT_EQ(health_.failing_streak, 0U);
}

TEST_F(CountHealth, has_three_retries_where_nobody_has_chosen) {
  check_.retries = 0;
  after(20, 1);
  EXPECT_EQ(after(21, 1), HealthStatus::Starting);
  EXPECT_EQ(after(22, 1), HealthStatus::Unhealthy);
}

TEST_F(CountHealth, keeps_the_last_five_results) {
  for (int second = 0; second < 7; ++second) after(second, second);
  ASSERT_EQ(health_.log.size(), 5U);
  EXPECT_EQ(health_.log.front().exit_code, 2);
  EXPECT_EQ(health_.log.back().exit_code, 6);
}

TEST(Health, survives_the_way_to_json_and_back) {
  const Health health{.status = HealthStatus::Unhealthy,
                      .failing_streak = 7,
                      .log = {{.start = kStart, .end = kStart + seconds(1), .exit_code = -1, .output = "no\n"}}};
  const std::string text = to_json(health);
  EXPECT_EQ(text, R"({"failingStreak":7,"log":[{"end":"2024-05-01T10:00:01.000000000Z","exitCode":-1,"output":"no\n",)"
                  R"("start":"2024-05-01T10:00:00.000000000Z"}],"status":"unhealthy"})");
  EXPECT_EQ(to_json(health_from_json(text, "health.json")), text);
}

TEST(Health, is_written_whatever_bytes_a_command_writes) {
  const Health health{.log = {{.start = kStart, .end = kStart, .output = "a\xff\xc3"}}};
  EXPECT_EQ(health_from_json(to_json(health), "health.json").log.front().output, "a\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Health, that_cannot_be_read_is_an_error_that_names_the_file) {
  for (const char* text : {"", "[]", "{", R"({"status":"fine"})", R"({"status":"healthy","failingStreak":"x"})",
                           R"({"status":"healthy","log":[{"start":"now"}]})"})
    try {
      (void)health_from_json(text, "/run/health.json");
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("/run/health.json"));
    }
}

}  // namespace
}  // namespace myct::state
