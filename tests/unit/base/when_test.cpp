#include "myct/base/when.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace myct {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST(ParseDuration, reads_gos_durations) {
  EXPECT_EQ(parse_duration("0"), nanoseconds(0));
  EXPECT_EQ(parse_duration("10s"), seconds(10));
  EXPECT_EQ(parse_duration("1h30m"), minutes(90));
  EXPECT_EQ(parse_duration("1.5h"), minutes(90));
  EXPECT_EQ(parse_duration("0.1m"), seconds(6));
  EXPECT_EQ(parse_duration(".5s"), milliseconds(500));
  EXPECT_EQ(parse_duration("1m0.25s"), milliseconds(60'250));
  EXPECT_EQ(parse_duration("3ms2us1ns"), nanoseconds(3'002'001));
  EXPECT_EQ(parse_duration("2µs"), nanoseconds(2000));
  EXPECT_EQ(parse_duration("-10s"), seconds(-10));
  EXPECT_EQ(parse_duration("+10s"), seconds(10));
}

TEST(FormatDuration, is_as_go_prints_it) {
  EXPECT_EQ(format_duration(nanoseconds(0)), "0s");
  EXPECT_EQ(format_duration(seconds(30)), "30s");
  EXPECT_EQ(format_duration(seconds(90)), "1m30s");
  EXPECT_EQ(format_duration(hours(2)), "2h0m0s");
  EXPECT_EQ(format_duration(milliseconds(1'500)), "1.5s");
  EXPECT_EQ(format_duration(milliseconds(61'050)), "1m1.05s");
  EXPECT_EQ(format_duration(milliseconds(200)), "200ms");
  EXPECT_EQ(format_duration(nanoseconds(1'500'000)), "1.5ms");
  EXPECT_EQ(format_duration(nanoseconds(1'001)), "1.001µs");
  EXPECT_EQ(format_duration(nanoseconds(999)), "999ns");
  EXPECT_EQ(format_duration(seconds(-1)), "-1s");
}

TEST(ParseDuration, refuses_what_is_none) {
  for (const char* text : {"", "-", "s", "10", "1d", "1h 30m", "h1", ".s", "1..5s", "10sec", "9999999999h",
                           "99999999999999999999s", "2562047h48m"})
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}

/// Central European time by rules that need no files.
class ParseWhen : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    ::tzset();
  }
  void TearDown() override {
    ::unsetenv("TZ");
    ::tzset();
  }

  static std::optional<SystemTime> when(std::string_view text) { return parse_when(text, SystemTime(hours(1000))); }
};

TEST_F(ParseWhen, takes_durations_from_now) {
  EXPECT_EQ(when("1h30m"), SystemTime(hours(998) + minutes(30)));
  EXPECT_EQ(when("-1h"), SystemTime(hours(1001)));
}

TEST_F(ParseWhen, reads_seconds_since_1970) {
  EXPECT_EQ(when("0"), SystemTime());
  EXPECT_EQ(when("2024"), SystemTime(seconds(2024)));
  EXPECT_EQ(when("1714557600"), SystemTime(seconds(1'714'557'600)));
  EXPECT_EQ(when("1714557600.000000001"), SystemTime(seconds(1'714'557'600) + nanoseconds(1)));
  EXPECT_EQ(when("1714557600.5"), SystemTime(seconds(1'714'557'600) + milliseconds(500)));
  EXPECT_EQ(when("-1.5"), SystemTime(milliseconds(-1500)));
}

TEST_F(ParseWhen, reads_times_with_a_zone) {
  const SystemTime time(seconds(1'714'557'600));  // 2024-05-01T10:00:00Z
  EXPECT_EQ(when("2024-05-01T10:00:00Z"), time);
  EXPECT_EQ(when("2024-05-01T10:00:00.123456789Z"), time + nanoseconds(123'456'789));
  EXPECT_EQ(when("2024-05-01T12:30:00+02:30"), time);
  EXPECT_EQ(when("2024-05-01T05:00:00.5-05:00"), time + milliseconds(500));
  EXPECT_EQ(when("2024-05-01T10:00Z"), time);
  EXPECT_EQ(when("2024-05-01T10Z"), time);
  EXPECT_EQ(when("2024-05-01Z"), time - hours(10));
}

TEST_F(ParseWhen, reads_times_without_a_zone_as_local_ones) {
  EXPECT_EQ(when("2024-05-01T12:00:00"), SystemTime(seconds(1'714'557'600)));  // two hours before UTC in summer
  EXPECT_EQ(when("2024-05-01T12:00"), when("2024-05-01T10:00:00Z"));
  EXPECT_EQ(when("2024-05-01"), when("2024-04-30T22:00:00Z"));
  EXPECT_EQ(when("2024-01-01"), when("2023-12-31T23:00:00Z"));  // one in winter
  EXPECT_EQ(when("2024-02-29T00:00:00.25"), when("2024-02-28T23:00:00.25Z"));
}

TEST_F(ParseWhen, refuses_what_is_none) {
  for (const char* text :
       {"", "yesterday", "2024-5-1", "2024-13-01", "2023-02-29", "2024-05-01T", "2024-05-01T24:00:00",
        "2024-05-01T10:60", "2024-05-01T10:00:61", "2024-05-01T10:00:00.", "2024-05-01 10:00:00",
        "2024-05-01T10:00:00+2", "2024-05-01T10:00:00Zx", "1714557600x", "99999999999999", "9999-01-01", "1.2.3"})
    EXPECT_EQ(when(text), std::nullopt) << text;
}

}  // namespace
}  // namespace myct
