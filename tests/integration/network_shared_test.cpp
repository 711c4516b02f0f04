// Networks whose containers share an interface of the host's: macvlan and ipvlan.
#include "lan.hpp"

namespace myct::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class NetworkShared : public LanTest {
 protected:
  void make(const std::string& driver, const Words& options) {
    Words all = {"-d",          driver, "--subnet",    "203.0.113.0/24", "--gateway",
                 "203.0.113.2", "-o",   "parent=seg0", "--ip-range",     "203.0.113.128/28"};
    all.insert(all.end(), options.begin(), options.end());
    const Result result = create_network("lan", all);
    ASSERT_EQ(result.status, 0) << result;
  }
  void TearDown() override {
    EXPECT_EQ(myct({"network", "rm", "-f", "lan"}).status, 0);
    LanTest::TearDown();
  }
  /// Whether the kernel has it.
  [[nodiscard]] bool has(const std::string& driver) const {
    const bool is_there = here("ip link add link seg0 name probe0 type " + driver).status == 0;
    (void)here("ip link del probe0");
    return is_there;
  }
  void expect_beside_the_host(const std::string& driver) {
    make(driver, {});
    start("web", kWebServer, {"--network", "lan"});
    start("other", "exec sleep 1000", {"--network", "lan:ip=203.0.113.77"});
    const std::string address = address_on("web", "lan");
    EXPECT_THAT(address, HasSubstr("203.0.113.1"));
    EXPECT_EQ(fetched_next_door("http://" + address + "/name"), name_in("web"));
    EXPECT_TRUE(prints(in("other", "timeout 5 wget -q -O- http://" + address + "/name"), name_in("web")));
    EXPECT_THAT(in("other", "ip route").out, HasSubstr("default via 203.0.113.2 dev eth0"));
    EXPECT_THAT(in("other", "ip -o -4 addr show eth0").out, HasSubstr("203.0.113.77/24"));
    EXPECT_THAT(myct({"network", "ls", "--filter", "driver=" + driver, "--format", "{{.Name}} {{.Driver}}"}).out,
                HasSubstr("lan " + driver));
    remove("other");
    remove("web");
  }
};

TEST_F(NetworkShared, puts_containers_beside_the_host_on_its_segment) { expect_beside_the_host("macvlan"); }

TEST_F(NetworkShared, puts_them_there_with_the_hosts_mac_address) {
  if (!has("ipvlan")) {
    make("ipvlan", {});
    EXPECT_TRUE(fails_with(shell({"--network", "lan"}, "true"), 125, "the kernel lacks ipvlan (module ipvlan)"));
    GTEST_SKIP() << "the kernel lacks ipvlan";
  }
  expect_beside_the_host("ipvlan");
}

TEST_F(NetworkShared, gives_macvlan_an_address_of_its_own_on_the_wire) {
  make("macvlan", {"-o", "macvlan_mode=private"});
  start("web", kWebServer, {"--network", "lan", "--mac-address", "02:00:00:00:00:09"});
  start("other", "exec sleep 1000", {"--network", "lan"});
  EXPECT_EQ(fetched_next_door("http://" + address_on("web", "lan") + "/name"), name_in("web"));
  EXPECT_THAT(next_door("ip neigh show " + address_on("web", "lan")).out, HasSubstr("02:00:00:00:00:09"));
  // Private: not to each other.
  EXPECT_NE(in("other", "ping -c 1 -W 1 " + address_on("web", "lan")).status, 0);
  remove("other");
  remove("web");
}

TEST_F(NetworkShared, leads_by_the_host_with_ipvlan_in_layer_3) {
  if (!has("ipvlan")) GTEST_SKIP() << "the kernel lacks ipvlan";
  make("ipvlan", {"-o", "ipvlan_mode=l3"});
  start("web", kWebServer, {"--network", "lan"});
  EXPECT_THAT(in("web", "ip route").out, HasSubstr("default dev eth0"));
  remove("web");
}

TEST_F(NetworkShared, goes_with_a_network_that_publishes_ports) {
  make("macvlan", {});
  start("web", kWebServer, {"--network", "lan", "--network", "bridge", "-p", "8080:80"});
  EXPECT_EQ(fetched_outside("http://192.0.2.1:8080/name"), name_in("web"));
  ASSERT_EQ(myct({"network", "disconnect", "lan", "web"}).status, 0);
  EXPECT_EQ(fetched_outside("http://192.0.2.1:8080/name"), name_in("web"));
  EXPECT_THAT(in("web", "ip -o -4 addr").out, Not(HasSubstr("203.0.113")));
  ASSERT_EQ(myct({"network", "connect", "--ip", "203.0.113.90", "lan", "web"}).status, 0);
  EXPECT_EQ(fetched_next_door("http://203.0.113.90/name"), name_in("web"));
  remove("web");
}

TEST_F(NetworkShared, takes_away_its_own_interface_whatever_it_is_called) {
  make("macvlan", {});
  ASSERT_EQ(create_network("lan2", {"-d", "macvlan", "--subnet", "198.51.100.0/24", "-o", "parent=seg0"}).status, 0);
  start("web", kWebServer, {"--network", "lan:ip=203.0.113.90", "--network", "bridge"});
  ASSERT_EQ(swap_interfaces("web").status, 0);
  ASSERT_EQ(myct({"network", "connect", "lan2", "web"}).status, 0);
  ASSERT_EQ(in_network_of("web", "ip link set eth1 address 02:00:00:00:00:77").status, 0);
  ASSERT_TRUE(prints(myct({"network", "disconnect", "lan", "web"}), ""));
  EXPECT_THAT(in("web", "ip -o -4 addr show scope global").out,
              AllOf(Not(HasSubstr("203.0.113")), HasSubstr("10.88.0."), HasSubstr("198.51.100.")));
  EXPECT_THAT(in("web", "ip -o link").out, Not(HasSubstr("eth1")));
  // With nothing of the network's there, nothing else is taken.
  ASSERT_EQ(in_network_of("web", "ip link del eth2 && ip link add eth2 type veth peer name eth3").status, 0);
  ASSERT_TRUE(prints(myct({"network", "disconnect", "lan2", "web"}), ""));
  EXPECT_THAT(in("web", "ip -o link").out, AllOf(HasSubstr("eth2"), HasSubstr("eth3"), HasSubstr("eth0")));
  remove("web");
  EXPECT_EQ(myct({"network", "rm", "lan2"}).status, 0);
}

TEST_F(NetworkShared, is_refused_where_it_cannot_be) {
  const auto create = [&](const Words& options) { return create_network("bad", options); };
  EXPECT_TRUE(fails_with(create({"-d", "overlay"}), 125, "unknown network driver 'overlay'"));
  EXPECT_TRUE(fails_with(create({"-d", "macvlan"}), 125, "-o parent=INTERFACE"));
  EXPECT_TRUE(fails_with(create({"-d", "macvlan", "-o", "parent=nope0"}), 1, "no such interface of the host: 'nope0'"));
  EXPECT_TRUE(fails_with(create({"-d", "ipvlan", "-o", "parent=seg0", "-o", "ipvlan_mode=l4"}), 125, "l2|l3|l3s"));
  EXPECT_TRUE(fails_with(create({"-d", "macvlan", "-o", "parent=seg0", "--internal"}), 125, "driver bridge"));
  EXPECT_TRUE(fails_with(create({"-o", "parent=seg0"}), 125, "unknown option 'parent=seg0' of a bridge network"));
  make("macvlan", {});
  EXPECT_TRUE(fails_with(shell({"--network", "lan:alias=x"}, "true"), 125, "network 'lan' knows no names"));
}

}  // namespace
}  // namespace myct::test
