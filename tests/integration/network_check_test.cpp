// `myct system check` on networks: what kills and hands that meddle have left of them in the kernel and on disk.
#include <algorithm>
#include <filesystem>

#include "lan.hpp"

namespace myct::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class NetworkCheck : public LanTest {
 protected:
  void TearDown() override {
    (void)myct({"network", "prune", "-f"});
    LanTest::TearDown();
  }
  /// That check says all of this, that --repair mends it, and that nothing is left to be said.
  void expect_mended(const std::vector<std::string>& lines) const {
    Result found;
    // A bridge is in use as long as the kernel takes the last container's network namespace apart.
    (void)eventually([&] {
      found = myct({"system", "check"});
      return lines_of(found.out).size() >= lines.size();
    });
    EXPECT_EQ(found.status, 1) << found;
    for (const std::string& line : lines) EXPECT_THAT(found.out, HasSubstr(line));
    EXPECT_EQ(lines_of(found.out).size(), lines.size()) << found;
    const Result repaired = myct({"system", "check", "--repair"});
    EXPECT_EQ(repaired.status, 0) << repaired;
    EXPECT_TRUE(prints(myct({"system", "check"}), ""));
  }
  [[nodiscard]] std::string make(const std::string& name, const std::string& subnet) const {
    const Result made = myct({"network", "create", "--subnet", subnet, name});
    EXPECT_EQ(made.status, 0) << made;
    return "br-" + made.out.substr(0, 12);
  }
  [[nodiscard]] std::string elements() const {
    return here("nft list table inet myct | grep -A1 'elements = ' | tr -d '\\n\\t'").out;
  }
  [[nodiscard]] bool has_interface(const std::string& name) const { return here("ip link show " + name).status == 0; }
  [[nodiscard]] std::string definition(const std::string& name) const { return root() + "/networks/" + name; }
  [[nodiscard]] std::string state(const std::string& name) const { return runtime_dir() + "/networks/" + name; }
};

TEST_F(NetworkCheck, has_nothing_to_say_of_what_is_used) {
  (void)make("app", "10.91.0.0/24");
  start("web", kWebServer, {"-p", "8080:80", "-p", "127.0.0.1:53:53/udp"});
  start("other", "sleep 1000", {"--network", "app", "-p", "8081:81"});
  EXPECT_TRUE(prints(myct({"system", "check"}), ""));
  remove("other");
  EXPECT_TRUE(eventually([&] { return !fs::exists(state("app") + "/server"); }));
  EXPECT_TRUE(prints(myct({"system", "check"}), "")) << "of a bridge that waits for its next container";
  EXPECT_EQ(fetched_outside("http://192.0.2.1:8080/name"), name_in("web"));
  remove("web");
}

TEST_F(NetworkCheck, closes_ports_that_lead_to_no_container) {
  start("web", kWebServer, {"-p", "8080:80"});
  // As if they were another root's, whose containers are gone, and one whose port is bound.
  ASSERT_EQ(here("nft 'add element inet myct published { tcp . 81 : 10.88.0.99 . 80, udp . 82 : 10.99.0.2 . 80, "
                 "tcp . 83 : 10.99.0.3 . 80 }; add element inet myct published_at { 192.0.2.1 . tcp . 84 : 10.88.0.98 "
                 ". 80 }'")
                .status,
            0);
  Process holder(on_host("exec busybox httpd -f -p 83"));
  ASSERT_TRUE(eventually([&] { return !here("ss -Hltn sport = :83").out.empty(); }));
  expect_mended(
      {"published port 0.0.0.0:81/tcp: it leads to 10.88.0.99, where no container runs that has published it "
       "(--repair closes it)\n",
       "published port 0.0.0.0:82/udp: it leads to 10.99.0.2", "published port 192.0.2.1:84/tcp"});
  EXPECT_THAT(published(), AllOf(HasSubstr("tcp . 83"), HasSubstr("tcp . 8080"), Not(HasSubstr("udp . 82"))));
  EXPECT_EQ(fetched_outside("http://192.0.2.1:8080/name"), name_in("web"));
  holder.signal(SIGKILL);
  holder.wait();
  ASSERT_EQ(here("nft delete element inet myct published '{ tcp . 83 }'").status, 0);
  remove("web");
}

TEST_F(NetworkCheck, asks_ipv6_for_ports_that_lead_to_ipv6_addresses) {
  start("web", kWebServer, {"-p", "8080:80"});
  // As if it were another root's, whose port of IPv6 nobody has: a program has that of IPv4.
  ASSERT_EQ(here("nft 'add element inet myct published6 { tcp . 84 : fd00:99::4 . 80 }'").status, 0);
  Process program(on_host("exec busybox httpd -f -p 0.0.0.0:84"));
  ASSERT_TRUE(eventually([&] { return !here("ss -Hltn sport = :84").out.empty(); }));
  expect_mended(
      {"published port [::]:84/tcp: it leads to fd00:99::4, where no container runs that has published it "
       "(--repair closes it)\n"});
  program.signal(SIGKILL);
  program.wait();
  remove("web");
}

TEST_F(NetworkCheck, removes_elements_of_bridges_that_are_gone) {
  const std::string bridge = make("app", "10.91.0.0/24");
  ASSERT_EQ(shell({"--network", "app"}, "true").status, 0);
  const std::string before = elements();
  ASSERT_EQ(here("ip link del " + bridge).status, 0);
  expect_mended({"firewall elements of bridge '" + bridge + "': the bridge is gone (--repair removes them)\n",
                 "firewall element of subnet 10.91.0.0 to 10.91.0.255: no bridge has it (--repair removes it)\n"});
  EXPECT_THAT(elements(), AllOf(Not(HasSubstr(bridge)), Not(HasSubstr("10.91.0.0"))));
  EXPECT_EQ(shell({"--network", "app"}, "ping -c 1 -W 5 192.0.2.2 >/dev/null").status, 0);
  EXPECT_EQ(elements(), before);
}

TEST_F(NetworkCheck, removes_bridges_whose_network_is_gone_and_nobody_elses) {
  const std::string bridge = make("app", "10.91.0.0/24");
  ASSERT_EQ(here("ip link add br-0123456789ab type bridge && ip link add theirs type bridge").status, 0);
  start("web", kWebServer, {"--network", "app", "-p", "8080:80"});
  fs::remove_all(definition("app"));
  EXPECT_TRUE(prints(myct({"system", "check"}), "")) << "a container is on it";
  remove("web");
  ASSERT_TRUE(eventually([&] { return here("ls /sys/class/net/" + bridge + "/brif").out.empty(); }));
  ASSERT_TRUE(eventually([&] { return !fs::exists(state("app") + "/server"); }));
  expect_mended({"bridge '" + bridge + "': network 'app', which it was made for, is gone (--repair removes it)\n",
                 "directory '" + state("app") + "': network 'app' is gone (--repair removes it)\n"});
  EXPECT_FALSE(has_interface(bridge));
  EXPECT_FALSE(fs::exists(state("app")));
  EXPECT_THAT(elements(), AllOf(Not(HasSubstr(bridge)), Not(HasSubstr("10.91.0.0"))));
  EXPECT_EQ(here("ip link del br-0123456789ab && ip link del theirs").status, 0);
}

TEST_F(NetworkCheck, leaves_a_bridge_that_was_there_before_the_network) {
  ASSERT_EQ(here("ip link add theirs type bridge && ip link set theirs up").status, 0);
  ASSERT_EQ(myct({"network", "create", "-o", "com.docker.network.bridge.name=theirs", "app"}).status, 0);
  ASSERT_EQ(shell({"--network", "app"}, "true").status, 0);
  ASSERT_EQ(myct({"network", "rm", "app"}).status, 0);
  EXPECT_EQ(here("ip link del theirs").status, 0) << "it went with the network";
}

TEST_F(NetworkCheck, gives_back_addresses_and_directories_of_networks_that_are_gone) {
  (void)make("app", "10.91.0.0/24");
  const std::string id(64, 'a');
  fs::create_directories(state("app") + "/addresses");
  fs::create_directories(state("gone") + "/addresses");
  fs::create_symlink(id, state("app") + "/addresses/10.91.0.9");
  fs::create_symlink(id, state("gone") + "/addresses/10.92.0.9");
  expect_mended({"address 10.91.0.9 of network 'app'", "address 10.92.0.9 of network 'gone'",
                 "directory '" + state("gone") + "': network 'gone' is gone (--repair removes it)\n"});
  EXPECT_FALSE(fs::exists(state("gone")));
  EXPECT_TRUE(fs::exists(state("app")));
}

TEST_F(NetworkCheck, completes_what_was_cut_short) {
  const std::string bridge = make("app", "10.91.0.0/24");
  ASSERT_EQ(shell({"--network", "app"}, "true").status, 0);
  fs::rename(definition("app"), definition(".removed-app"));
  fs::create_directories(definition("half"));
  expect_mended({"network 'app': its removal was cut short (--repair completes it)\n",
                 "network 'half': it was never completed (--repair removes it)\n"});
  EXPECT_FALSE(has_interface(bridge));
  EXPECT_FALSE(fs::exists(definition(".removed-app")));
  EXPECT_FALSE(fs::exists(state("app")));
  EXPECT_FALSE(fs::exists(definition("half")));
}

TEST_F(NetworkCheck, completes_a_removal_without_the_bridge_that_is_another_networks_by_now) {
  const std::string bridge = make("app", "10.91.0.0/24");
  ASSERT_EQ(shell({"--network", "app"}, "true").status, 0);
  ASSERT_EQ(here("ip link set " + bridge + " alias myct:/elsewhere/networks/app").status, 0);
  const std::string before = elements();
  fs::rename(definition("app"), definition(".removed-app"));
  expect_mended({"network 'app': its removal was cut short (--repair completes it)\n"});
  EXPECT_TRUE(has_interface(bridge));
  EXPECT_EQ(elements(), before);
  EXPECT_EQ(here("ip link del " + bridge).status, 0);
  EXPECT_EQ(myct({"system", "check", "--repair"}).status, 0);
}

TEST_F(NetworkCheck, keeps_a_network_that_could_not_be_removed) {
  const std::string bridge = make("app", "10.91.0.0/24");
  ASSERT_EQ(shell({"--network", "app"}, "true").status, 0);
  const std::string before = elements();
  Command removing = command({"network", "rm", "app"});
  const Words privileges = {"/usr/bin/setpriv", "--bounding-set", "-net_admin", "--"};
  removing.argv.insert(removing.argv.begin(), privileges.begin(), privileges.end());
  const Result refused = run(removing);
  EXPECT_TRUE(fails_with(refused, 1, "Operation not permitted: it needs CAP_NET_ADMIN"));
  EXPECT_TRUE(fs::exists(definition("app")));
  EXPECT_TRUE(has_interface(bridge));
  EXPECT_EQ(elements(), before);
  EXPECT_EQ(myct({"network", "inspect", "app"}).status, 0);
  EXPECT_EQ(shell({"--network", "app"}, "true").status, 0);
}

TEST_F(NetworkCheck, puts_a_network_back_whose_removal_was_cut_short_while_containers_are_on_it) {
  (void)make("app", "10.91.0.0/24");
  start("web", kWebServer, {"--network", "app", "-p", "8080:80"});
  fs::rename(definition("app"), definition(".removed-app"));
  EXPECT_NE(myct({"network", "rm", "app"}).status, 0) << "a container is on it";
  EXPECT_TRUE(fs::exists(definition("app"))) << "the next command about networks puts it back";
  EXPECT_TRUE(prints(myct({"system", "check"}), ""));
  remove("web");
}

TEST_F(NetworkCheck, starts_a_name_server_again_that_was_killed) {
  (void)make("app", "10.91.0.0/24");
  (void)make("unused", "10.92.0.0/24");
  start("web", kWebServer, {"--network", "app"});
  const std::string pid = lines_of(read_file(state("app") + "/server")).front();
  ASSERT_EQ(here("kill -9 " + pid + " && flock -w 5 " + state("app") + "/server true").status, 0);
  EXPECT_NE(in("web", "timeout 2 nslookup web").status, 0);
  expect_mended(
      {"name server of network 'app': it was killed: the network's containers resolve no names (--repair starts it "
       "again)\n"});
  EXPECT_EQ(in("web", "nslookup web").status, 0);
  remove("web");
}

TEST_F(NetworkCheck, ends_a_name_server_that_serves_nobody) {
  (void)make("app", "10.91.0.0/24");
  start("web", kWebServer, {"--network", "app"});
  const std::string pid = lines_of(read_file(state("app") + "/server")).front();
  ASSERT_EQ(here("kill -STOP " + pid).status, 0);
  remove("web");
  expect_mended({"name server of network 'app' (process " + pid + "): no container is on the network"});
  const std::vector<int> left = host().processes();
  EXPECT_EQ(std::ranges::find(left, std::stoi(pid)), left.end());
  start("web", kWebServer, {"--network", "app"});
  EXPECT_EQ(myct({"exec", "web", "nslookup", "web"}).status, 0);
  remove("web");
}

}  // namespace
}  // namespace myct::test
