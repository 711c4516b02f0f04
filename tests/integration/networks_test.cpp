// Networks of one's own, with real packets between containers.
#include <algorithm>

#include "detached.hpp"

namespace myct::test {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

constexpr const char* kServer = "mkdir -p /www; echo served >/www/page; exec httpd -f -p 80 -h /www";

class Networks : public DetachedTest {
 protected:
  void TearDown() override {
    for (const std::string& name : names_) {
      EXPECT_TRUE(eventually([&] { return myct({"network", "rm", "-f", name}).status == 0; })) << name;
    }
    DetachedTest::TearDown();
  }
  void make(const std::string& name, Words options = {}) {
    Words words = {"network", "create"};
    words.insert(words.end(), options.begin(), options.end());
    words.push_back(name);
    const Result result = myct(words);
    ASSERT_EQ(result.status, 0) << result;
    EXPECT_THAT(result.out, MatchesRegex("[0-9a-f]+\n"));
    names_.push_back(name);
  }
  [[nodiscard]] Result fetch(const Words& options, const std::string& host) const {
    return shell(options, "for try in 1 2 3 4 5 6 7 8 9 10; do timeout 5 wget -q -O- http://" + host +
                              "/page 2>/dev/null && exit 0; sleep 0.2; done; exit 1");
  }
  [[nodiscard]] std::string inspect(const std::string& name, const std::string& field) const {
    const std::string out = myct({"inspect", "-f", "{{" + field + "}}", name}).out;
    return out.substr(0, out.find('\n'));
  }

 private:
  std::vector<std::string> names_;
};

TEST_F(Networks, let_containers_find_each_other_by_name_alias_and_id) {
  make("app");
  const std::string id = start("web", kServer, {"--network", "app", "--network-alias", "www"});
  for (const std::string& name : {std::string("web"), std::string("www"), id.substr(0, 12), std::string("WEB")})
    EXPECT_TRUE(prints(fetch({"--network", "app"}, name), "served\n")) << name;
  remove("web");
}

TEST_F(Networks, are_what_containers_are_filtered_by) {
  make("app");
  start("web", "sleep 1000", {"--network", "app"});
  start("plain", "sleep 1000");
  const auto filtered = [&](const std::string& network) {
    return myct({"ps", "--filter", "network=" + network, "--format", "{{.Names}}"});
  };
  const auto id_of = [&](const std::string& network) {
    const std::string out = myct({"network", "inspect", "-f", "{{.Id}}", network}).out;
    return out.substr(0, out.find('\n'));
  };
  EXPECT_TRUE(prints(filtered("app"), "web\n"));
  EXPECT_TRUE(prints(filtered(id_of("app")), "web\n"));
  EXPECT_TRUE(prints(filtered(id_of("app").substr(0, 12)), "web\n"));
  EXPECT_TRUE(prints(filtered(id_of("bridge").substr(0, 12)), "plain\n"));
  EXPECT_TRUE(prints(filtered("nothing"), ""));
  remove("plain");
  remove("web");
}

TEST_F(Networks, know_a_container_by_its_new_name_at_once) {
  make("app");
  start("web", kServer, {"--network", "app"});
  ASSERT_TRUE(prints(fetch({"--network", "app"}, "web"), "served\n"));
  ASSERT_EQ(myct({"rename", "web", "site"}).status, 0);
  EXPECT_TRUE(prints(fetch({"--network", "app"}, "site"), "served\n"));
  EXPECT_NE(shell({"--network", "app"}, "nslookup web").status, 0);
  remove("site");
}

TEST_F(Networks, forget_the_names_of_one_that_has_ended) {
  make("app");
  start("stays", "sleep 1000", {"--network", "app"});
  start("web", "sleep 1000", {"--network", "app"});
  ASSERT_EQ(myct({"exec", "stays", "nslookup", "web"}).status, 0);
  remove("web");
  EXPECT_NE(myct({"exec", "stays", "nslookup", "web"}).status, 0);
  remove("stays");
}

TEST_F(Networks, do_not_reach_each_other) {
  make("one");
  make("two");
  start("web", kServer, {"--network", "one"});
  const std::string address = inspect("web", ".NetworkSettings.Networks.one.IPAddress");
  EXPECT_TRUE(prints(fetch({"--network", "one"}, address), "served\n"));
  EXPECT_NE(shell({"--network", "two"}, "ping -c 1 -W 1 " + address).status, 0);
  EXPECT_NE(shell({}, "ping -c 1 -W 1 " + address).status, 0);
  EXPECT_NE(shell({"--network", "two"}, "nslookup web").status, 0);
  remove("web");
}

TEST_F(Networks, can_be_several_for_one_container) {
  make("one");
  make("two", {"--subnet", "10.91.0.0/24"});
  start("web", kServer, {"--network", "one", "--network", "two:ip=10.91.0.9,alias=second"});
  EXPECT_THAT(myct({"exec", "web", "ip", "-o", "-4", "addr"}).out, AllOf(HasSubstr("eth0"), HasSubstr("10.91.0.9/24")));
  EXPECT_TRUE(prints(fetch({"--network", "one"}, "web"), "served\n"));
  EXPECT_TRUE(prints(fetch({"--network", "two"}, "second"), "served\n"));
  EXPECT_THAT(myct({"ps", "--format", "{{.Networks}}"}).out, HasSubstr("one,two"));
  EXPECT_TRUE(prints(myct({"ps", "-q", "--filter", "network=two"}), inspect("web", ".Id").substr(0, 12) + "\n"));
  remove("web");
}

TEST_F(Networks, give_the_address_that_is_asked_for_and_not_twice) {
  make("app", {"--subnet", "10.91.0.0/24", "--gateway", "10.91.0.254", "--ip-range", "10.91.0.128/28"});
  start("web", "sleep 1000", {"--network", "app", "--ip", "10.91.0.7", "--mac-address", "02:00:00:00:00:07"});
  EXPECT_THAT(myct({"exec", "web", "ip", "-o", "addr", "show", "eth0"}).out, HasSubstr("inet 10.91.0.7/24"));
  EXPECT_THAT(myct({"exec", "web", "ip", "-o", "link", "show", "eth0"}).out, HasSubstr("02:00:00:00:00:07"));
  EXPECT_TRUE(fails_with(shell({"--network", "app", "--ip", "10.91.0.7"}, "true"), 125,
                         "address 10.91.0.7 is taken by container " + inspect("web", ".Id").substr(0, 12)));
  EXPECT_TRUE(fails_with(shell({"--network", "app", "--ip", "10.92.0.7"}, "true"), 125, "10.91.0.0/24"));
  EXPECT_TRUE(fails_with(shell({"--network", "app", "--ip", "10.91.0.254"}, "true"), 125, "10.91.0.254"));
  EXPECT_THAT(shell({"--network", "app"}, "ip route; ip -o -4 addr show eth0").out,
              AllOf(HasSubstr("default via 10.91.0.254"), ContainsRegex("inet 10\\.91\\.0\\.1[234][0-9]/24")));
  remove("web");
}

TEST_F(Networks, without_a_way_out_have_none) {
  make("closed", {"--internal"});
  start("web", kServer, {"--network", "closed"});
  EXPECT_TRUE(prints(fetch({"--network", "closed"}, "web"), "served\n"));
  EXPECT_THAT(myct({"exec", "web", "ip", "route"}).out, Not(HasSubstr("default")));
  // Nor with a route of its own making.
  EXPECT_NE(shell({"--network", "closed", "--cap-add", "NET_ADMIN"},
                  "ip route add default via $(ip route | sed 's/.*src \\([0-9.]*\\)[.][0-9]*.*/\\1/').1; "
                  "ping -c 1 -W 1 192.0.2.2")
                .status,
            0);
  remove("web");
}

TEST_F(Networks, are_listed_and_inspected_as_docker_does) {
  make("app", {"--subnet", "10.91.0.0/24", "--label", "tier=front"});
  start("web", "sleep 1000", {"--network", "app"});
  EXPECT_THAT(myct({"network", "ls"}).out,
              ContainsRegex("NETWORK ID +NAME +DRIVER +SCOPE\n[0-9a-f]+ +app +bridge +local\n"));
  EXPECT_TRUE(prints(myct({"network", "ls", "--format", "{{.Name}}", "--filter", "label=tier=front"}), "app\n"));
  EXPECT_TRUE(prints(myct({"network", "inspect", "-f", "{{range .IPAM.Config}}{{.Subnet}} {{.Gateway}}{{end}}", "app"}),
                     "10.91.0.0/24 10.91.0.1\n"));
  EXPECT_TRUE(
      prints(myct({"network", "inspect", "-f", "{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}", "app"}),
             "web 10.91.0.2/24\n"));
  const Result absent = myct({"network", "inspect", "absent"});
  EXPECT_EQ(absent.status, 1);
  EXPECT_EQ(absent.out, "[]\n");
  EXPECT_THAT(absent.err, HasSubstr("no such network: 'absent'"));
  remove("web");
}

TEST_F(Networks, are_not_removed_while_containers_are_on_them) {
  make("app");
  start("web", "sleep 1000", {"--network", "app"});
  EXPECT_TRUE(fails_with(myct({"network", "rm", "app"}), 1, "stop container " + inspect("web", ".Id").substr(0, 12)));
  EXPECT_TRUE(prints(myct({"network", "prune", "-f"}), ""));
  remove("web");
  EXPECT_TRUE(prints(myct({"network", "prune", "-f"}), "Deleted Networks:\napp\n"));
  EXPECT_TRUE(fails_with(shell({"--network", "app"}, "true"), 125, "no such network: 'app'"));
}

TEST_F(Networks, have_one_winner_when_many_make_the_same) {
  int made = 0;
  for (const Result& result : at_once(10, [](int) { return Words{"network", "create", "app"}; }))
    made += result.status == 0 ? 1 : 0;
  EXPECT_EQ(made, 1);
  for (const Result& result : at_once(10, [](int index) {
         return Words{"network", "create", "n" + std::to_string(index)};
       }))
    EXPECT_EQ(result.status, 0) << result;
  std::vector<std::string> subnets = lines_of(myct({"network", "inspect", "-f", "{{(index .IPAM.Config 0).Subnet}}",
                                                    "n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9", "app"})
                                                  .out);
  std::ranges::sort(subnets);
  EXPECT_EQ(std::ranges::unique(subnets).size(), 0U);
  EXPECT_EQ(lines_of(myct({"network", "prune", "-f"}).out).size(), 12U);
}

TEST_F(Networks, of_another_container_are_shared) {
  make("app");
  start("web", kServer, {"--network", "app"});
  EXPECT_TRUE(prints(fetch({"--network", "container:web"}, "127.0.0.1"), "served\n"));
  EXPECT_TRUE(prints(shell({"--network", "container:web"}, "hostname"), inspect("web", ".Config.Hostname") + "\n"));
  ASSERT_EQ(myct({"stop", "-t", "0", "web"}).status, 0);
  EXPECT_TRUE(fails_with(shell({"--network", "container:web"}, "true"), 125, "is not running"));
  remove("web");
}

TEST_F(Networks, of_a_namespace_are_joined_by_its_path) {
  start("web", kServer);
  const std::string path = "ns:/proc/" + inspect("web", ".State.Pid") + "/ns/net";
  EXPECT_TRUE(prints(fetch({"--network", path}, "127.0.0.1"), "served\n"));
  remove("web");
}

struct RefusalRow {
  const char* name;
  Words words;
  const char* text;
};

class NetworksRefuse : public Networks, public ::testing::WithParamInterface<RefusalRow> {};

TEST_P(NetworksRefuse, before_anything_is_made) {
  const Result result = myct(GetParam().words);
  EXPECT_NE(result.status, 0);
  EXPECT_THAT(result.err, HasSubstr(GetParam().text));
  EXPECT_EQ(container_count(), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, NetworksRefuse,
    ::testing::Values(
        RefusalRow{
            "unknown_network", {"run", "--rm", "--network", "absent", "busybox", "true"}, "no such network: 'absent'"},
        RefusalRow{"alias_on_the_default", {"run", "--network-alias", "x", "busybox", "true"}, "knows no names"},
        RefusalRow{
            "address_on_the_default", {"run", "--ip", "10.88.0.9", "busybox", "true"}, "no address can be chosen"},
        RefusalRow{
            "a_mixture", {"run", "--network", "host", "--network", "x", "busybox", "true"}, "goes with no other"},
        RefusalRow{"twice_the_same", {"run", "--network", "x", "--network", "x", "busybox", "true"}, "given twice"},
        RefusalRow{"a_groups_mac", {"run", "--mac-address", "01:00:00:00:00:01", "busybox", "true"}, "it is a group's"},
        RefusalRow{
            "a_bad_option", {"run", "--network", "x:speed=9", "busybox", "true"}, "none of ip, ip6, mac and alias"},
        RefusalRow{"a_bad_name", {"network", "create", "a b"}, "invalid network name"},
        RefusalRow{"a_reserved_name", {"network", "create", "host"}, "reserved"},
        RefusalRow{"a_bad_subnet", {"network", "create", "--subnet", "10.91.0.1/24", "x"}, "invalid --subnet"},
        RefusalRow{"a_gateway_elsewhere",
                   {"network", "create", "--subnet", "10.91.0.0/24", "--gateway", "10.92.0.1", "x"},
                   "invalid --gateway"},
        RefusalRow{"a_range_elsewhere",
                   {"network", "create", "--subnet", "10.91.0.0/24", "--ip-range", "10.92.0.0/28", "x"},
                   "invalid --ip-range"},
        RefusalRow{"another_driver", {"network", "create", "-d", "overlay", "x"}, "unknown network driver"},
        RefusalRow{"the_default_removed", {"network", "rm", "bridge"}, "cannot be removed"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace myct::test
