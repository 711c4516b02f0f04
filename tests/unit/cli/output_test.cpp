#include "output.hpp"

#include <gtest/gtest.h>

#include "progress.hpp"

namespace myct::cli {
namespace {

TEST(FormatTable, pads_by_characters_and_not_by_bytes) {
  EXPECT_EQ(format_table({{"ID", "COMMAND", "N"}, {"a", "\"x…\"", "1"}, {"bcd", "\"yz\"", "2"}}),
            "ID        COMMAND   N\n"
            "a         \"x…\"      1\n"
            "bcd       \"yz\"      2");
}

TEST(QuotedCommand, is_cut_with_an_ellipsis) {
  EXPECT_EQ(quoted_command({"sh", "-c", "echo"}, 20), "\"sh -c echo\"");
  EXPECT_EQ(quoted_command({"0123456789", "0123456789"}, 20), "\"0123456789 01234567…\"");
  EXPECT_EQ(quoted_command({"ääääää"}, 4), "\"äää…\"");
  EXPECT_EQ(quoted_command({"sh", "-c", "echo \"a b\""}, 40), "\"sh -c 'echo \\\"a b\\\"'\"");
  EXPECT_EQ(quoted_command({"a\n\x1b[31m"}, 20), "\"a  [31m\"");
}

TEST(ShortId, leaves_the_algorithm_out) {
  EXPECT_EQ(short_id("sha256:0123456789abcdef"), "0123456789ab");
  EXPECT_EQ(short_id("0123456789abcdef"), "0123456789ab");
}

TEST(BarText, is_always_as_wide_as_asked) {
  EXPECT_EQ(bar_text(0, 100, 10), ">         ");
  EXPECT_EQ(bar_text(50, 100, 10), "=====>    ");
  EXPECT_EQ(bar_text(100, 100, 10), "==========");
  EXPECT_EQ(bar_text(200, 100, 10), "==========");
  EXPECT_EQ(bar_text(1, 0, 10), ">         ");
}

}  // namespace
}  // namespace myct::cli
