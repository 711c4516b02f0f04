// Beside other people's firewalls: on hosts that forward nothing unless told, and after rules were taken away.
#include "lan.hpp"

namespace myct::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class NetworkFirewall : public LanTest {
 protected:
  void expect_everything_works() {
    EXPECT_EQ(shell({}, "ping -c 1 -W 5 192.0.2.2 >/dev/null").status, 0) << "outside";
    start("web", kWebServer, {"-p", "8080:80"});
    EXPECT_EQ(fetched_outside("http://192.0.2.1:8080/name"), name_in("web")) << "from outside";
    EXPECT_EQ(fetched("http://127.0.0.1:8080/name"), name_in("web")) << "from the host";
    EXPECT_TRUE(prints(shell({}, "wget -q -O- http://" + address_of("web") + "/name"), name_in("web")))
        << "from a container";
    EXPECT_TRUE(prints(shell({}, "wget -q -O- http://192.0.2.1:8080/name"), name_in("web")))
        << "from a container by the host";
    remove("web");
  }
  /// The others' rules, without ours and without counters.
  [[nodiscard]] std::string foreign_rules() const {
    return here("iptables-nft-save | sed -e '/^#/d; /comment myct/d; s/\\[[0-9:]*\\]//'").out;
  }
  /// To the container 'client' that of 'db' on network 'app'.
  void expect_names_answered() const {
    EXPECT_TRUE(prints(in("client", "wget -q -O- http://db/name"), name_in("db")));
    for (const std::string how : {"@10.91.0.1", "@10.91.0.1 +tcp"})
      EXPECT_EQ(in_network_of("client", "dig +tries=1 +time=3 +short " + how + " db A").out,
                address_on("db", "app") + "\n")
          << how;
  }
  /// Whether a container does, where somebody listens.
  [[nodiscard]] bool reaches_outside(const std::string& port) {
    Process ear(on(world(), "echo heard >" + make_directory("www") + "/page; echo ready; exec busybox httpd -f -p " +
                                port + " -h " + path("www")));
    if (!ear.read_until("ready")) return false;
    const std::string ask = "timeout 2 wget -q -O- http://192.0.2.2:" + port + "/page";
    const Result result = shell({}, ask + " || { sleep 0.3; " + ask + "; }; exit $?");
    ear.signal(SIGKILL);
    ear.wait();
    return result.out == "heard\n";
  }
  /// The chains of a zone, which refuses to forward what nobody has allowed, and to connect to port 4444.
  [[nodiscard]] static std::string zone(const std::string& name) {
    const std::string chain = "filter_FWD_" + name;
    std::string text = "chain " + chain + " {\n";
    for (const char* part : {"pre", "log", "deny", "allow", "post"}) text += "jump " + chain + "_" + part + "\n";
    text += "reject with icmpx admin-prohibited\n}\n";
    for (const char* part : {"pre", "log", "allow", "post"}) text += "chain " + chain + "_" + part + " {\n}\n";
    return text + "chain " + chain + "_deny {\ntcp dport 4444 reject with icmpx admin-prohibited\n}\n";
  }
  [[nodiscard]] std::string firewalld() const {
    return here("nft list table inet firewalld | grep -v 'comment \"myct\"'").out;
  }
  [[nodiscard]] std::string own_rules() const { return here("nft list table inet myct").out; }
};

TEST_F(NetworkFirewall, works_where_iptables_forwards_nothing) {
  ASSERT_EQ(here("iptables-nft -P FORWARD DROP").status, 0);
  const std::string before = foreign_rules();
  expect_everything_works();
  EXPECT_EQ(foreign_rules(), before);
  EXPECT_EQ(here("iptables-nft -S FORWARD | grep -c 'comment myct'").out, "1\n") << "once, however many start";
}

TEST_F(NetworkFirewall, works_where_a_table_of_nftables_forwards_nothing) {
  ASSERT_EQ(here("nft 'table inet closed { chain forward { type filter hook forward priority filter; policy drop; tcp "
                 "dport 9 drop; }; }'")
                .status,
            0);
  expect_everything_works();
  EXPECT_THAT(here("nft list table inet closed").out, AllOf(HasSubstr("policy drop"), HasSubstr("dport 9 drop")));
}

TEST_F(NetworkFirewall, works_where_the_last_rule_rejects_everything) {
  ASSERT_EQ(here("iptables-nft -A FORWARD -p tcp --dport 9 -j ACCEPT && iptables-nft -A FORWARD -j REJECT "
                 "--reject-with icmp-host-prohibited")
                .status,
            0);
  const std::string before = foreign_rules();
  expect_everything_works();
  EXPECT_EQ(foreign_rules(), before);
}

TEST_F(NetworkFirewall, works_beside_docker_and_opens_nothing_of_its) {
  // As Docker 27 leaves them, with a container of its on docker0.
  ASSERT_EQ(here("iptables-nft-restore <<'RULES'\n"
                 "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:DOCKER - [0:0]\n"
                 ":DOCKER-ISOLATION-STAGE-1 - [0:0]\n:DOCKER-ISOLATION-STAGE-2 - [0:0]\n:DOCKER-USER - [0:0]\n"
                 "-A FORWARD -j DOCKER-USER\n-A FORWARD -j DOCKER-ISOLATION-STAGE-1\n"
                 "-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
                 "-A FORWARD -o docker0 -j DOCKER\n-A FORWARD -i docker0 ! -o docker0 -j ACCEPT\n"
                 "-A FORWARD -i docker0 -o docker0 -j ACCEPT\n"
                 "-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2\n"
                 "-A DOCKER-ISOLATION-STAGE-1 -j RETURN\n-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP\n"
                 "-A DOCKER-ISOLATION-STAGE-2 -j RETURN\n-A DOCKER-USER -p tcp --dport 4444 -j DROP\n"
                 "-A DOCKER-USER -j RETURN\nCOMMIT\nRULES\n"
                 "ip link add docker0 type bridge && ip addr add 172.17.0.1/16 dev docker0 && ip link set docker0 up")
                .status,
            0);
  const std::string before = foreign_rules();
  Machine theirs(on_host("exec unshare --net sh -c 'ip link set lo up; echo there; exec sleep 1000' 2>/dev/null"));
  ASSERT_TRUE(theirs.is_up());
  ASSERT_EQ(here("ip link add dk0 master docker0 type veth peer name dk1 netns " + std::to_string(theirs.pid()) +
                 " && ip link set dk0 up")
                .status,
            0);
  ASSERT_EQ(run(on(theirs,
                   "ip addr add 172.17.0.2/16 dev dk1 && ip link set dk1 up && ip route add default via "
                   "172.17.0.1"))
                .status,
            0);
  ASSERT_EQ(here("busybox ping -c 1 -W 5 172.17.0.2").status, 0);
  expect_everything_works();
  EXPECT_EQ(shell({}, "ping -c 1 -W 1 172.17.0.2 >/dev/null").status, 1) << "into Docker's bridge";
  start("mine", "sleep 1000");
  EXPECT_NE(run(on(theirs, "busybox ping -c 1 -W 1 " + address_of("mine"))).status, 0) << "out of Docker's bridge";
  EXPECT_EQ(foreign_rules(), before);
  remove("mine");
  theirs.end();
  EXPECT_EQ(here("ip link del docker0").status, 0);
}

TEST_F(NetworkFirewall, works_beside_ufw) {
  // As ufw leaves them when it is enabled: "deny (routed)", then "reject (routed)".
  for (const char* refusal : {"", "-A ufw-reject-forward -j REJECT\n"}) {
    ASSERT_EQ(here(std::string("iptables-nft-restore <<'RULES'\n"
                               "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n"
                               ":ufw-before-logging-forward - [0:0]\n:ufw-before-forward - [0:0]\n"
                               ":ufw-after-forward - [0:0]\n:ufw-after-logging-forward - [0:0]\n"
                               ":ufw-reject-forward - [0:0]\n:ufw-track-forward - [0:0]\n:ufw-user-forward - [0:0]\n"
                               "-A FORWARD -j ufw-before-logging-forward\n-A FORWARD -j ufw-before-forward\n"
                               "-A FORWARD -j ufw-after-forward\n-A FORWARD -j ufw-after-logging-forward\n"
                               "-A FORWARD -j ufw-reject-forward\n-A FORWARD -j ufw-track-forward\n"
                               "-A ufw-before-forward -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
                               "-A ufw-before-forward -p icmp -m icmp --icmp-type 3 -j ACCEPT\n"
                               "-A ufw-before-forward -p icmp -m icmp --icmp-type 11 -j ACCEPT\n"
                               "-A ufw-before-forward -p icmp -m icmp --icmp-type 12 -j ACCEPT\n"
                               "-A ufw-before-forward -j ufw-user-forward\n"
                               "-A ufw-user-forward -p tcp -m tcp --dport 4444 -j DROP\n") +
                   refusal + "COMMIT\nRULES\n")
                  .status,
              0);
    const std::string before = foreign_rules();
    expect_everything_works();
    EXPECT_EQ(foreign_rules(), before);
    EXPECT_TRUE(reaches_outside("4445"));
    EXPECT_FALSE(reaches_outside("4444")) << "what ufw is told to refuse";
  }
}

TEST_F(NetworkFirewall, works_beside_firewalld) {
  // As firewalld 2 leaves them with the default zone, in which lan0 is: each zone has a refusal of its own.
  const std::string rules =
      "table inet firewalld {\n"
      "chain filter_FORWARD {\n"
      "type filter hook forward priority filter + 10; policy accept;\n"
      "ct state { established, related } accept\n"
      "ct status dnat accept\n"
      "iifname \"lo\" accept\n"
      "ct state invalid drop\n"
      "jump filter_FORWARD_ZONES\n"
      "reject with icmpx admin-prohibited\n}\n"
      "chain filter_FORWARD_ZONES {\n"
      "iifname \"seg0\" goto filter_FWD_dmz\n"
      "iifname \"lan0\" goto filter_FWD_public\n"
      "goto filter_FWD_public\n}\n" +
      zone("dmz") + zone("public") + "}\n";
  ASSERT_EQ(here("nft -f - <<'RULES'\n" + rules + "RULES\n").status, 0);
  const std::string before = firewalld();
  ASSERT_NE(before, "");
  expect_everything_works();
  EXPECT_EQ(firewalld(), before);
  EXPECT_EQ(here("nft list chain inet firewalld filter_FWD_public | grep -c 'comment \"myct\"'").out, "1\n");
  EXPECT_EQ(here("nft list chain inet firewalld filter_FWD_dmz | grep -c 'comment \"myct\"'").out, "0\n")
      << "where nothing of a container's comes by";
  EXPECT_TRUE(reaches_outside("4445"));
  EXPECT_FALSE(reaches_outside("4444")) << "what the zone refuses";
}

TEST_F(NetworkFirewall, knows_its_rule_again_that_was_saved_and_restored) {
  ASSERT_EQ(here("iptables-nft -P FORWARD DROP").status, 0);
  const std::string rule = "iptables-nft -S FORWARD | grep -c 'comment myct'";
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(shell({}, "true").status, 0);
    ASSERT_EQ(here("iptables-nft-save | iptables-nft-restore").status, 0);
    EXPECT_EQ(here(rule).out, "1\n") << "in round " << round;
  }
  expect_everything_works();
  EXPECT_EQ(here(rule).out, "1\n");
  prune_networks();
  EXPECT_EQ(here(rule).out, "0\n");
}

TEST_F(NetworkFirewall, answers_names_where_the_host_takes_nothing_in_unless_told) {
  const std::string policy =
      "nft 'table inet closed { chain input { type filter hook input priority filter; policy drop; iif lo accept; "
      "ct state established,related accept; meta l4proto { icmp, ipv6-icmp } accept; }; }'";
  const std::string zones =
      "nft 'table inet closed { chain zone { tcp dport 9 drop; reject with icmpx admin-prohibited; }; chain zones { "
      "goto zone; }; chain input { type filter hook input priority filter + 10; iif lo accept; ct state "
      "established,related accept; jump zones; reject; }; }'";
  Process other(
      on_host("exec dnsmasq --keep-in-foreground --pid-file --user=root --no-resolv --no-hosts "
              "--listen-address=127.0.0.1,192.0.2.1 --bind-interfaces --address=/secret.test/203.0.113.99"));
  ASSERT_TRUE(eventually([&] { return here("dig @192.0.2.1 +short secret.test").out == "203.0.113.99\n"; }));
  Process site(on_host("exec busybox httpd -f -p 8099 -h " + make_directory("www")));
  for (const std::string& setup : {std::string("iptables-nft -P INPUT DROP && iptables-nft -A INPUT -m conntrack "
                                               "--ctstate RELATED,ESTABLISHED -j ACCEPT"),
                                   policy, zones}) {
    ASSERT_EQ(here(setup).status, 0) << setup;
    ASSERT_EQ(create_network("app", {"--subnet", "10.91.0.0/24", "--ipv6"}).status, 0);
    start("db", kWebServer, {"--network", "app"});
    start("client", "exec sleep 1000", {"--network", "app"});
    expect_names_answered();
    EXPECT_NE(in_network_of("client", "dig +tries=1 +time=1 @192.0.2.1 secret.test").status, 0)
        << "a server of the host's";
    EXPECT_NE(in_network_of("client", "curl -s -m 1 http://10.91.0.1:8099/").status, 0) << "another port";
    remove("client");
    remove("db");
    EXPECT_TRUE(eventually([&] { return myct({"network", "rm", "app"}).status == 0; }));
    EXPECT_THAT(here("nft list ruleset").out, Not(HasSubstr("comment \"myct\"")));
    start("plain", "exec sleep 1000");
    EXPECT_THAT(here("nft list ruleset").out, Not(HasSubstr("comment \"myct\"")))
        << "the default network has no name server";
    remove("plain");
    prune_networks();
    ASSERT_EQ(
        here("iptables-nft -P INPUT ACCEPT; iptables-nft -F; nft delete table inet closed 2>/dev/null; true").status,
        0);
  }
  for (Process* process : {&other, &site}) {
    process->signal(SIGKILL);
    process->wait();
  }
}

TEST_F(NetworkFirewall, answers_names_beside_another_server_where_the_host_takes_nothing_in) {
  ASSERT_EQ(here("iptables-nft -P INPUT DROP && iptables-nft -A INPUT -i lo -j ACCEPT").status, 0);
  Process other(on_host("exec dnsmasq --keep-in-foreground --pid-file --user=root --no-resolv --no-hosts"));
  ASSERT_TRUE(eventually([&] { return here("dig @127.0.0.1 +tries=1 +time=1 nobody").status == 0; }));
  ASSERT_EQ(create_network("app", {"--subnet", "10.91.0.0/24"}).status, 0);
  start("db", kWebServer, {"--network", "app"});
  start("client", "exec sleep 1000", {"--network", "app"});
  expect_names_answered();
  EXPECT_THAT(published(), HasSubstr("10.91.0.1 . udp . 53")) << "the test is about a port that is taken";
  remove("client");
  remove("db");
  EXPECT_TRUE(eventually([&] { return myct({"network", "rm", "app"}).status == 0; }));
  other.signal(SIGKILL);
  other.wait();
}

TEST_F(NetworkFirewall, has_the_rules_of_this_version_with_the_next_start) {
  start("web", kWebServer, {"-p", "8080:80"});
  const std::string whole = own_rules();
  ASSERT_EQ(here("nft delete chain inet myct input").status, 0);
  EXPECT_EQ(shell({}, "true").status, 0);
  EXPECT_EQ(own_rules(), whole);
  EXPECT_EQ(fetched_outside("http://192.0.2.1:8080/name"), name_in("web"));
  remove("web");
}

TEST_F(NetworkFirewall, leaves_the_administrators_own_rules_in_force) {
  ASSERT_EQ(here("iptables-nft -P FORWARD DROP && iptables-nft -A FORWARD -d 192.0.2.2 -p icmp -j DROP").status, 0);
  EXPECT_EQ(shell({}, "ping -c 1 -W 1 192.0.2.2 >/dev/null").status, 1);
  EXPECT_EQ(shell({}, "ping -c 1 -W 5 192.0.2.1 >/dev/null").status, 0);
}

TEST_F(NetworkFirewall, tells_what_lets_containers_through_the_old_iptables) {
  if (here("iptables-legacy -P FORWARD DROP").status != 0) GTEST_SKIP() << "the kernel has no iptables of the old kind";
  // By the policy, and by a last rule beside others.
  for (const char* setup :
       {"true",
        "iptables-legacy -P FORWARD ACCEPT && iptables-legacy -F FORWARD && iptables-legacy -A FORWARD -p tcp "
        "--dport 9 -j DROP && iptables-legacy -A FORWARD -j REJECT"}) {
    ASSERT_EQ(here(setup).status, 0);
    prune_networks();
    const Result first = shell({}, "ping -c 1 -W 1 192.0.2.2 >/dev/null");
    EXPECT_EQ(first.status, 1) << "the test is about a host that forwards nothing";
    const std::string beginning =
        "myct: warning: the old iptables forward nothing unless told: let containers' packets "
        "through by '";
    ASSERT_TRUE(first.err.starts_with(beginning)) << first;
    EXPECT_EQ(lines_of(first.err).size(), 1U) << first;
    EXPECT_EQ(shell({}, "true").err, "") << "told once";
    const std::string remedy = first.err.substr(beginning.size(), first.err.rfind('\'') - beginning.size());
    ASSERT_EQ(here(remedy).status, 0) << remedy;
    expect_everything_works();
    prune_networks();
    EXPECT_EQ(shell({}, "true").err, "") << "told although it was done";
  }
  EXPECT_EQ(here("iptables-legacy -S FORWARD | tail -n 1").out,
            "-A FORWARD -j REJECT --reject-with icmp-port-unreachable\n");
}

TEST_F(NetworkFirewall, tells_what_lets_ipv6_and_questions_through_the_old_iptables) {
  for (const char* command : {"iptables-legacy", "ip6tables-legacy"})
    if (here(std::string(command) + " -P FORWARD DROP && " + command + " -P INPUT DROP").status != 0)
      GTEST_SKIP() << "the kernel has no " << command;
  for (const char* rest : {"-i lo -j ACCEPT", "-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"})
    ASSERT_EQ(here(std::string("iptables-legacy -A INPUT ") + rest + " && ip6tables-legacy -A INPUT " + rest).status,
              0);
  ASSERT_EQ(here("ip6tables-legacy -A INPUT -p icmpv6 -j ACCEPT").status, 0);
  ASSERT_EQ(create_network("app", {"--subnet", "10.91.0.0/24", "--ipv6"}).status, 0);
  const Result first = shell({"--network", "app"}, "true");
  std::string remedies;
  for (const std::string& line : lines_of(first.err)) {
    const size_t begin = line.find(" by '") + 5;
    remedies += line.substr(begin, line.rfind('\'') - begin) + "\n";
  }
  const std::string mark = " -m mark --mark 0x10000000/0x10000000 -j ACCEPT\n";
  EXPECT_EQ(remedies, "iptables-legacy -A FORWARD" + mark + "iptables-legacy -A INPUT" + mark +
                          "ip6tables-legacy -A FORWARD" + mark + "ip6tables-legacy -A INPUT" + mark)
      << first;
  ASSERT_EQ(here("set -e; " + remedies).status, 0);
  start("db", kWebServer, {"--network", "app"});
  start("client", "exec sleep 1000", {"--network", "app"});
  expect_names_answered();
  EXPECT_EQ(in("client", "ping -c 1 -W 5 192.0.2.2 && ping -6 -c 1 -W 5 2001:db8:1::2").status, 0);
  remove("client");
  remove("db");
  EXPECT_TRUE(eventually([&] { return myct({"network", "rm", "app"}).status == 0; }));
}

TEST_F(NetworkFirewall, opens_no_chain_to_which_some_packets_are_sent_to_be_refused) {
  ASSERT_EQ(here("iptables-nft -P FORWARD DROP && iptables-nft -N quarantine && iptables-nft -A quarantine -j DROP && "
                 "iptables-nft -A FORWARD -p tcp --dport 4444 -j quarantine")
                .status,
            0);
  EXPECT_TRUE(reaches_outside("4445"));
  EXPECT_FALSE(reaches_outside("4444"));
}

TEST_F(NetworkFirewall, takes_its_rule_out_of_others_chains_with_its_last_bridge) {
  ASSERT_EQ(here("iptables-nft -P FORWARD DROP").status, 0);
  const std::string rule = "iptables-nft -S FORWARD | grep -c 'comment myct'";
  ASSERT_EQ(myct({"network", "create", "app"}).status, 0);
  ASSERT_EQ(shell({"--network", "app"}, "true").status, 0);
  ASSERT_EQ(here(rule).out, "1\n");
  ASSERT_EQ(myct({"network", "rm", "app"}).status, 0);
  EXPECT_EQ(here(rule).out, "0\n");
  start("web", kWebServer, {"-p", "8080:80"});
  ASSERT_EQ(myct({"network", "create", "app"}).status, 0);
  ASSERT_EQ(shell({"--network", "app"}, "true").status, 0);
  ASSERT_EQ(myct({"network", "rm", "app"}).status, 0);
  EXPECT_EQ(here(rule).out, "1\n") << "the default network's bridge needs it";
  EXPECT_TRUE(prints(myct({"network", "prune", "-f"}), ""));
  EXPECT_EQ(fetched_outside("http://192.0.2.1:8080/name"), name_in("web")) << "pruned while in use";
  remove("web");
  prune_networks();
  EXPECT_EQ(here(rule).out, "0\n");
  EXPECT_EQ(shell({}, "ping -c 1 -W 5 192.0.2.2 >/dev/null").status, 0) << "after all was taken away";
}

TEST_F(NetworkFirewall, has_a_bridge_for_each_start_while_unused_ones_are_taken_away) {
  ASSERT_EQ(here("iptables-nft -P FORWARD DROP").status, 0);
  const int rounds = rounds_at_this_pace(15);
  for (int round = 0; round < rounds; ++round) {
    const std::vector<Result> results = at_once(4, [](int number) {
      return number % 2 == 0 ? Words{"network", "prune", "-f"}
                             : Words{"run", "--rm", "busybox", "ping", "-c", "1", "-W", "5", "192.0.2.2"};
    });
    for (const Result& result : results) ASSERT_EQ(result.status, 0) << result;
  }
}

TEST_F(NetworkFirewall, comes_back_whole_with_the_next_start_after_a_flush) {
  start("web", kWebServer, {"-p", "8080:80", "-p", "127.0.0.1:8081:80"});
  ASSERT_EQ(fetched_outside("http://192.0.2.1:8080/name"), name_in("web"));
  ASSERT_EQ(here("nft flush ruleset && iptables-nft -P FORWARD DROP").status, 0);
  EXPECT_NE(outside("curl -s -m 2 http://192.0.2.1:8080/name").status, 0);
  EXPECT_EQ(shell({}, "true").status, 0);
  EXPECT_EQ(fetched_outside("http://192.0.2.1:8080/name"), name_in("web"));
  EXPECT_EQ(fetched("http://127.0.0.1:8081/name"), name_in("web"));
  remove("web");
  EXPECT_THAT(published(), Not(HasSubstr("elements")));
}

TEST_F(NetworkFirewall, comes_back_whole_once_its_rules_or_its_table_are_taken_away) {
  start("web", kWebServer, {"-p", "8080:80"});
  ASSERT_EQ(fetched_outside("http://192.0.2.1:8080/name"), name_in("web"));
  const std::string whole = own_rules();
  // A flush of the table leaves its chains, its sets and what is in them.
  for (const char* command : {"flush table inet myct", "delete table inet myct"}) {
    ASSERT_EQ(here(std::string("nft ") + command).status, 0);
    EXPECT_NE(outside("curl -s -m 2 http://192.0.2.1:8080/name").status, 0) << command;
    for (const Result& result : at_once(8, [](int) { return Words{"run", "--rm", "busybox", "true"}; }))
      EXPECT_EQ(result.status, 0) << result;
    EXPECT_EQ(fetched_outside("http://192.0.2.1:8080/name"), name_in("web")) << command;
    EXPECT_EQ(own_rules(), whole) << "not each rule once after " << command;
  }
  remove("web");
}

TEST_F(NetworkFirewall, opens_the_way_again_that_a_flush_of_iptables_has_closed) {
  ASSERT_EQ(here("iptables-nft -P FORWARD DROP").status, 0);
  start("web", kWebServer, {"-p", "8080:80"});
  ASSERT_EQ(fetched_outside("http://192.0.2.1:8080/name"), name_in("web"));
  ASSERT_EQ(here("iptables-nft -F").status, 0);
  EXPECT_NE(outside("curl -s -m 2 http://192.0.2.1:8080/name").status, 0);
  EXPECT_EQ(shell({}, "true").status, 0);
  EXPECT_EQ(fetched_outside("http://192.0.2.1:8080/name"), name_in("web"));
  remove("web");
}

}  // namespace
}  // namespace myct::test
