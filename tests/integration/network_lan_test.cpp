// What machines on the host's networks can and cannot reach of containers, and how large packets are on the way.
#include <algorithm>

#include "lan.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class NetworkLan : public LanTest {
 protected:
  /// The neighbour takes 127.0.0.1 for an address of the host's, as one that means harm would.
  void route_loopback_to_the_host() {
    ASSERT_EQ(next_door("sysctl -q -w net.ipv4.conf.all.route_localnet=1 && ip addr del 127.0.0.1/8 dev lo && "
                        "ip route add 127.0.0.0/8 via 203.0.113.1 src 203.0.113.2")
                  .status,
              0);
  }
};

TEST_F(NetworkLan, hides_containers_behind_the_hosts_address) {
  Process server(on(world(), "echo ready; exec busybox httpd -f -v -p 9999 -h " + make_directory("www") + " 2>&1"));
  ASSERT_TRUE(server.read_until("ready"));
  (void)shell({}, "wget -q -O- http://192.0.2.2:9999/");
  EXPECT_TRUE(server.read_until("192.0.2.1]"));
  server.signal(SIGKILL);
  server.wait();
}

TEST_F(NetworkLan, publishes_to_another_machine_which_the_program_sees_by_its_own_address) {
  start("web", kWebServer, {"-p", "8080:80"});
  EXPECT_EQ(fetched_next_door("http://203.0.113.1:8080/name"), name_in("web"));
  EXPECT_TRUE(eventually([&] { return myct({"logs", "web"}).err.find("203.0.113.2") != std::string::npos; }));
  remove("web");
}

TEST_F(NetworkLan, has_a_bridge_that_keeps_its_mac_address_when_containers_come_and_go) {
  const auto address = [&] { return here("ip -o link show myct0 | sed 's,.*link/ether \\([^ ]*\\) .*,\\1,'").out; };
  const auto pairs = [&] { return here("ip -br link show master myct0 | sed 's/@.*//'").out; };
  start("stays", "exec sleep 1000");
  const std::string before = address();
  const std::string pair = pairs();
  start("goes", "exec sleep 1000");
  // The lowest of all, which a bridge takes that has none of its own.
  for (const std::string& other : lines_of(pairs()))
    if (other + "\n" != pair) (void)here("ip link set dev " + other + " address 00:00:00:00:00:07");
  ASSERT_EQ(in("stays", "ping -c 1 -W 5 192.0.2.2").status, 0);
  EXPECT_EQ(address(), before);
  remove("goes");
  ASSERT_TRUE(eventually([&] { return pairs() == pair; }));
  EXPECT_EQ(in("stays", "ping -c 1 -W 1 192.0.2.2").status, 0) << "it knows another address of its gateway's";
  EXPECT_EQ(address(), before);
  remove("stays");
}

TEST_F(NetworkLan, leads_datagrams_to_the_container_that_has_the_port_by_now_although_the_client_goes_on) {
  const std::string word = write_file("word", "first");
  // One socket for all, so that its datagrams are one flow to the kernel.
  Process client(on(world(), "exec 3<>/dev/udp/192.0.2.1/5353; echo begins; while :; do printf %s $(cat " + word +
                                 ") >&3; read -r -t 0.2 -N 5 answer <&3 && echo $answer; done 2>/dev/null"));
  ASSERT_TRUE(client.read_until("begins"));
  start_program("echo", {"/probe", "echo", "7"}, {"-v", probe_path() + ":/probe", "-p", "5353:7/udp"});
  EXPECT_TRUE(client.read_until("first")) << "it began before the container";
  ASSERT_EQ(myct({"restart", "-t", "0", "echo"}).status, 0);
  write_file("word", "again");
  EXPECT_TRUE(client.read_until("again")) << "it went on over a restart";
  remove("echo");
  client.signal(SIGKILL);
  client.wait();
}

TEST_F(NetworkLan, lets_no_machine_in_that_routes_to_the_bridge) {
  start("web", kWebServer, {"-p", "8080:80"});
  ASSERT_EQ(fetched_next_door("http://203.0.113.1:8080/name"), name_in("web"));
  ASSERT_EQ(next_door("ip route add 10.88.0.0/16 via 203.0.113.1").status, 0);
  EXPECT_NE(next_door("curl -s -m 2 http://" + address_of("web") + "/name").status, 0) << "the port itself";
  EXPECT_NE(next_door("busybox ping -c 1 -W 1 " + address_of("web")).status, 0);
  remove("web");
}

TEST_F(NetworkLan, keeps_what_is_published_to_the_loopback_from_a_neighbour_who_routes_it) {
  start("web", kWebServer, {"-p", "127.0.0.1:8080:80"});
  EXPECT_EQ(fetched("http://127.0.0.1:8080/name"), name_in("web"));
  route_loopback_to_the_host();
  EXPECT_NE(next_door("curl -s -m 2 http://127.0.0.1:8080/name").status, 0);
  EXPECT_NE(next_door("curl -s -m 2 http://203.0.113.1:8080/name").status, 0);
  remove("web");
}

TEST_F(NetworkLan, keeps_the_hosts_loopback_from_neighbours_and_containers) {
  start("bystander", "sleep 1000");  // so that the bridge is there, with its route_localnet
  Process server(on_host("echo secret >" + make_directory("www") +
                         "/name; exec busybox httpd -f -p 127.0.0.1:7070 -h " + path("www")));
  ASSERT_EQ(fetched("http://127.0.0.1:7070/name"), "secret\n");
  route_loopback_to_the_host();
  EXPECT_NE(next_door("curl -s -m 2 http://127.0.0.1:7070/name").status, 0);
  EXPECT_NE(shell({"--privileged"},
                  "echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet; ip addr del 127.0.0.1/8 dev lo; ip route add "
                  "127.0.0.0/8 via 10.88.0.1 && timeout 2 wget -q -O- http://127.0.0.1:7070/name; exit $?")
                .status,
            0);
  server.signal(SIGKILL);
  server.wait();
  remove("bystander");
}

TEST_F(NetworkLan, takes_no_datagram_from_a_container_that_calls_itself_127_0_0_1) {
  start("bystander", "sleep 1000");
  Process ear(on_host("exec " + probe_path() + " datagram 7071"));
  ASSERT_TRUE(ear.read_until("ready\n"));
  const std::string inside = "nsenter --net=/proc/" + inspect("bystander", ".State.Pid") +
                             "/ns/net bash -c 'echo 1 "
                             ">/proc/sys/net/ipv4/conf/all/route_localnet; ";
  const std::string send = " >/dev/udp/10.88.0.1/7071'";
  EXPECT_EQ(here(inside +
                 "ip addr add 127.0.0.9/32 dev eth0 && ip route change 10.88.0.0/16 dev eth0 src 127.0.0.9 "
                 "&& printf forged" +
                 send)
                .status,
            0);
  EXPECT_EQ(
      here(inside + "ip route change 10.88.0.0/16 dev eth0 src " + address_of("bystander") + " && printf honest" + send)
          .status,
      0);
  EXPECT_EQ(ear.wait().out, "ready\nhonest\n");
  remove("bystander");
}

TEST_F(NetworkLan, gives_containers_the_mtu_of_the_way_out) {
  ASSERT_EQ(here("ip link set lan0 mtu 1400").status, 0);
  ASSERT_EQ(outside("ip link set lan1 mtu 1400").status, 0);
  const std::string script = "cat /sys/class/net/eth0/mtu";
  EXPECT_TRUE(prints(shell({}, script), "1400\n"));
  EXPECT_TRUE(prints(shell({}, script), "1400\n")) << "on a bridge that has been without containers meanwhile";
  start("web", "mkdir /www; head -c 3000000 /dev/zero >/www/large; exec httpd -f -p 80 -h /www", {"-p", "8080:80"});
  EXPECT_EQ(outside("curl -s -m 20 --retry 20 --retry-connrefused http://192.0.2.1:8080/large | wc -c").out,
            "3000000\n");
  remove("web");
}

TEST_F(NetworkLan, is_told_of_a_narrow_place_on_the_way_through_the_translation) {
  // The world is a router to a network beyond it that takes packets of 1300 bytes, and says so.
  Machine beyond(on_host("exec unshare --net sh -c 'ip link set lo up; echo there; exec sleep 1000' 2>/dev/null"));
  ASSERT_TRUE(beyond.is_up());
  ASSERT_EQ(
      outside("ip link add far0 mtu 1300 type veth peer name far1 mtu 1300 netns " + std::to_string(beyond.pid()) +
              " && ip addr add 198.51.100.1/24 dev far0 && ip link set far0 up && "
              "echo 1 >/proc/sys/net/ipv4/ip_forward")
          .status,
      0);
  ASSERT_EQ(run(on(beyond,
                   "ip addr add 198.51.100.2/24 dev far1 && ip link set far1 up && ip route add default via "
                   "198.51.100.1"))
                .status,
            0);
  start("web", "mkdir /www; head -c 3000000 /dev/zero >/www/large; exec httpd -f -p 80 -h /www", {"-p", "8080:80"});
  // Told to announce more than it can take: else the container would never send what is too large.
  ASSERT_EQ(run(on(beyond, "ip route change default via 198.51.100.1 advmss 1460")).status, 0);
  EXPECT_EQ(run(on(beyond, "curl -s -m 20 --retry 20 --retry-connrefused http://192.0.2.1:8080/large | wc -c")).out,
            "3000000\n");
  const std::string known = "nsenter --net=/proc/" + inspect("web", ".State.Pid") + "/ns/net ip route get 198.51.100.2";
  EXPECT_THAT(here(known).out, HasSubstr("mtu 1300"));
  remove("web");
  beyond.end();
}

}  // namespace
}  // namespace myct::test
