// Containers that come to networks and leave them while they run.
#include "lan.hpp"

namespace myct::test {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;

class NetworkConnect : public LanTest {
 protected:
  void SetUp() override {
    LanTest::SetUp();
    for (const char* name : {"one", "two"}) ASSERT_EQ(myct({"network", "create", name}).status, 0);
  }
  void TearDown() override {
    for (const char* name : {"one", "two"})
      EXPECT_TRUE(eventually([&] { return myct({"network", "rm", name}).status == 0; })) << name;
    LanTest::TearDown();
  }
  [[nodiscard]] Result connect(const Words& words) const { return network("connect", words); }
  [[nodiscard]] Result disconnect(const Words& words) const { return network("disconnect", words); }
  [[nodiscard]] std::string networks_of(const std::string& container) const {
    const std::string out = myct({"ps", "-a", "--filter", "name=" + container, "--format", "{{.Networks}}"}).out;
    return out.substr(0, out.find('\n'));
  }
  [[nodiscard]] std::string ports_of(const std::string& container) const {
    const std::string out = myct({"ps", "-a", "--filter", "name=" + container, "--format", "{{.Ports}}"}).out;
    return out.substr(0, out.find('\n'));
  }

 private:
  [[nodiscard]] Result network(const char* what, const Words& words) const {
    Words all = {"network", what};
    all.insert(all.end(), words.begin(), words.end());
    return myct(all);
  }
};

TEST_F(NetworkConnect, gives_a_running_container_another_interface_and_name) {
  start("web", kWebServer, {"--network", "one"});
  start("client", "exec sleep 1000", {"--network", "two"});
  EXPECT_NE(in("client", "timeout 2 wget -q -O- http://web/name").status, 0);
  const Result connected = connect({"--alias", "site", "two", "web"});
  ASSERT_TRUE(prints(connected, ""));
  EXPECT_TRUE(prints(in("client", "timeout 5 wget -q -O- http://web/name"), name_in("web")));
  EXPECT_TRUE(prints(in("client", "timeout 5 wget -q -O- http://site/name"), name_in("web")));
  EXPECT_THAT(in("web", "ip -o -4 addr").out, AllOf(HasSubstr("eth0"), HasSubstr("eth1")));
  EXPECT_EQ(networks_of("web"), "one,two");
  remove("client");
  remove("web");
}

TEST_F(NetworkConnect, has_an_id_for_each_stay_on_a_network) {
  start("web", kWebServer, {"--network", "one"});
  const auto id_of = [&](const std::string& network) {
    const std::string out = myct({"network", "inspect", "-f", "{{.Id}}", network}).out;
    return out.substr(0, out.find('\n'));
  };
  const auto on = [&](const std::string& network, const char* field) {
    return inspect("web", ".NetworkSettings.Networks." + network + "." + field);
  };
  const std::string first = on("one", "EndpointID");
  EXPECT_THAT(first, MatchesRegex("[0-9a-f]{64}"));
  EXPECT_EQ(on("one", "NetworkID"), id_of("one"));
  ASSERT_EQ(connect({"two", "web"}).status, 0);
  EXPECT_EQ(on("two", "NetworkID"), id_of("two"));
  EXPECT_EQ(on("one", "EndpointID"), first);
  EXPECT_THAT(myct({"network", "inspect", "one"}).out, HasSubstr("\"EndpointID\": \"" + first + "\""));
  ASSERT_EQ(disconnect({"two", "web"}).status, 0);
  ASSERT_EQ(connect({"bridge", "web"}).status, 0);
  EXPECT_EQ(on("bridge", "NetworkID"), id_of("bridge"));
  EXPECT_EQ(inspect("web", ".NetworkSettings.EndpointID"), on("bridge", "EndpointID"));
  ASSERT_EQ(myct({"stop", "-t", "0", "web"}).status, 0);
  EXPECT_EQ(on("one", "NetworkID"), id_of("one")) << "of one that does not run";
  EXPECT_EQ(on("one", "EndpointID"), "");
  remove("web");
}

TEST_F(NetworkConnect, lasts_over_a_restart) {
  start("web", kWebServer, {"--network", "one"});
  ASSERT_EQ(connect({"--ip", address_on("web", "one"), "two", "web"}).status, 125);
  ASSERT_EQ(connect({"two", "web"}).status, 0);
  ASSERT_EQ(disconnect({"one", "web"}).status, 0);
  ASSERT_EQ(myct({"restart", "-t", "0", "web"}).status, 0);
  EXPECT_EQ(networks_of("web"), "two");
  EXPECT_EQ(lines_of(in("web", "ip -o -4 addr show scope global").out).size(), 1U);
  EXPECT_NE(address_on("web", "two"), "");
  remove("web");
}

TEST_F(NetworkConnect, of_one_that_does_not_run_counts_from_its_next_start) {
  ASSERT_EQ(myct({"create", "--name", "later", "busybox", "sleep", "1000"}).status, 0);
  ASSERT_EQ(connect({"--ip", "10.89.1.77", "two", "later"}).status, 0);
  EXPECT_EQ(networks_of("later"), "bridge,two");
  ASSERT_EQ(myct({"start", "later"}).status, 0);
  EXPECT_THAT(in("later", "ip -o -4 addr").out, HasSubstr("10.89.1.77/24"));
  remove("later");
}

TEST_F(NetworkConnect, leads_ports_and_the_default_route_by_another_network_when_theirs_is_left) {
  start("web", kWebServer, {"--network", "one", "-p", "8080:80"});
  ASSERT_EQ(connect({"two", "web"}).status, 0);
  ASSERT_EQ(disconnect({"one", "web"}).status, 0);
  EXPECT_EQ(fetched_next_door("http://203.0.113.1:8080/name"), name_in("web"));
  EXPECT_EQ(in("web", "ping -c 1 -W 5 192.0.2.2").status, 0);
  ASSERT_EQ(disconnect({"two", "web"}).status, 0);
  EXPECT_THAT(published(), Not(HasSubstr("8080")));
  EXPECT_EQ(ports_of("web"), "") << "what nothing leads to";
  EXPECT_EQ(myct({"port", "web"}).out, "");
  EXPECT_EQ(inspect("web", "json .NetworkSettings.Ports"), "{}");
  EXPECT_TRUE(prints(myct({"ps", "-q", "--filter", "publish=8080"}), ""));
  EXPECT_THAT(in("web", "ip -o -4 addr show scope global").out, IsEmpty());
  EXPECT_EQ(networks_of("web"), "");
  EXPECT_THAT(myct({"run", "--rm", "-p", "8080:80", "busybox", "true"}).err, HasSubstr("has it"))
      << "its port is kept for it";
  ASSERT_EQ(connect({"bridge", "web"}).status, 0);
  EXPECT_EQ(fetched_next_door("http://203.0.113.1:8080/name"), name_in("web"));
  EXPECT_THAT(ports_of("web"), HasSubstr("0.0.0.0:8080->80/tcp"));
  remove("web");
}

TEST_F(NetworkConnect, leads_the_default_route_by_interfaces_that_were_renamed) {
  start("web", kWebServer, {"--network", "one"});
  ASSERT_EQ(connect({"two", "web"}).status, 0);
  const auto default_route = [&] { return in("web", "ip route | grep ^default").out; };
  ASSERT_EQ(default_route(), "default via 10.89.0.1 dev eth0 \n");
  ASSERT_EQ(swap_interfaces("web").status, 0);
  ASSERT_EQ(default_route(), "") << "it went as the interface was taken down";
  ASSERT_TRUE(prints(connect({"bridge", "web"}), ""));
  EXPECT_EQ(default_route(), "default via 10.89.0.1 dev eth1 \n");
  ASSERT_TRUE(prints(disconnect({"one", "web"}), ""));
  EXPECT_EQ(default_route(), "default via 10.89.1.1 dev eth0 \n");
  EXPECT_EQ(in("web", "ping -c 1 -W 5 192.0.2.2").status, 0);
  ASSERT_EQ(in_network_of("web", "ip link set eth0 down && ip link set eth0 name mine && ip link set mine up").status,
            0);
  ASSERT_TRUE(prints(disconnect({"bridge", "web"}), ""));
  EXPECT_EQ(default_route(), "default via 10.89.1.1 dev mine \n");
  EXPECT_EQ(in("web", "ping -c 1 -W 5 192.0.2.2").status, 0);
  remove("web");
}

TEST_F(NetworkConnect, keeps_a_default_route_of_the_containers_own) {
  start("web", kWebServer, {"--network", "one"});
  ASSERT_EQ(in_network_of("web", "ip route replace default via 10.89.0.77 dev eth0").status, 0);
  ASSERT_EQ(connect({"two", "web"}).status, 0);
  EXPECT_EQ(in("web", "ip route | grep ^default").out, "default via 10.89.0.77 dev eth0 \n");
  remove("web");
}

TEST_F(NetworkConnect, works_for_one_whose_interface_is_gone) {
  start("web", kWebServer, {"--network", "one"});
  ASSERT_EQ(connect({"two", "web"}).status, 0);
  ASSERT_EQ(in_network_of("web", "ip link del eth1").status, 0);
  const Result disconnected = disconnect({"one", "web"});
  EXPECT_EQ(disconnected.status, 0) << disconnected;
  EXPECT_THAT(disconnected.err, HasSubstr("the container's default route is not set"));
  ASSERT_TRUE(prints(disconnect({"two", "web"}), ""));
  ASSERT_TRUE(prints(connect({"two", "web"}), ""));
  EXPECT_EQ(in("web", "ping -c 1 -W 5 192.0.2.2").status, 0);
  remove("web");
}

TEST_F(NetworkConnect, of_none_is_kept_by_a_container_that_was_taken_off_all) {
  start("web", kWebServer, {"-p", "8080:80"});
  ASSERT_EQ(disconnect({"bridge", "web"}).status, 0);
  ASSERT_EQ(myct({"restart", "-t", "0", "web"}).status, 0);
  EXPECT_THAT(in("web", "ip -o -4 addr show scope global").out, IsEmpty());
  ASSERT_EQ(connect({"one", "web"}).status, 0);
  EXPECT_EQ(fetched_next_door("http://203.0.113.1:8080/name"), name_in("web"));
  remove("web");
}

TEST_F(NetworkConnect, keeps_the_name_files_true) {
  start("web", kWebServer);
  ASSERT_EQ(in("web", "echo 192.0.2.9 mine >>/etc/hosts").status, 0);
  EXPECT_THAT(in("web", "cat /etc/resolv.conf").out, Not(HasSubstr("10.89.0.1")));
  ASSERT_EQ(connect({"one", "web"}).status, 0);
  EXPECT_THAT(in("web", "cat /etc/hosts").out,
              AllOf(HasSubstr("192.0.2.9 mine"), HasSubstr(address_on("web", "one") + "\t")));
  EXPECT_THAT(in("web", "cat /etc/resolv.conf").out, HasSubstr("nameserver 10.89.0.1"));
  ASSERT_EQ(disconnect({"one", "web"}).status, 0);
  EXPECT_THAT(in("web", "cat /etc/hosts").out, AllOf(HasSubstr("192.0.2.9 mine"), Not(HasSubstr("10.89.0"))));
  EXPECT_THAT(in("web", "cat /etc/resolv.conf").out, Not(HasSubstr("10.89.0.1")));
  remove("web");
}

TEST_F(NetworkConnect, works_for_one_that_is_paused) {
  start("web", kWebServer, {"--network", "one"});
  ASSERT_EQ(myct({"pause", "web"}).status, 0);
  EXPECT_EQ(connect({"two", "web"}).status, 0);
  EXPECT_EQ(disconnect({"one", "web"}).status, 0);
  ASSERT_EQ(myct({"unpause", "web"}).status, 0);
  EXPECT_THAT(in("web", "ip -o -4 addr show scope global").out, HasSubstr(address_on("web", "two")));
  remove("web");
}

TEST_F(NetworkConnect, is_refused_where_it_cannot_be) {
  start("web", kWebServer, {"--network", "one", "--ip", "10.89.0.7"});
  start("host", "exec sleep 1000", {"--network", "host"});
  EXPECT_TRUE(fails_with(connect({"one", "web"}), 1, "container 'web' is on network 'one' already"));
  EXPECT_TRUE(fails_with(connect({"one", "host"}), 1, "--network bridge"));
  EXPECT_TRUE(fails_with(connect({"three", "web"}), 1, "no such network: 'three'"));
  EXPECT_TRUE(fails_with(connect({"two", "nobody"}), 1, "no such container: 'nobody'"));
  EXPECT_TRUE(fails_with(connect({"--ip6", "fd00::1", "two", "web"}), 125, "network 'two' has no IPv6"));
  EXPECT_TRUE(fails_with(connect({"--alias", "x", "bridge", "web"}), 125, "the default network knows no names"));
  EXPECT_TRUE(fails_with(disconnect({"two", "web"}), 1, "container 'web' is not on network 'two'"));
  EXPECT_EQ(disconnect({"-f", "two", "web"}).status, 0);
  for (const char* bridge : {"myct0", "lan0", "all", "x%d", "a;b"})
    EXPECT_NE(myct({"network", "create", "-o", "com.docker.network.bridge.name=" + std::string(bridge), "bad"}).status,
              0)
        << bridge;
  start("second", "exec sleep 1000", {"--network", "two"});
  EXPECT_TRUE(fails_with(connect({"--ip", "10.89.0.7", "one", "second"}), 1, "address 10.89.0.7 is taken"));
  EXPECT_THAT(in("second", "ip -o -4 addr show scope global").out, Not(ContainsRegex("eth1")));
  for (const char* name : {"second", "host", "web"}) remove(name);
}

TEST_F(NetworkConnect, takes_one_off_a_network_that_is_gone) {
  ASSERT_EQ(myct({"network", "create", "gone"}).status, 0);
  ASSERT_EQ(myct({"create", "--name", "later", "--network", "gone", "busybox", "sleep", "1000"}).status, 0);
  ASSERT_EQ(myct({"network", "rm", "gone"}).status, 0);
  EXPECT_TRUE(fails_with(myct({"start", "later"}), 1, "no such network: 'gone'"));
  ASSERT_EQ(disconnect({"gone", "later"}).status, 0);
  ASSERT_EQ(connect({"one", "later"}).status, 0);
  EXPECT_EQ(myct({"start", "later"}).status, 0);
  remove("later");
}

/// At moments from its begin to its end: the next try finishes the work, and the end leaves nothing.
TEST_F(NetworkConnect, that_is_killed_is_finished_by_the_next_try) {
  start("web", kWebServer, {"--network", "one"});
  const std::chrono::microseconds longest = at_this_pace(std::chrono::milliseconds(12));
  const int rounds = rounds_at_this_pace(20);
  for (int round = 0; round < rounds; ++round) {
    const std::chrono::microseconds delay = longest * round / rounds;
    Process connecting(command({"network", "connect", "two", "web"}));
    std::this_thread::sleep_for(delay);
    connecting.signal(SIGKILL);
    connecting.wait();
    if (networks_of("web") == "one") {
      const Result again = connect({"two", "web"});
      ASSERT_EQ(again.status, 0) << again << " after " << delay.count() << " us";
    }
    ASSERT_EQ(lines_of(in("web", "ip -o -4 addr show scope global").out).size(), 2U) << delay.count();
    ASSERT_EQ(disconnect({"two", "web"}).status, 0);
    ASSERT_EQ(lines_of(in("web", "ip -o -4 addr show scope global").out).size(), 1U) << delay.count();
  }
  remove("web");
}

}  // namespace
}  // namespace myct::test
