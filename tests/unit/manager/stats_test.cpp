#include "myct/manager/stats.hpp"

#include <gtest/gtest.h>

namespace myct::manager {
namespace {

TEST(NetDev, is_summed_up_without_the_loopback_interface) {
  const NetworkBytes bytes = parse_net_dev(
      "Inter-|   Receive                                                |  Transmit\n"
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls "
      "carrier compressed\n"
      "    lo: 1000 10 0 0 0 0 0 0 1000 10 0 0 0 0 0 0\n"
      "  eth0: 300 3 1 1 1 1 1 1 50 2 0 0 0 0 0 0\n"
      "eth1:7 1 0 0 0 0 0 0 5 1 0 0 0 0 0 0\n");
  EXPECT_EQ(bytes.received, 307U);
  EXPECT_EQ(bytes.sent, 55U);
}

TEST(NetDev, has_nothing_in_a_namespace_with_nothing) {
  const NetworkBytes bytes = parse_net_dev("    lo: 1000 10 0 0 0 0 0 0 1000 10 0 0 0 0 0 0\n");
  EXPECT_EQ(bytes.received, 0U);
  EXPECT_EQ(bytes.sent, 0U);
  EXPECT_EQ(parse_net_dev("").sent, 0U);
}

}  // namespace
}  // namespace myct::manager
