// The name server of a network, with real questions and a real server outside. The network is the default one, which
// has none by itself: the test starts it as the start of a container on a network of one's own does.
#include <signal.h>

#include <algorithm>
#include <fstream>

#include "lan.hpp"

namespace myct::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// A record of this size does not fit into the smallest datagram, which is what this server keeps to.
constexpr const char* kOutside =
    "exec dnsmasq --keep-in-foreground --pid-file --user=root --no-resolv --no-hosts --edns-packet-max=512 "
    "--address=/outside.test/203.0.113.7 --txt-record=large.test,$(printf %0240d 1),$(printf %0240d 2),$(printf %0240d "
    "3)";

class Names : public LanTest {
 protected:
  void SetUp() override {
    LanTest::SetUp();
    host_asks("nameserver 192.0.2.2\n");
    ASSERT_EQ(here("mount --bind " + path("resolv.conf") + " /etc/resolv.conf").status, 0);
    id_ = start("web", "exec sleep 1000");
    id_ = id_.substr(0, 64);
    address_ = lines_of(here("ls " + network() + "/addresses").out).at(0);
    name("web", address_, id_);
  }
  void TearDown() override {
    remove("web");
    EXPECT_TRUE(eventually([&] { return server() == 0; })) << "the name server stays without a container";
    (void)here("rm -rf " + network() + "/names " + network() + "/pointers; umount /etc/resolv.conf");
    if (world_server_) {
      world_server_->signal(SIGKILL);
      world_server_->wait();
    }
    LanTest::TearDown();
  }
  [[nodiscard]] std::string network() const { return runtime_dir() + "/networks/bridge"; }
  [[nodiscard]] Command in_container(const std::string& script) const {
    Command command = on_host(script);
    command.argv = {"/usr/bin/nsenter", "--net=/proc/" + std::to_string(web()) + "/ns/net", "/bin/bash", "-c", script};
    return command;
  }
  [[nodiscard]] pid_t web() const { return std::stoi(myct({"inspect", "-f", "{{.State.Pid}}", "web"}).out); }
  void host_asks(const std::string& text) const { std::ofstream(path("resolv.conf")) << text; }
  void start_outside() {
    world_server_.emplace(on(world(), kOutside));
    ASSERT_TRUE(eventually([&] { return here("dig @192.0.2.2 +short outside.test").out == "203.0.113.7\n"; }));
  }
  /// As the start of a container writes it down.
  void name(const std::string& name, const std::string& address, const std::string& id) const {
    ASSERT_EQ(here("mkdir -p " + network() + "/names/" + name + " " + network() + "/pointers && ln -sfn " + id + " " +
                   network() + "/names/" + name + "/" + address + " && ln -sfn " + name + " " + network() +
                   "/pointers/" + address)
                  .status,
              0);
  }
  [[nodiscard]] Words server_words(const std::string& internal) const {
    Words words = {"__name_server", "bridge",    network(),     runtime_dir() + "/containers",
                   "myct0",         "10.88.0.1", "10.88.0.0/16"};
    if (!internal.empty()) words.push_back(internal);
    return words;
  }
  void serve(const std::string& internal = {}) const {
    Command command = this->command({});
    command.argv = server_words(internal);
    command.argv.insert(command.argv.begin(), myct_path());
    const Result result = run(command);
    ASSERT_EQ(result.status, 0) << result;
  }
  /// The server's process, if it lives.
  [[nodiscard]] pid_t server() const {
    const Result locked = here("exec 9<" + network() + "/server || exit 0; flock --nonblock --shared 9");
    const std::string sign = read_file(network() + "/server");
    return sign.empty() || locked.status == 0 ? 0 : std::stoi(sign);
  }
  /// What dig(1) in the container says.
  [[nodiscard]] std::string dig(const std::string& words) const {
    return run(in_container("dig @10.88.0.1 +tries=1 +time=8 " + words)).out;
  }
  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] const std::string& id() const { return id_; }

 private:
  std::optional<Process> world_server_;
  std::string id_;
  std::string address_;
};

TEST_F(Names, are_found_in_any_case_and_with_the_networks_name) {
  serve();
  EXPECT_EQ(dig("+short web"), address() + "\n");
  EXPECT_EQ(dig("+short WEB"), address() + "\n");
  EXPECT_EQ(dig("+short web.bridge"), address() + "\n");
  EXPECT_EQ(dig("+short +tcp web"), address() + "\n");
  EXPECT_EQ(dig("+short -x " + address()), "web.bridge.\n");
  EXPECT_THAT(dig("web AAAA"), AllOf(HasSubstr("status: NOERROR"), HasSubstr("ANSWER: 0")));
  EXPECT_THAT(dig("-x 10.88.77.77"), HasSubstr("status: NXDOMAIN"));
}

TEST_F(Names, are_found_by_the_containers_own_resolver) {
  serve();
  const Result result = shell({"--dns", "10.88.0.1"}, "ping -c 1 -W 5 web");
  EXPECT_EQ(result.status, 0) << result;
}

TEST_F(Names, change_at_once) {
  serve();
  EXPECT_THAT(dig("other"), HasSubstr("status: SERVFAIL"));  // forwarded: nobody is there
  name("other", address(), id());
  EXPECT_THAT(dig("other"), AllOf(HasSubstr("status: NOERROR"), HasSubstr("\t0\tIN\tA\t" + address())));
  name("stale", "10.88.0.99", id());
  EXPECT_THAT(dig("+short stale"), Not(HasSubstr("10.88.0.99"))) << "nobody has that address";
}

TEST_F(Names, of_others_are_asked_outside) {
  start_outside();
  serve();
  EXPECT_EQ(dig("+short outside.test"), "203.0.113.7\n");
  EXPECT_EQ(dig("+short +tcp outside.test"), "203.0.113.7\n");
}

TEST_F(Names, come_whole_where_the_server_outside_has_cut_them) {
  start_outside();
  serve();
  EXPECT_THAT(dig("+bufsize=4096 +ignore large.test TXT"), AllOf(HasSubstr("ANSWER: 1"), HasSubstr("(UDP)")));
  EXPECT_THAT(dig("+noedns +ignore large.test TXT"), AllOf(HasSubstr(" tc "), HasSubstr("ANSWER: 0")));
  EXPECT_THAT(dig("+noedns large.test TXT"), AllOf(HasSubstr("ANSWER: 1"), HasSubstr("(TCP)")));
}

TEST_F(Names, are_asked_of_the_next_server_when_one_is_silent_or_refuses) {
  start_outside();
  serve();
  host_asks("nameserver 192.0.2.77\nnameserver 192.0.2.2\n");
  EXPECT_EQ(dig("+short outside.test"), "203.0.113.7\n");
  EXPECT_THAT(dig("outside.test"), HasSubstr("Query time: ")) << "a silent server is asked last";
  host_asks("nameserver 192.0.2.1\nnameserver 192.0.2.2\n");
  EXPECT_EQ(dig("+short outside.test"), "203.0.113.7\n");
}

TEST_F(Names, are_asked_of_whom_the_host_asks_by_now) {
  start_outside();
  serve();
  host_asks("nameserver 10.88.0.1\n");
  EXPECT_THAT(dig("outside.test"), HasSubstr("status: SERVFAIL")) << "it has asked itself";
  host_asks("");
  EXPECT_THAT(dig("outside.test"), HasSubstr("status: SERVFAIL"));
  host_asks("nameserver 192.0.2.2\n");
  EXPECT_EQ(dig("+short outside.test"), "203.0.113.7\n");
}

TEST_F(Names, are_asked_of_the_containers_own_servers) {
  start_outside();
  serve();
  host_asks("nameserver 192.0.2.1\n");
  std::ofstream(runtime_dir() + "/containers/" + id() + "/resolvers") << "nameserver 192.0.2.2\n";
  EXPECT_EQ(dig("+short outside.test"), "203.0.113.7\n");
}

TEST_F(Names, are_not_asked_outside_from_an_internal_network) {
  start_outside();
  serve("internal");
  EXPECT_EQ(dig("+short web"), address() + "\n");
  EXPECT_THAT(dig("outside.test"), HasSubstr("status: NXDOMAIN"));
}

TEST_F(Names, are_told_to_nobody_else) {
  serve();
  EXPECT_NE(here("dig @10.88.0.1 +tries=1 +time=1 +short web").status, 0) << "the host is not on the network";
  ASSERT_EQ(outside("ip route add 10.88.0.0/16 via 192.0.2.1").status, 0);
  EXPECT_NE(outside("dig @10.88.0.1 +tries=1 +time=1 +short web").status, 0);
  EXPECT_NE(outside("dig @192.0.2.1 +tries=1 +time=1 +short web").status, 0);
  EXPECT_NE(run(in_container("ip addr add 198.51.100.9/32 dev lo; ip route add 198.51.100.9 dev lo; "
                             "dig @10.88.0.1 -b 198.51.100.9 +tries=1 +time=1 web"))
                .status,
            0)
      << "a source address of another network";
}

TEST_F(Names, have_a_server_without_privileges_or_terminal) {
  serve();
  const std::string process = "/proc/" + std::to_string(server());
  EXPECT_THAT(read_file(process + "/status"), AllOf(HasSubstr("Name:\tmyct-names\n"), HasSubstr("NoNewPrivs:\t1\n"),
                                                    HasSubstr("CapEff:\t0000000000000000\n")));
  EXPECT_EQ(here("readlink " + process + "/fd/0").out, "/dev/null\n");
  EXPECT_THAT(read_file(process + "/cgroup"), HasSubstr("/myct/supervisors\n"));
}

TEST_F(Names, have_one_server_however_many_start_it) {
  std::vector<Process> starting;
  for (int number = 0; number < 20; ++number) {
    Command command = this->command({});
    command.argv = server_words("");
    command.argv.insert(command.argv.begin(), myct_path());
    starting.emplace_back(command);
  }
  for (Process& process : starting) EXPECT_EQ(process.wait().status, 0);
  EXPECT_EQ(lines_of(here("grep -l '^myct-names$' /proc/[0-9]*/comm | while read -r comm; do grep -l " + network() +
                          " ${comm%comm}cmdline; done")
                         .out)
                .size(),
            1U);
}

TEST_F(Names, have_a_server_again_after_a_kill) {
  serve();
  const pid_t first = server();
  ::kill(first, SIGKILL);
  EXPECT_TRUE(eventually([&] { return server() == 0; }));
  serve();
  EXPECT_NE(server(), first);
  EXPECT_EQ(dig("+short web"), address() + "\n");
}

TEST_F(Names, have_another_server_when_the_bridge_was_made_again) {
  serve();
  const pid_t first = server();
  ASSERT_EQ(here("ip link del myct0").status, 0);
  EXPECT_EQ(shell({}, "true").status, 0);
  serve();
  EXPECT_NE(server(), first);
  EXPECT_NE(server(), 0);
}

/// A start that meets a server that is about to end gets one that lives.
TEST_F(Names, never_meet_a_server_that_dies) {
  const std::string claim = network() + "/addresses/10.88.0.200";
  ASSERT_EQ(here("mv " + network() + "/addresses/" + address() + " " + network() + "/kept").status, 0);
  for (int round = 0; round < rounds_at_this_pace(100); ++round) {
    ASSERT_EQ(::symlink("somebody", claim.c_str()), 0);
    serve();
    ASSERT_NE(server(), 0) << "in round " << round;
    ASSERT_EQ(::unlink(claim.c_str()), 0);
  }
  ASSERT_EQ(here("mv " + network() + "/kept " + network() + "/addresses/" + address()).status, 0);
}

TEST_F(Names, are_answered_beside_another_server_on_port_53) {
  Process other(
      on_host("exec dnsmasq --keep-in-foreground --pid-file --user=root --no-resolv --no-hosts "
              "--address=/web/203.0.113.99"));
  ASSERT_TRUE(eventually([&] { return here("dig @127.0.0.1 +short web").out == "203.0.113.99\n"; }));
  serve();
  EXPECT_EQ(dig("+short web"), address() + "\n");
  EXPECT_EQ(dig("+short +tcp web"), address() + "\n");
  ASSERT_EQ(here("nft flush map inet myct published_at").status, 0);
  serve();
  EXPECT_EQ(dig("+short web"), address() + "\n") << "the rules were taken away and not put back";
  for (const char* command : {"flush ruleset", "delete table inet myct"}) {
    ASSERT_EQ(here(std::string("nft ") + command).status, 0);
    EXPECT_EQ(shell({"--network", "bridge"}, "true").status, 0);
    EXPECT_EQ(dig("+short web"), address() + "\n") << "a start on another network, after " << command;
  }
  remove("web");
  EXPECT_TRUE(eventually([&] { return server() == 0; }));
  EXPECT_THAT(here("nft list map inet myct published_at").out, Not(HasSubstr("elements")));
  other.signal(SIGKILL);
  other.wait();
  start("web", "exec sleep 1000");
}

TEST_F(Names, are_answered_while_a_thousand_questions_wait) {
  serve();
  ASSERT_EQ(here("ip neigh add 192.0.2.77 lladdr 02:00:00:00:00:77 dev lan0").status, 0);
  host_asks("nameserver 192.0.2.77\n");
  constexpr const char* kAsk =
      "ask() { printf '\\x12\\x34\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x04slow\\x00\\x00\\x01\\x00\\x01' "
      ">&3; }; exec 3<>/dev/udp/10.88.0.1/53; for i in {1..1200}; do ask; (( i % 50 )) || sleep 0.01; done";
  EXPECT_EQ(run(in_container(kAsk)).status, 0);
  const std::string process = "/proc/" + std::to_string(server());
  EXPECT_GE(lines_of(here("ls " + process + "/fd").out).size(), 1000U);
  EXPECT_LE(lines_of(here("ls " + process + "/fd").out).size(), 1100U) << "one client has more than its share";
  EXPECT_EQ(dig("+short web"), address() + "\n");
  EXPECT_EQ(here("awk '/^RssAnon/ { exit $2 > 4096 }' " + process + "/status").status, 0) << "more than 4 MiB";
  EXPECT_TRUE(eventually([&] { return lines_of(here("ls " + process + "/fd").out).size() < 20; }));
}

// --- what run and create take ----------------------------------------------------------------------------------------

class NameOptions : public ContainerTest {};

TEST_F(NameOptions, are_written_to_the_resolvers_file) {
  EXPECT_TRUE(prints(shell({"--dns", "192.0.2.2", "--dns", "fd00::1", "--dns-search", "a.test", "--dns-search",
                            "b.test", "--dns-opt", "ndots:2", "--dns-option", "rotate"},
                           "grep -E '^(nameserver|search|options)' /etc/resolv.conf"),
                     "nameserver 192.0.2.2\nnameserver fd00::1\nsearch a.test b.test\noptions ndots:2 rotate\n"));
  EXPECT_TRUE(prints(
      shell({"--network", "host", "--dns", "192.0.2.2", "--dns-search", "."}, "grep -v '^[#o]' /etc/resolv.conf"),
      "nameserver 192.0.2.2\n"));
}

TEST_F(NameOptions, add_hosts) {
  const Result result = shell({"--add-host", "db:10.0.0.9", "--add-host", "six=[fd00::9]", "--add-host",
                               "outside:host-gateway", "--add-host", "seven:fd00::7"},
                              "grep -wE 'db|six|seven|outside' /etc/hosts; ping -c 1 -W 5 outside >/dev/null");
  EXPECT_TRUE(prints(result, "10.0.0.9\tdb\nfd00::9\tsix\n10.88.0.1\toutside\nfd00::7\tseven\n"));
  EXPECT_TRUE(prints(shell({"--network", "host", "--add-host", "outside:host-gateway"}, "grep outside /etc/hosts"),
                     "127.0.0.1\toutside\n"));
}

TEST_F(NameOptions, are_shown_by_inspect) {
  ASSERT_EQ(myct({"create", "--name", "web", "--dns", "192.0.2.2", "--dns-search", "a.test", "--dns-option", "rotate",
                  "--add-host", "db=10.0.0.9", "busybox", "true"})
                .status,
            0);
  EXPECT_TRUE(prints(myct({"inspect", "-f",
                           "{{json .HostConfig.Dns}} {{json .HostConfig.DnsSearch}} {{json .HostConfig.DnsOptions}} "
                           "{{json .HostConfig.ExtraHosts}}",
                           "web"}),
                     "[\"192.0.2.2\"] [\"a.test\"] [\"rotate\"] [\"db:10.0.0.9\"]\n"));
  EXPECT_EQ(myct({"rm", "web"}).status, 0);
}

TEST_F(NameOptions, follow_the_host_from_start_to_start_unless_somebody_has_changed_the_file) {
  const std::string file = write_file("resolv.conf", "nameserver 192.0.2.2\n");
  Command mounting = command({});
  mounting.argv = {"/bin/mount", "--bind", file, "/etc/resolv.conf"};
  ASSERT_EQ(run(mounting).status, 0);
  ASSERT_EQ(myct({"create", "--name", "web", "busybox", "cat", "/etc/resolv.conf"}).status, 0);
  EXPECT_TRUE(prints(myct({"start", "-a", "web"}), "nameserver 192.0.2.2\n"));
  write_file("resolv.conf", "nameserver 192.0.2.3\n");
  EXPECT_TRUE(prints(myct({"start", "-a", "web"}), "nameserver 192.0.2.3\n"));
  const std::string id = myct({"inspect", "-f", "{{.Id}}", "web"}).out.substr(0, 64);
  std::ofstream(root() + "/containers/" + id + "/resolv.conf") << "nameserver 192.0.2.4\n";
  EXPECT_TRUE(prints(myct({"start", "-a", "web"}), "nameserver 192.0.2.4\n"));
  EXPECT_EQ(myct({"rm", "web"}).status, 0);
  mounting.argv = {"/bin/umount", "/etc/resolv.conf"};
  EXPECT_EQ(run(mounting).status, 0);
}

struct BadName {
  const char* name;
  const char* option;
  const char* value;
  const char* error;
};

class BadNameOption : public ContainerTest, public ::testing::WithParamInterface<BadName> {};

TEST_P(BadNameOption, is_refused_before_anything_is_made) {
  EXPECT_TRUE(fails_with(myct({"run", GetParam().option, GetParam().value, "busybox", "true"}), 125, GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    Rows, BadNameOption,
    ::testing::Values(BadName{"server", "--dns", "dns.test", "invalid name server 'dns.test'"},
                      BadName{"second_line", "--dns-search", "a\nb", "invalid search domain"},
                      BadName{"option", "--dns-option", "a b", "invalid option of the resolver 'a b'"},
                      BadName{"host_alone", "--add-host", "db", "invalid added host 'db'"},
                      BadName{"host_address", "--add-host", "db:10.0.0", "invalid added host 'db:10.0.0'"},
                      BadName{"host_name", "--add-host", "d b:10.0.0.1", "invalid added host"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace myct::test
