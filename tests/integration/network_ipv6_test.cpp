// Networks with IPv6, with real packets.
#include "lan.hpp"

namespace myct::test {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;

constexpr const char* kSubnet = "fd00:7::/64";

class NetworkIpv6 : public LanTest {
 protected:
  void SetUp() override {
    LanTest::SetUp();
    ASSERT_EQ(here("ip -6 route add default via 2001:db8:1::2").status, 0);
  }
  void TearDown() override {
    for (const std::string& name : names_)
      EXPECT_TRUE(eventually([&] { return myct({"network", "rm", name}).status == 0; })) << name;
    LanTest::TearDown();
  }
  void make(const std::string& name, const Words& options) {
    const Result result = create_network(name, options);
    ASSERT_EQ(result.status, 0) << result;
    names_.push_back(name);
  }
  [[nodiscard]] std::string address6(const std::string& container, const std::string& network) const {
    return inspect(container, ".NetworkSettings.Networks." + network + ".GlobalIPv6Address");
  }
  /// Whether a server on that machine takes a container for the one at `source`.
  [[nodiscard]] bool is_seen_as(const Machine& machine, const std::string& address, const std::string& container,
                                const std::string& source) const {
    Process server(
        on(machine, "echo ready; exec busybox httpd -f -v -p [::]:9999 -h " + make_directory("www") + " 2>&1"));
    const bool serves = server.read_until("ready");
    (void)in(container, "for try in 1 2 3 4 5; do timeout 5 wget -q -O- 'http://" + address +
                            ":9999/' 2>&1 | grep -q refused || break; sleep 0.2; done");
    const bool is_seen = server.read_until(source + "]");
    server.signal(SIGKILL);
    server.wait();
    return serves && is_seen;
  }

 private:
  std::vector<std::string> names_;
};

TEST_F(NetworkIpv6, has_local_addresses_on_request) {
  make("app", {"--ipv6"});
  const Result told = myct({"network", "inspect", "-f", "{{.EnableIPv6}} {{(index .IPAM.Config 1).Subnet}}", "app"});
  EXPECT_THAT(told.out, MatchesRegex("true fd[0-9a-f:]+::/64\n"));
  start("web", kWebServer, {"--network", "app"});
  EXPECT_THAT(address6("web", "app"), MatchesRegex("fd[0-9a-f:]+"));
  EXPECT_THAT(in("web", "ip -6 addr show dev eth0 scope global").out,
              AllOf(HasSubstr(address6("web", "app") + "/64"), Not(HasSubstr("tentative"))));
  EXPECT_EQ(fetched("http://[" + address6("web", "app") + "]/name"), name_in("web"));
  remove("web");
}

TEST_F(NetworkIpv6, lets_containers_find_each_other_by_name) {
  make("app", {"--subnet", kSubnet, "--subnet", "10.91.0.0/24"});
  start("web", kWebServer, {"--network", "app"});
  start("client", "exec sleep 1000", {"--network", "app"});
  EXPECT_THAT(in("client", "nslookup -type=aaaa web").out, HasSubstr(address6("web", "app")));
  EXPECT_THAT(in("client", "nslookup -type=a web").out, HasSubstr("10.91.0."));
  EXPECT_THAT(in("client", "nslookup " + address6("web", "app")).out, HasSubstr("web.app"));
  EXPECT_EQ(in("client", "ping -6 -c 1 -W 5 web").status, 0);
  remove("client");
  remove("web");
}

TEST_F(NetworkIpv6, leads_out_in_the_hosts_name) {
  make("app", {"--subnet", kSubnet});
  start("client", "exec sleep 1000", {"--network", "app"});
  EXPECT_TRUE(is_seen_as(world(), "[2001:db8:1::2]", "client", "2001:db8:1::1"));
  remove("client");
}

TEST_F(NetworkIpv6, publishes_ports_at_the_hosts_ipv6_addresses_with_the_source_kept) {
  make("app", {"--subnet", kSubnet});
  start("web", kWebServer, {"--network", "app", "-p", "8080:80"});
  ASSERT_EQ(next_door("ip -6 route add default via 2001:db8:2::1").status, 0);
  EXPECT_EQ(fetched_next_door("http://[2001:db8:2::1]:8080/name"), name_in("web"));
  EXPECT_TRUE(eventually([&] { return myct({"logs", "web"}).err.find("2001:db8:2::2") != std::string::npos; }));
  EXPECT_EQ(fetched("http://[2001:db8:1::1]:8080/name"), name_in("web"));
  EXPECT_EQ(fetched_next_door("http://203.0.113.1:8080/name"), name_in("web"));
  // From itself, by the host's address.
  EXPECT_TRUE(prints(in("web", "timeout 5 wget -q -O- 'http://[2001:db8:1::1]:8080/name'"), name_in("web")));
  // What is not published is not reached.
  ASSERT_EQ(next_door("ip -6 route add fd00:7::/64 via 2001:db8:2::1").status, 0);
  EXPECT_NE(next_door("curl -g -s -m 2 'http://[" + address6("web", "app") + "]/name'").status, 0);
  remove("web");
  EXPECT_THAT(published(), Not(HasSubstr("8080")));
}

TEST_F(NetworkIpv6, publishes_sctp_as_the_other_protocols) {
  const Result asked = here("modprobe -q sctp; exec " + probe_path() + " sctp_ask ::1 1");
  if (asked.err.find("not supported") != std::string::npos) {
    EXPECT_TRUE(fails_with(shell({"-p", "80:80/sctp"}, "true"), 125, "the kernel lacks sctp (module sctp)"));
    GTEST_SKIP() << "the kernel lacks sctp";
  }
  make("app", {"--subnet", kSubnet});
  const Words sctp = {"/probe", "sctp_echo", "7"};
  const auto options = [](const Words& ports) {
    Words all = {"-v", probe_path() + ":/probe:ro"};
    for (const std::string& port : ports) all.insert(all.end(), {"-p", port});
    return all;
  };
  start_program("plain", sctp, options({"8081:7/sctp"}));
  EXPECT_TRUE(prints(myct({"port", "plain"}), "7/sctp -> 0.0.0.0:8081\n")) << "it has no IPv6";
  EXPECT_TRUE(fails_with(myct({"run", "--rm", "-p", "[2001:db8:1::1]:8082:7/sctp", "busybox", "true"}), 125,
                         "publish port [2001:db8:1::1]:8082/sctp: no network of the container's has IPv6"));
  ASSERT_EQ(myct({"network", "connect", "app", "plain"}).status, 0);
  Words all = options({"8080:7/sctp", "[2001:db8:1::1]:8083:7/sctp"});
  all.insert(all.end(), {"--network", "app"});
  start_program("echo", sctp, all);
  ASSERT_TRUE(logs("echo", "ready\n"));
  ASSERT_TRUE(logs("plain", "ready\n"));
  EXPECT_TRUE(
      prints(myct({"port", "echo"}), "7/sctp -> 0.0.0.0:8080\n7/sctp -> [::]:8080\n7/sctp -> [2001:db8:1::1]:8083\n"));
  const std::string ask = "exec " + probe_path() + " sctp_ask ";
  for (const char* place : {"2001:db8:1::1 8080", "2001:db8:1::1 8081", "2001:db8:1::1 8083", "2001:db8:2::1 8080"})
    EXPECT_TRUE(prints(here(ask + place), "hello\n")) << place;
  ASSERT_EQ(next_door("ip -6 route add default via 2001:db8:2::1").status, 0);
  EXPECT_TRUE(prints(next_door(ask + "2001:db8:2::1 8080"), "hello\n"));
  EXPECT_NE(next_door(ask + "2001:db8:2::1 8083").status, 0);
  remove("echo");
  remove("plain");
  EXPECT_THAT(published(), Not(HasSubstr("808")));
}

TEST_F(NetworkIpv6, that_is_routed_is_reached_at_its_own_address_and_only_at_published_ports) {
  make("app", {"--subnet", kSubnet, "-o", "com.docker.network.bridge.gateway_mode_ipv6=routed"});
  start("web", kWebServer, {"--network", "app", "-p", "8080:80"});
  ASSERT_EQ(next_door("ip -6 route add fd00:7::/64 via 2001:db8:2::1").status, 0);
  ASSERT_EQ(in("web", "httpd -p 81 -h /www").status, 0);
  const std::string address = "http://[" + address6("web", "app") + "]";
  EXPECT_EQ(fetched_next_door(address + "/name"), name_in("web"));
  EXPECT_NE(next_door("curl -g -s -m 2 '" + address + ":81/name'").status, 0);
  // It is seen by its own address.
  EXPECT_TRUE(is_seen_as(neighbour(), "[2001:db8:2::2]", "web", address6("web", "app")));
  remove("web");
}

TEST_F(NetworkIpv6, gives_the_address_that_is_asked_for_and_not_twice) {
  make("app", {"--subnet", kSubnet, "--gateway", "fd00:7::ff", "--ip-range", "fd00:7::80/122"});
  start("web", kWebServer, {"--network", "app", "--ip6", "fd00:7:0::7"});
  EXPECT_THAT(in("web", "ip -6 addr show eth0").out, HasSubstr("fd00:7::7/64"));
  EXPECT_THAT(in("web", "ip -6 route").out, HasSubstr("default via fd00:7::ff"));
  EXPECT_TRUE(fails_with(shell({"--network", "app", "--ip6", "fd00:7::7"}, "true"), 125,
                         "address fd00:7::7 is taken by container " + inspect("web", ".Id").substr(0, 12)));
  EXPECT_TRUE(fails_with(shell({"--network", "app", "--ip6", "fd00:8::7"}, "true"), 125, kSubnet));
  EXPECT_THAT(shell({"--network", "app"}, "ip -6 addr show eth0").out, ContainsRegex("fd00:7::[89ab][0-9a-f]/64"));
  start("second", "exec sleep 1000", {"--network", "app:ip6=fd00:7::8"});
  EXPECT_EQ(address6("second", "app"), "fd00:7::8");
  remove("second");
  remove("web");
}

TEST_F(NetworkIpv6, comes_to_a_running_container_with_its_network) {
  make("app", {"--subnet", kSubnet});
  start("web", kWebServer, {"-p", "8080:80"});
  ASSERT_EQ(myct({"network", "connect", "--ip6", "fd00:7::9", "app", "web"}).status, 0);
  EXPECT_EQ(fetched("http://[2001:db8:1::1]:8080/name"), name_in("web"));
  EXPECT_EQ(in("web", "ping -6 -c 1 -W 5 2001:db8:1::2").status, 0);
  EXPECT_THAT(in("web", "cat /etc/hosts").out, HasSubstr("fd00:7::9\t"));
  ASSERT_EQ(myct({"network", "disconnect", "app", "web"}).status, 0);
  EXPECT_THAT(in("web", "ip -6 route").out, Not(HasSubstr("default")));
  remove("web");
}

TEST_F(NetworkIpv6, without_a_way_out_has_none) {
  make("closed", {"--subnet", kSubnet, "--internal"});
  start("web", kWebServer, {"--network", "closed", "--cap-add", "NET_ADMIN"});
  EXPECT_THAT(in("web", "ip -6 route").out, Not(HasSubstr("default")));
  ASSERT_EQ(in("web", "ip -6 route add default via fd00:7::1").status, 0);
  EXPECT_NE(in("web", "ping -6 -c 1 -W 1 2001:db8:1::2").status, 0);
  remove("web");
}

/// CVE-2020-13401: a container that says that it is a router.
TEST_F(NetworkIpv6, takes_no_routes_from_containers_and_keeps_those_from_the_hosts_routers) {
  ASSERT_EQ(here("echo 1 >/proc/sys/net/ipv6/conf/lan0/accept_ra").status, 0);
  make("app", {"--subnet", kSubnet, "-o", "com.docker.network.bridge.name=app0"});
  start("web", kWebServer, {"--network", "app"});
  start("plain", "exec sleep 1000");
  for (const char* bridge : {"app0", "myct0"})
    EXPECT_TRUE(prints(here("cat /proc/sys/net/ipv6/conf/" + std::string(bridge) + "/accept_ra"), "0\n")) << bridge;
  EXPECT_TRUE(prints(here("cat /proc/sys/net/ipv6/conf/lan0/accept_ra"), "2\n"));
  // Nor do containers from each other, with IPv6 and without, and one that comes to a network later.
  ASSERT_EQ(myct({"network", "connect", "app", "plain"}).status, 0);
  const std::string settings = "cat /proc/sys/net/ipv6/conf/eth*/accept_ra";
  EXPECT_TRUE(prints(in("web", settings), "0\n"));
  EXPECT_TRUE(prints(in("plain", settings), "0\n0\n"));
  remove("plain");
  remove("web");
}

TEST_F(NetworkIpv6, is_refused_where_the_addresses_do_not_fit) {
  const auto create = [&](const Words& options) { return create_network("bad", options); };
  EXPECT_TRUE(fails_with(create({"--subnet", "fd00::1/64"}), 125, "invalid --subnet 'fd00::1/64'"));
  EXPECT_TRUE(fails_with(create({"--subnet", "fd00::/127"}), 125, "invalid --subnet 'fd00::/127'"));
  EXPECT_TRUE(fails_with(create({"--subnet", "fd00:1::/64", "--subnet", "fd00:2::/64"}), 125, "one family"));
  EXPECT_TRUE(fails_with(create({"--gateway", "fd00::1", "--ipv6"}), 125, "need a --subnet"));
  EXPECT_TRUE(fails_with(create({"--subnet", kSubnet, "--gateway", "fd00:8::1"}), 125, "invalid --gateway"));
  EXPECT_TRUE(fails_with(create({"--subnet", "2001:db8:1::/48"}), 1, "the host has a route into subnet"));
  make("app", {"--subnet", kSubnet});
  EXPECT_TRUE(fails_with(create({"--subnet", "fd00:7::/80"}), 1, "overlaps with that of network 'app'"));
  EXPECT_TRUE(fails_with(shell({"--ip6", "fd00::9"}, "true"), 125, "no address can be chosen"));
}

}  // namespace
}  // namespace myct::test
