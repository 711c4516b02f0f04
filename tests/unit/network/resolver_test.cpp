#include "myct/network/resolver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "name_server_sign.hpp"

namespace myct::network {
namespace {

using ::testing::ElementsAre;

constexpr std::string_view kHost = "# mine\nnameserver 192.0.2.2\nnameserver 127.0.0.1\nsearch lan\noptions rotate\n";

TEST(ResolvConf, follows_the_host_without_its_loopback) {
  EXPECT_EQ(build_resolv_conf(kHost), "# mine\nnameserver 192.0.2.2\nsearch lan\noptions rotate\n");
  EXPECT_EQ(build_resolv_conf("nameserver 127.0.0.1\n"), "nameserver 8.8.8.8\nnameserver 8.8.4.4\n");
}

TEST(ResolvConf, names_no_server_that_a_container_does_not_reach) {
  constexpr std::string_view kMixed =
      "nameserver fe80::1%eth0\nnameserver FEBF::1\nnameserver ::1\nnameserver 2001:db8::1\nnameserver 192.0.2.2\n";
  EXPECT_EQ(build_resolv_conf(kMixed, {}, HasIpv6::Yes), "nameserver 2001:db8::1\nnameserver 192.0.2.2\n");
  EXPECT_EQ(build_resolv_conf(kMixed, {}, HasIpv6::No), "nameserver 192.0.2.2\n");
  EXPECT_EQ(build_resolv_conf("nameserver fec0::1\n", {}, HasIpv6::Yes), "nameserver fec0::1\n");
  EXPECT_EQ(build_resolv_conf("nameserver fec0::1\n", {}, HasIpv6::No), "nameserver 8.8.8.8\nnameserver 8.8.4.4\n");
  EXPECT_EQ(build_resolv_conf(kMixed, {.servers = {"fe80::2%eth0"}, .searches = {}, .options = {}}, HasIpv6::No),
            "nameserver fe80::2%eth0\n")
      << "what the user says";
}

TEST(ResolvConf, replaces_what_the_user_has_chosen_and_no_more) {
  EXPECT_EQ(build_resolv_conf(kHost, {.servers = {"127.0.0.1"}, .searches = {}, .options = {}}),
            "# mine\nsearch lan\noptions rotate\nnameserver 127.0.0.1\n");
  EXPECT_EQ(build_resolv_conf(kHost, {.servers = {}, .searches = {"a.test", "b.test"}, .options = {"ndots:2"}}),
            "# mine\nnameserver 192.0.2.2\nsearch a.test b.test\noptions ndots:2\n");
  EXPECT_EQ(build_resolv_conf(kHost, {.servers = {}, .searches = {"."}, .options = {}}),
            "# mine\nnameserver 192.0.2.2\noptions rotate\n");
}

TEST(ResolvConf, names_the_gateway_where_a_server_listens) {
  EXPECT_EQ(build_named_resolv_conf(kHost, {"10.89.0.1"}, {.servers = {"192.0.2.9"}, .searches = {}, .options = {}}),
            "# mine\nsearch lan\noptions rotate\nnameserver 10.89.0.1\noptions ndots:0\n");
  EXPECT_EQ(build_named_resolv_conf(kHost, {"10.89.0.1"}, {.servers = {}, .searches = {}, .options = {"ndots:3"}}),
            "# mine\nsearch lan\nnameserver 10.89.0.1\noptions ndots:3\n");
}

TEST(ResolvConf, lists_its_servers) {
  EXPECT_THAT(name_servers("nameserver\t10.0.0.1 # one\n#nameserver 10.0.0.2\nnameserver fe80::1%eth0"),
              ElementsAre("10.0.0.1", "fe80::1%eth0"));
}

TEST(Hosts, has_added_names_before_the_containers_own) {
  const std::vector<HostEntry> added = {{"10.0.0.9", "db"}};
  EXPECT_TRUE(build_hosts(std::vector<std::string>{"10.0.0.2"}, "web", added)
                  .ends_with("ff02::2\tip6-allrouters\n10.0.0.9\tdb\n10.0.0.2\tweb\n"));
}

TEST(NameServerSign, survives_a_round_trip) {
  const Sign sign{.pid = 7, .description = "interface=3 a=b c", .detours = {{"10.0.0.1", 4000}}};
  const std::string text = to_text(sign);
  const std::optional<Sign> read = sign_from_text(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->pid, 7);
  EXPECT_EQ(read->description, sign.description);
  ASSERT_EQ(read->detours.size(), 1U);
  EXPECT_EQ(read->detours[0].port, 4000);
  for (size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(sign_from_text(text.substr(0, size))) << size;
}

}  // namespace
}  // namespace myct::network
