#include "myct/state/port.hpp"

#include <gtest/gtest.h>

namespace myct::state {
namespace {

TEST(PublishedPort, is_read_as_it_was_written) {
  for (const char* text : {":0:80/tcp", ":8080:80/tcp", "127.0.0.1:8080-8090:80/udp", "[::]:8080:80/tcp",
                           "[2001:db8::1]:8080-8090:80/udp", "0.0.0.0:1:1/sctp"}) {
    const std::optional<PublishedPort> port = published_port_from_text(text);
    ASSERT_TRUE(port) << text;
    EXPECT_EQ(to_text(*port), text);
  }
  EXPECT_EQ(published_port_from_text("[2001:db8::1]:8080:80/tcp"),
            (PublishedPort{.host_address = "2001:db8::1", .host_port = 8080, .container_port = 80}));
}

TEST(PublishedPort, is_nothing_else) {
  for (const char* text : {"", "80", "80/tcp", ":80/tcp", "[::1:8080:80/tcp", "[::1]8080:80/tcp", "[", "[]:"})
    EXPECT_FALSE(published_port_from_text(text)) << text;
}

TEST(PublishedPort, has_an_address_of_one_family) {
  EXPECT_EQ(address_text({.host_address = "::1"}), "[::1]");
  EXPECT_EQ(address_text({.host_address = "127.0.0.1"}), "127.0.0.1");
  EXPECT_EQ(address_text({}), "0.0.0.0");
  EXPECT_TRUE(is_ipv6({.host_address = "::"}));
  EXPECT_FALSE(is_ipv6({}));
  EXPECT_TRUE(is_unspecified({.host_address = "::"}));
  EXPECT_TRUE(is_unspecified({.host_address = "0.0.0.0"}));
  EXPECT_FALSE(is_unspecified({.host_address = "::1"}));
}

}  // namespace
}  // namespace myct::state
