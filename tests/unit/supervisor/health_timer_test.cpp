#include "myct/supervisor/health_timer.hpp"

#include <gtest/gtest.h>

namespace myct::supervisor {
namespace {

using std::chrono::milliseconds;

constexpr HealthTimes kTimes{.interval = 30'000, .start_interval = 5'000, .start_period = 60'000};

TEST(TimeToNextCheck, is_the_start_interval_in_the_start_period) {
  EXPECT_EQ(time_to_next_check(kTimes, milliseconds(0), true), milliseconds(5'000));
  EXPECT_EQ(time_to_next_check(kTimes, milliseconds(59'999), true), milliseconds(5'000));
}

TEST(TimeToNextCheck, is_the_interval_after_it_or_when_the_container_is_not_starting_any_more) {
  EXPECT_EQ(time_to_next_check(kTimes, milliseconds(60'000), true), milliseconds(30'000));
  EXPECT_EQ(time_to_next_check(kTimes, milliseconds(1), false), milliseconds(30'000));
}

TEST(TimeToNextCheck, is_the_interval_from_the_beginning_without_a_start_period) {
  EXPECT_EQ(time_to_next_check({.interval = 1, .start_interval = 2}, milliseconds(0), true), milliseconds(1));
}

TEST(HealthTimer, is_never_due_without_checks) {
  HealthTimer timer;
  EXPECT_EQ(timer.due(), std::nullopt);
  timer.step(false);
  EXPECT_EQ(timer.probe(), -1);
}

TEST(HealthTimer, is_first_due_after_an_interval) {
  const HealthTimer::Clock::time_point now = HealthTimer::Clock::now();
  const HealthTimer timer(kTimes, now, {kHealthName});
  ASSERT_TRUE(timer.due());
  EXPECT_GE(*timer.due(), now + milliseconds(5'000));
  EXPECT_LT(*timer.due(), now + milliseconds(30'000));
}

TEST(ProbeExitOf, knows_what_a_check_exits_with_from_how_else_a_process_ends) {
  EXPECT_EQ(probe_exit_of({.value = 0}), ProbeExit::Passed);
  EXPECT_EQ(probe_exit_of({.value = 10}), ProbeExit::FailedInStart);
  EXPECT_EQ(probe_exit_of({.value = 11}), ProbeExit::Failed);
  EXPECT_EQ(probe_exit_of({.value = 125}), std::nullopt);
  EXPECT_EQ(probe_exit_of({.signaled = true, .value = 11}), std::nullopt);
}

}  // namespace
}  // namespace myct::supervisor
