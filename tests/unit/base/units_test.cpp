#include "myct/base/units.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace myct {
namespace {

using std::chrono::seconds;

TEST(ParseBytes, reads_suffixes_as_docker_does) {
  EXPECT_EQ(parse_bytes("0"), 0U);
  EXPECT_EQ(parse_bytes("512"), 512U);
  EXPECT_EQ(parse_bytes("512b"), 512U);
  EXPECT_EQ(parse_bytes("64k"), 64U << 10);
  EXPECT_EQ(parse_bytes("512M"), 512U << 20);
  EXPECT_EQ(parse_bytes("512MiB"), 512U << 20);
  EXPECT_EQ(parse_bytes("1gb"), 1U << 30);
  EXPECT_EQ(parse_bytes("1.5g"), 3U << 29);
  EXPECT_EQ(parse_bytes("1 g"), 1U << 30);
}

TEST(ParseBytes, refuses_what_is_not_a_size) {
  for (const char* text : {"", "x", "1x", "-1", "1.2.3", "g", "1gg", "1e3", "99999999999t", "1kbb", " 1"})
    EXPECT_EQ(parse_bytes(text), std::nullopt) << text;
}

TEST(ParseDecimalBytes, counts_in_thousands_whatever_the_suffix) {
  EXPECT_EQ(parse_decimal_bytes("512"), 512U);
  EXPECT_EQ(parse_decimal_bytes("10m"), 10'000'000U);
  EXPECT_EQ(parse_decimal_bytes("10MiB"), 10'000'000U);
  EXPECT_EQ(parse_decimal_bytes("1.5kb"), 1500U);
  for (const char* text : {"", "-1", "x", "1x"}) EXPECT_EQ(parse_decimal_bytes(text), std::nullopt) << text;
}

TEST(HumanSize, has_four_significant_digits) {
  EXPECT_EQ(human_size(0), "0B");
  EXPECT_EQ(human_size(999), "999B");
  EXPECT_EQ(human_size(3'490'290), "3.49MB");
  EXPECT_EQ(human_size(7'800'000), "7.8MB");
  EXPECT_EQ(human_size(std::numeric_limits<uint64_t>::max()), "18.45EB");
}

TEST(HumanBinarySize, has_four_significant_digits) {
  EXPECT_EQ(human_binary_size(0), "0B");
  EXPECT_EQ(human_binary_size(1023), "1023B");
  EXPECT_EQ(human_binary_size(1536), "1.5KiB");
  EXPECT_EQ(human_binary_size(512U << 20), "512MiB");
  EXPECT_EQ(human_binary_size(std::numeric_limits<uint64_t>::max()), "16EiB");
}

TEST(HumanDuration, speaks_as_docker_does) {
  EXPECT_EQ(human_duration(seconds(0)), "Less than a second");
  EXPECT_EQ(human_duration(seconds(1)), "1 second");
  EXPECT_EQ(human_duration(seconds(59)), "59 seconds");
  EXPECT_EQ(human_duration(seconds(60)), "About a minute");
  EXPECT_EQ(human_duration(seconds(125)), "2 minutes");
  EXPECT_EQ(human_duration(seconds(3600)), "About an hour");
  EXPECT_EQ(human_duration(seconds(3 * 3600)), "3 hours");
  EXPECT_EQ(human_duration(seconds(3 * 86400)), "3 days");
  EXPECT_EQ(human_duration(seconds(20 * 86400)), "2 weeks");
  EXPECT_EQ(human_duration(seconds(90 * 86400)), "3 months");
  EXPECT_EQ(human_duration(seconds(800LL * 86400)), "2 years");
}

TEST(Time, survives_the_way_to_text_and_back) {
  const SystemTime now = std::chrono::system_clock::now();
  EXPECT_EQ(parse_time(format_time(now)), now);
  EXPECT_EQ(format_time(SystemTime{}), "1970-01-01T00:00:00.000000000Z");
}

TEST(Time, reads_offsets_and_refuses_nonsense) {
  EXPECT_EQ(parse_time("1970-01-01T01:00:00+01:00"), SystemTime{});
  EXPECT_EQ(parse_time("1969-12-31T23:00:00.5-01:00"), SystemTime{} + std::chrono::milliseconds(500));
  EXPECT_EQ(parse_time("2024-02-29T23:59:60Z"), parse_time("2024-03-01T00:00:00.000Z"));
  EXPECT_EQ(parse_time("2024-05-01T10:00:00.1234567899Z"), parse_time("2024-05-01T10:00:00.123456789Z"));
  for (const char* text :
       {"", "yesterday", "1970-01-01", "1970-01-01T00:00:00", "1970-01-01T00:00:00+1", "1970-01-01T00:00:00Zx",
        "1970-01-01T00:00:00+01:0", "1970-01-01T00:00:00+01:000", "1970-01-01T0:00:00Z", "1970-01-01T 0:00:00Z",
        "1970-13-01T00:00:00Z", "2023-02-29T00:00:00Z", "1970-01-01T24:00:00Z", "1970-01-01T00:60:00Z", "1970-01-01T",
        "-970-01-01T00:00:00Z"})
    EXPECT_EQ(parse_time(text), std::nullopt) << text;
}

}  // namespace
}  // namespace myct
