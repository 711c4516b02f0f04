// The name servers of networks of one's own, as containers on several of them ask, with a real server outside.
#include <fstream>

#include "lan.hpp"

namespace myct::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// Knows one name, and of all others that there are none.
constexpr const char* kOutside =
    "exec dnsmasq --keep-in-foreground --pid-file --user=root --no-resolv --no-hosts --address=/outside.test/"
    "203.0.113.7 --local=/#/";

class NetworkNames : public LanTest {
 protected:
  void SetUp() override {
    LanTest::SetUp();
    std::ofstream(path("resolv.conf")) << "nameserver 192.0.2.2\n";
    ASSERT_EQ(here("mount --bind " + path("resolv.conf") + " /etc/resolv.conf").status, 0);
    outside_.emplace(on(world(), kOutside));
    ASSERT_TRUE(eventually([&] { return here("dig @192.0.2.2 +short outside.test").out == "203.0.113.7\n"; }));
    ASSERT_EQ(create_network("one", {"--subnet", "10.91.0.0/24"}).status, 0);
    ASSERT_EQ(create_network("two", {"--subnet", "10.92.0.0/24"}).status, 0);
    ASSERT_EQ(create_network("closed", {"--subnet", "10.93.0.0/24", "--internal"}).status, 0);
  }
  void TearDown() override {
    for (const char* name : {"one", "two", "closed"})
      EXPECT_TRUE(eventually([&] { return myct({"network", "rm", name}).status == 0; })) << name;
    outside_->signal(SIGKILL);
    outside_->wait();
    (void)here("umount /etc/resolv.conf");
    LanTest::TearDown();
  }
  /// What dig(1) in a container's network namespace is told by the server at `address`.
  [[nodiscard]] std::string asked(const std::string& container, const std::string& address,
                                  const std::string& words) const {
    return in_network_of(container, "dig @" + address + " +tries=2 +time=4 " + words).out;
  }

 private:
  std::optional<Process> outside_;
};

TEST_F(NetworkNames, of_all_networks_of_a_container_are_told_by_the_server_of_each) {
  start("first", "exec sleep 1000", {"--network", "one"});
  start("second", "exec sleep 1000", {"--network", "two"});
  start("both", "exec sleep 1000", {"--network", "one", "--network", "two"});
  for (const char* server : {"10.91.0.1", "10.92.0.1"}) {
    EXPECT_EQ(asked("both", server, "+short first"), address_on("first", "one") + "\n") << server;
    EXPECT_EQ(asked("both", server, "+short second"), address_on("second", "two") + "\n") << server;
    EXPECT_EQ(asked("both", server, "+short second.two"), address_on("second", "two") + "\n") << server;
    EXPECT_EQ(asked("both", server, "+short -x " + address_on("second", "two")), "second.two.\n") << server;
    EXPECT_EQ(asked("both", server, "+short outside.test"), "203.0.113.7\n") << server;
    EXPECT_THAT(asked("both", server, "nobody"), HasSubstr("status: NXDOMAIN")) << server;
  }
  // The C library takes the first server's word for it.
  EXPECT_EQ(in("both", "ping -c 1 -W 5 second").status, 0);
  EXPECT_THAT(asked("first", "10.91.0.1", "second"), HasSubstr("status: NXDOMAIN")) << "it is not on that network";
  for (const char* name : {"both", "second", "first"}) remove(name);
}

TEST_F(NetworkNames, of_a_network_that_a_container_comes_to_are_told_at_once) {
  start("first", "exec sleep 1000", {"--network", "one"});
  start("second", "exec sleep 1000", {"--network", "two"});
  ASSERT_THAT(asked("first", "10.91.0.1", "second"), HasSubstr("status: NXDOMAIN"));
  ASSERT_EQ(myct({"network", "connect", "two", "first"}).status, 0);
  EXPECT_EQ(asked("first", "10.91.0.1", "+short second"), address_on("second", "two") + "\n");
  ASSERT_EQ(myct({"network", "disconnect", "two", "first"}).status, 0);
  EXPECT_THAT(asked("first", "10.91.0.1", "second"), HasSubstr("status: NXDOMAIN"));
  for (const char* name : {"second", "first"}) remove(name);
}

TEST_F(NetworkNames, outside_are_told_where_any_network_of_a_container_has_a_way_out) {
  start("db", "exec sleep 1000", {"--network", "closed"});
  for (const Words& networks :
       {Words{"--network", "closed", "--network", "one"}, Words{"--network", "one", "--network", "closed"}}) {
    start("web", "exec sleep 1000", networks);
    for (const char* server : {"10.91.0.1", "10.93.0.1"}) {
      EXPECT_EQ(asked("web", server, "+short outside.test"), "203.0.113.7\n") << server;
      EXPECT_EQ(asked("web", server, "+short db"), address_on("db", "closed") + "\n") << server;
    }
    remove("web");
  }
  start("web", "exec sleep 1000", {"--network", "closed", "--network", "bridge"});
  EXPECT_EQ(asked("web", "10.93.0.1", "+short outside.test"), "203.0.113.7\n") << "by the default network";
  EXPECT_THAT(asked("db", "10.93.0.1", "outside.test"), AllOf(HasSubstr("NXDOMAIN"), Not(HasSubstr("203.0.113.7"))));
  remove("web");
  remove("db");
}

TEST_F(NetworkNames, are_asked_of_servers_that_the_container_reaches) {
  std::ofstream(path("resolv.conf")) << "nameserver fe80::2%lan0\nnameserver 2001:db8:1::2\nnameserver 192.0.2.2\n";
  EXPECT_TRUE(prints(shell({}, "grep nameserver /etc/resolv.conf"), "nameserver 192.0.2.2\n"));
  ASSERT_EQ(create_network("segment", {"-d", "macvlan", "-o", "parent=lan0", "--subnet", "192.0.2.0/24", "--gateway",
                                       "192.0.2.2", "--ip-range", "192.0.2.128/25", "--subnet", "2001:db8:1::/64"})
                .status,
            0);
  EXPECT_TRUE(prints(shell({"--network", "segment"}, "grep nameserver /etc/resolv.conf"),
                     "nameserver 2001:db8:1::2\nnameserver 192.0.2.2\n"));
  start("web", "exec sleep 1000");
  ASSERT_EQ(myct({"network", "connect", "segment", "web"}).status, 0);
  EXPECT_EQ(in("web", "grep nameserver /etc/resolv.conf").out, "nameserver 2001:db8:1::2\nnameserver 192.0.2.2\n");
  ASSERT_EQ(myct({"network", "disconnect", "segment", "web"}).status, 0);
  EXPECT_EQ(in("web", "grep nameserver /etc/resolv.conf").out, "nameserver 192.0.2.2\n");
  remove("web");
  EXPECT_EQ(myct({"network", "rm", "segment"}).status, 0);
  // The name server of a network asks them as the host does.
  std::ofstream(path("resolv.conf")) << "nameserver 2001:db8:1::2\n";
  EXPECT_TRUE(prints(shell({"--network", "one"}, "grep nameserver /etc/resolv.conf"), "nameserver 10.91.0.1\n"));
  EXPECT_TRUE(
      prints(shell({"--network", "one"}, "nslookup -type=a outside.test | grep -o 203.0.113.7"), "203.0.113.7\n"));
}

TEST_F(NetworkNames, are_answered_when_a_container_publishes_port_53_afterwards) {
  ASSERT_EQ(create_network("six", {"--subnet", "10.94.0.0/24", "--ipv6"}).status, 0);
  start("db", "exec sleep 1000", {"--network", "one", "--network", "six"});
  ASSERT_EQ(asked("db", "10.91.0.1", "+short db"), address_on("db", "one") + "\n");
  for (const Words& ports : {Words{"-p", "53:53/udp"}, Words{"-p", "53:80", "-p", "53:53/udp"}}) {
    start("web", kWebServer, ports);
    for (const char* how : {"+short", "+short +tcp"}) {
      EXPECT_EQ(asked("db", "10.91.0.1", std::string(how) + " db"), address_on("db", "one") + "\n");
      EXPECT_EQ(asked("db", "10.94.0.1", std::string(how) + " db"), address_on("db", "one") + "\n");
    }
    if (ports.size() > 2) {
      EXPECT_EQ(fetched_outside("http://192.0.2.1:53/name"), name_in("web"));
      EXPECT_EQ(fetched_outside("http://[2001:db8:1::1]:53/name"), name_in("web"));
    }
    EXPECT_TRUE(fails_with(myct({"run", "--rm", "-p", "53:53/udp", "busybox", "true"}), 125,
                           "container " + inspect("web", ".Id").substr(0, 12) + " has it"));
    remove("web");
  }
  EXPECT_EQ(asked("db", "10.91.0.1", "+short db"), address_on("db", "one") + "\n");
  remove("db");
  EXPECT_TRUE(eventually([&] { return published().find("elements") == std::string::npos; }));
  EXPECT_TRUE(eventually([&] { return myct({"network", "rm", "six"}).status == 0; }));
}

}  // namespace
}  // namespace myct::test
