#include "io_weight.hpp"

#include <gtest/gtest.h>

namespace myct::cgroup {
namespace {

TEST(IoWeight, is_for_a_disk_or_for_all) {
  EXPECT_EQ(disk_of_weight("8:16 500"), "8:16");
  EXPECT_EQ(disk_of_weight("8:16 default"), "8:16");
  EXPECT_EQ(disk_of_weight("500"), "");
  EXPECT_EQ(disk_of_weight("default 500"), "");
}

TEST(IoWeight, counts_for_bfq_where_it_is_in_use_and_not_only_there) {
  EXPECT_TRUE(is_bfq_chosen("mq-deadline kyber [bfq] none\n"));
  EXPECT_FALSE(is_bfq_chosen("[mq-deadline] kyber bfq none\n"));
  EXPECT_FALSE(is_bfq_chosen("none\n"));
}

TEST(IoWeight, counts_for_io_cost_on_the_disks_where_it_is_enabled) {
  const char* const qos =
      "8:0 enable=0 ctrl=auto rpct=0.00\n"
      "8:16 enable=1 ctrl=user rpct=95.00\n";
  EXPECT_TRUE(is_cost_enabled(qos, ""));
  EXPECT_TRUE(is_cost_enabled(qos, "8:16"));
  EXPECT_FALSE(is_cost_enabled(qos, "8:0"));
  EXPECT_FALSE(is_cost_enabled(qos, "8:1"));
  EXPECT_FALSE(is_cost_enabled("", ""));
  EXPECT_FALSE(is_cost_enabled("8:0 enable=0\n", ""));
}

TEST(IoWeight, is_taken_away_by_the_one_that_all_have) {
  const auto setting = [](const char* value) {
    return Setting{.controller = "io",
                   .file = "io.bfq.weight",
                   .value = value,
                   .purpose = {},
                   .fallback_file = {},
                   .fallback_value = {}};
  };
  EXPECT_TRUE(is_weight_taken_away(setting("default 100")));
  EXPECT_TRUE(is_weight_taken_away(setting("8:16 default")));
  EXPECT_FALSE(is_weight_taken_away(setting("100")));
  EXPECT_FALSE(is_weight_taken_away(setting("8:16 100")));
}

}  // namespace
}  // namespace myct::cgroup
