// Containers on the default bridge, with real packets: the test's network namespace is the host, a second one, joined
// by a pair of interfaces, is the world outside.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <fstream>

#include "lan.hpp"

namespace myct::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;

class Network : public LanTest {};

TEST_F(Network, is_there_before_the_first_instruction) {
  EXPECT_THAT(shell({}, "ip -o -4 addr show dev eth0; ip route; ip -o link show lo").out,
              AllOf(HasSubstr("inet 10.88.0."), HasSubstr("default via 10.88.0.1 dev eth0"), HasSubstr("LOOPBACK,UP")));
}

TEST_F(Network, leads_outside_with_the_hosts_address) {
  // The world has no route to the container's own address.
  EXPECT_EQ(shell({}, "ping -c 1 -W 5 192.0.2.2 >/dev/null").status, 0);
  EXPECT_EQ(shell({"--network", "none"}, "ping -c 1 -W 1 192.0.2.2 2>/dev/null >/dev/null").status, 1);
}

TEST_F(Network, names_the_container_in_its_hosts_file) {
  EXPECT_TRUE(prints(shell({"-h", "web"},
                           "grep -c \"^$(ip -o -4 addr show eth0 | sed 's/.*inet \\(.*\\)\\/.*/\\1/')"
                           ".web$\" /etc/hosts"),
                     "1\n"));
}

TEST_F(Network, joins_containers) {
  start("web", kWebServer);
  const std::string url = "http://" + address_of("web") + "/name";
  EXPECT_EQ(fetched(url), inspect("web", ".Config.Hostname") + "\n");
  EXPECT_TRUE(prints(shell({}, "wget -q -O- " + url), inspect("web", ".Config.Hostname") + "\n"));
  remove("web");
}

TEST_F(Network, publishes_a_port_to_everybody) {
  start("web", kWebServer, {"-p", "8080:80"});
  const std::string name = inspect("web", ".Config.Hostname") + "\n";
  EXPECT_EQ(fetched("http://127.0.0.1:8080/name"), name);
  EXPECT_EQ(fetched("http://192.0.2.1:8080/name"), name);
  EXPECT_EQ(fetched("http://10.88.0.1:8080/name"), name);
  EXPECT_EQ(fetched_outside("http://192.0.2.1:8080/name"), name);
  EXPECT_TRUE(prints(shell({}, "wget -q -O- http://192.0.2.1:8080/name"), name)) << "from another container";
  EXPECT_TRUE(prints(myct({"exec", "web", "wget", "-q", "-O-", "http://192.0.2.1:8080/name"}), name)) << "from itself";
  EXPECT_THAT(myct({"logs", "web"}).err, HasSubstr("192.0.2.2")) << "the source address is not kept";
  remove("web");
  EXPECT_THAT(published(), Not(HasSubstr("elements")));
}

TEST_F(Network, publishes_to_one_address_only) {
  start("web", kWebServer, {"-p", "127.0.0.1:8080:80"});
  EXPECT_EQ(fetched("http://127.0.0.1:8080/name"), inspect("web", ".Config.Hostname") + "\n");
  EXPECT_NE(outside("curl -s -m 2 http://192.0.2.1:8080/name").status, 0);
  EXPECT_TRUE(prints(myct({"port", "web"}), "80/tcp -> 127.0.0.1:8080\n"));
  remove("web");
  EXPECT_THAT(published(), Not(HasSubstr("elements")));
}

TEST_F(Network, publishes_datagrams) {
  Process ear(probe_command({"-p", "5353:53/udp"}, {"datagram", "53"}));
  ASSERT_TRUE(ear.read_until("ready\n"));
  EXPECT_EQ(outside("exec 3<>/dev/udp/192.0.2.1/5353; printf hello >&3; head -c 5 <&3").out, "hello");
  EXPECT_EQ(ear.wait().out, "ready\nhello\n");
}

TEST_F(Network, lets_nobody_in_to_what_is_not_published) {
  start("web", kWebServer);
  ASSERT_NE(fetched("http://" + address_of("web") + "/name"), "");
  ASSERT_EQ(outside("ip route add 10.88.0.0/16 via 192.0.2.1").status, 0);
  EXPECT_NE(outside("curl -s -m 2 http://" + address_of("web") + "/name").status, 0);
  remove("web");
}

TEST_F(Network, shows_ports_where_docker_does) {
  start("web", kWebServer, {"-p", "8000-8002:80-82", "-p", "127.0.0.1:53:53/udp"});
  EXPECT_TRUE(prints(myct({"ps", "--format", "{{.Ports}}"}),
                     "0.0.0.0:8000-8002->80-82/tcp, [::]:8000-8002->80-82/tcp, 127.0.0.1:53->53/udp\n"));
  EXPECT_TRUE(prints(myct({"port", "web", "81"}), "0.0.0.0:8001\n[::]:8001\n"));
  EXPECT_TRUE(prints(myct({"port", "web", "53/udp"}), "127.0.0.1:53\n"));
  EXPECT_TRUE(fails_with(myct({"port", "web", "99"}), 1, "no public port '99/tcp' published for web"));
  EXPECT_EQ(inspect("web", "(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort"), "8000");
  EXPECT_EQ(inspect("web", "(index (index .HostConfig.PortBindings \"53/udp\") 0).HostIp"), "127.0.0.1");
  EXPECT_EQ(myct({"stop", "-t", "0", "web"}).status, 0);
  EXPECT_TRUE(prints(myct({"ps", "-a", "--format", "{{.Ports}}"}), "\n"));
  EXPECT_TRUE(prints(myct({"port", "web"}), ""));
  remove("web");
}

TEST_F(Network, publishes_all_that_is_exposed) {
  start("web", kWebServer, {"-P", "--expose", "80-81", "--expose", "53/udp", "-p", "8081:81"});
  const std::string port = inspect("web", "(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort");
  EXPECT_EQ(fetched("http://127.0.0.1:" + port + "/name"), name_in("web"));
  EXPECT_TRUE(prints(myct({"port", "web", "81"}), "0.0.0.0:8081\n[::]:8081\n"));
  EXPECT_THAT(myct({"port", "web", "53/udp"}).out, MatchesRegex("0.0.0.0:[0-9]+\n\\[::\\]:[0-9]+\n"));
  EXPECT_EQ(inspect("web", ".HostConfig.PublishAllPorts"), "true");
  EXPECT_EQ(inspect("web", "json .Config.ExposedPorts"), R"({"53/udp":{},"80/tcp":{},"81/tcp":{}})");
  remove("web");
}

TEST_F(Network, shows_what_is_only_exposed_and_opens_nothing) {
  start("web", kWebServer, {"--expose", "80", "-p", "8081:81"});
  EXPECT_EQ(inspect("web", "json (index .NetworkSettings.Ports \"80/tcp\")"), "null");
  EXPECT_TRUE(prints(myct({"ps", "--format", "{{.Ports}}"}), "80/tcp, 0.0.0.0:8081->81/tcp, [::]:8081->81/tcp\n"));
  EXPECT_TRUE(prints(myct({"port", "web"}), "81/tcp -> 0.0.0.0:8081\n81/tcp -> [::]:8081\n"));
  for (const char* matching : {"expose=80", "expose=70-90/tcp", "expose=81", "publish=8081"})
    EXPECT_TRUE(prints(myct({"ps", "--format", "{{.Names}}", "--filter", matching}), "web\n")) << matching;
  for (const char* other : {"expose=80/udp", "expose=8081", "publish=80"})
    EXPECT_TRUE(prints(myct({"ps", "--format", "{{.Names}}", "--filter", other}), "")) << other;
  EXPECT_TRUE(fails_with(myct({"run", "--expose", "web", "busybox", "true"}), 125, "invalid exposed port 'web'"));
  remove("web");
}

TEST_F(Network, publishes_a_range_of_many_hundreds) {
  const std::string range = "20000-20799:20000-20799";
  start("web", "mkdir /www; hostname >/www/name; exec httpd -f -p 20777 -h /www", {"-p", range + "/udp"});
  remove("web");
  const Result started = here("ulimit -Sn 1024; exec " + myct_path() + " run -d --name web -p " + range +
                              " busybox sh -c 'mkdir /www; hostname >/www/name; exec httpd -f -p 20777 -h /www'");
  ASSERT_EQ(started.status, 0) << started;
  EXPECT_EQ(fetched("http://127.0.0.1:20777/name"), inspect("web", ".Config.Hostname") + "\n");
  EXPECT_EQ(fetched("http://[::1]:20777/name"), inspect("web", ".Config.Hostname") + "\n");
  remove("web");
  EXPECT_THAT(published(), Not(HasSubstr("elements")));
}

TEST_F(Network, refuses_a_port_that_a_container_has) {
  start("web", kWebServer, {"-p", "8080:80"});
  EXPECT_TRUE(fails_with(myct({"run", "--rm", "-p", "8080:81", "busybox", "true"}), 125,
                         "publish port 0.0.0.0:8080/tcp: Address already in use: container " +
                             inspect("web", ".Id").substr(0, 12) + " has it"));
  EXPECT_TRUE(prints(myct({"ps", "-aq", "--filter", "name=web"}).out.empty() ? Result{} : myct({"port", "web"}),
                     "80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080\n"));
  remove("web");
}

TEST_F(Network, publishes_a_port_whose_last_connections_are_over) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(8080);
  const auto* address = reinterpret_cast<const sockaddr*>(&name);
  const auto listen_there = [&](int shared) {
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &shared, sizeof shared);
    if (::bind(socket.get(), address, sizeof name) == -1 || ::listen(socket.get(), 1) == -1) return Fd();
    return socket;
  };
  // The side that closes first remembers the connection.
  const auto leave_connection = [&](const Fd& listener) {
    ASSERT_TRUE(listener.valid());
    const Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(client.get(), address, sizeof name), 0);
    Fd server(::accept(listener.get(), nullptr, nullptr));
    server.reset();
    char byte = 0;
    EXPECT_EQ(::recv(client.get(), &byte, 1, 0), 0);
  };
  leave_connection(listen_there(1));
  ASSERT_NE(here("ss -Htn state time-wait sport = :8080").out, "");
  start("web", kWebServer, {"-p", "8080:80"});
  EXPECT_EQ(fetched("http://127.0.0.1:8080/name"), inspect("web", ".Config.Hostname") + "\n");
  EXPECT_TRUE(fails_with(myct({"run", "--rm", "-p", "8080:81", "busybox", "true"}), 125,
                         "container " + inspect("web", ".Id").substr(0, 12) + " has it"));
  EXPECT_FALSE(listen_there(1).valid()) << "a program that shares";
  ASSERT_EQ(here("nft flush ruleset").status, 0);
  EXPECT_EQ(here("curl -s -m 5 http://127.0.0.1:8080/").status, 7) << "nobody listens";
  remove("web");
  const Fd listener = listen_there(1);
  ASSERT_TRUE(listener.valid());
  EXPECT_TRUE(fails_with(myct({"run", "--rm", "-p", "8080:81", "busybox", "true"}), 125, "integration_tes (process "));
}

TEST_F(Network, refuses_a_port_that_a_program_has) {
  Process program(on_host("exec busybox nc -l -p 8080"));
  ASSERT_TRUE(eventually([&] { return !here("ss -Hltn sport = :8080").out.empty(); }));
  EXPECT_TRUE(fails_with(myct({"run", "--rm", "-p", "8080:80", "busybox", "true"}), 125,
                         "busybox (process " + std::to_string(program.pid()) + ") has it"));
  program.signal(SIGKILL);
  program.wait();
}

TEST_F(Network, takes_the_first_free_port_of_a_range) {
  start("one", "sleep 1000", {"-p", "8000-8001:80"});
  start("two", "sleep 1000", {"-p", "8000-8001:80"});
  EXPECT_TRUE(prints(myct({"port", "one"}), "80/tcp -> 0.0.0.0:8000\n80/tcp -> [::]:8000\n"));
  EXPECT_TRUE(prints(myct({"port", "two"}), "80/tcp -> 0.0.0.0:8001\n80/tcp -> [::]:8001\n"));
  EXPECT_TRUE(fails_with(myct({"run", "--rm", "-p", "8000-8001:80", "busybox", "true"}), 125, "publish port"));
  remove("one");
  remove("two");
}

TEST_F(Network, gives_fifty_at_once_addresses_and_ports_of_their_own) {
  constexpr int kMany = 50;
  std::vector<Process> starting;
  for (int number = 0; number < kMany; ++number)
    starting.emplace_back(
        command({"run", "-d", "--name", "many" + std::to_string(number), "-p", "80", "busybox", "sleep", "1000"}));
  for (Process& process : starting) {
    const Result result = process.wait();
    EXPECT_EQ(result.status, 0) << result;
  }
  std::set<std::string> ports;
  for (const std::string& line : lines_of(myct({"ps", "--format", "{{.Ports}}"}).out)) ports.insert(line);
  EXPECT_EQ(ports.size(), size_t{kMany});
  EXPECT_EQ(addresses().size(), size_t{kMany});
  for (int number = 0; number < kMany; ++number)
    EXPECT_EQ(myct({"rm", "-f", "many" + std::to_string(number)}).status, 0);
  EXPECT_THAT(addresses(), IsEmpty());
  EXPECT_THAT(published(), Not(HasSubstr("elements")));
}

TEST_F(Network, runs_fifty_at_once_in_the_foreground_and_leaves_nothing) {
  constexpr int kMany = 50;
  // Each holds its port until all have been seen.
  std::vector<Process> running;
  for (int number = 0; number < kMany; ++number) {
    Command one = command({"run", "--rm", "-i", "-p", "0:80", "busybox", "sh", "-c", "echo up; read end; exit 0"});
    one.standard_input = Stdin::Pipe;
    running.emplace_back(one);
  }
  for (Process& process : running) EXPECT_TRUE(process.read_until("up\n"));
  std::set<std::string> ports;
  // A program may come to its word before its myct has written down that it runs.
  (void)eventually([&] {
    ports.clear();
    for (const std::string& line : lines_of(myct({"ps", "--format", "{{.Ports}}"}).out)) ports.insert(line);
    return ports.size() == size_t{kMany};
  });
  EXPECT_EQ(ports.size(), size_t{kMany});
  for (Process& process : running) process.write("end\n");
  for (Process& process : running) {
    const Result result = process.wait();
    EXPECT_EQ(result.status, 0) << result;
  }
  EXPECT_THAT(addresses(), IsEmpty());
  EXPECT_THAT(published(), Not(HasSubstr("elements")));
}

TEST_F(Network, does_not_give_an_address_anew_at_once) {
  std::set<std::string> seen;
  for (int round = 0; round < 5; ++round) seen.insert(shell({}, "ip -o -4 addr show dev eth0").out);
  EXPECT_EQ(seen.size(), 5U);
}

TEST_F(Network, keeps_away_from_a_subnet_that_the_host_uses) {
  ASSERT_EQ(here("ip route add 10.88.3.0/24 via 192.0.2.2").status, 0);
  EXPECT_THAT(shell({}, "ip -o -4 addr show dev eth0").out, HasSubstr("inet 10.89.0."));
}

TEST_F(Network, comes_back_with_its_port_after_a_restart) {
  start("web", kWebServer, {"-p", "8080:80"});
  EXPECT_NE(fetched("http://127.0.0.1:8080/name"), "");
  EXPECT_EQ(myct({"restart", "-t", "0", "web"}).status, 0);
  EXPECT_NE(fetched("http://127.0.0.1:8080/name"), "");
  EXPECT_THAT(addresses(), ::testing::SizeIs(1));
  remove("web");
}

TEST_F(Network, comes_back_with_its_port_by_the_restart_policy) {
  start("web", kWebServer, {"-p", "8080:80", "--restart", "always"});
  EXPECT_NE(fetched("http://127.0.0.1:8080/name"), "");
  ::kill(std::stoi(inspect("web", ".State.Pid")), SIGKILL);
  EXPECT_TRUE(eventually([&] { return inspect("web", ".RestartCount") == "1" && becomes("web", "Up"); }));
  EXPECT_NE(fetched("http://127.0.0.1:8080/name"), "");
  EXPECT_THAT(addresses(), ::testing::SizeIs(1));
  remove("web");
}

TEST_F(Network, is_given_back_by_whoever_finds_the_owner_killed) {
  start("web", kWebServer, {"-p", "8080:80"});
  const std::string run = read_file(runtime_dir() + "/containers/" + inspect("web", ".Id") + "/run.json");
  ::kill(std::stoi(run.substr(run.find("\"pid\":", run.find("\"owner\"")) + 6)), SIGKILL);
  EXPECT_TRUE(becomes("web", "Exited"));
  EXPECT_THAT(addresses(), IsEmpty());
  EXPECT_THAT(published(), Not(HasSubstr("elements")));
  EXPECT_EQ(shell({"-p", "8080:80"}, "true").status, 0) << "the port is not free";
  remove("web");
}

TEST_F(Network, gives_a_port_to_the_next_while_nobody_has_found_the_owner_killed) {
  start("web", kWebServer, {"-p", "8080:80"});
  const std::string run = read_file(runtime_dir() + "/containers/" + inspect("web", ".Id") + "/run.json");
  const int owner = std::stoi(run.substr(run.find("\"pid\":", run.find("\"owner\"")) + 6));
  const int init = std::stoi(inspect("web", ".State.Pid"));
  ::kill(owner, SIGKILL);
  ::kill(init, SIGKILL);
  ASSERT_TRUE(eventually([&] {
    const std::vector<int> left = host().processes();
    return std::ranges::find(left, init) == left.end() && std::ranges::find(left, owner) == left.end();
  }));
  start("next", kWebServer, {"-p", "8080:80"});
  EXPECT_EQ(fetched("http://127.0.0.1:8080/name"), name_in("next"));
  EXPECT_TRUE(becomes("web", "Exited")) << "and what it had is given back";
  EXPECT_EQ(fetched("http://127.0.0.1:8080/name"), name_in("next"));
  remove("web");
  EXPECT_EQ(fetched("http://127.0.0.1:8080/name"), name_in("next"));
  remove("next");
  EXPECT_THAT(published(), Not(HasSubstr("elements")));
}

TEST_F(Network, is_made_again_when_somebody_has_taken_it_away) {
  EXPECT_EQ(shell({}, "ping -c 1 -W 5 192.0.2.2 >/dev/null").status, 0);
  ASSERT_EQ(here("nft flush ruleset && ip link del myct0").status, 0);
  EXPECT_EQ(shell({}, "ping -c 1 -W 5 192.0.2.2 >/dev/null").status, 0);
  ASSERT_EQ(here("nft flush ruleset").status, 0);
  EXPECT_EQ(shell({}, "ping -c 1 -W 5 192.0.2.2 >/dev/null").status, 0);
}

TEST_F(Network, says_what_is_missing_where_it_cannot_be_made) {
  Command without = command({"run", "--rm", "busybox", "true"});
  without.argv.insert(without.argv.begin(), {"/sbin/capsh", "--drop=cap_net_admin", "--", "-c", "exec \"$@\"", "sh"});
  EXPECT_TRUE(fails_with(run(without), 125, "it needs CAP_NET_ADMIN; or use --network none or host"));
}

TEST_F(Network, leaves_no_half_a_bridge_where_settings_cannot_be_written) {
  ASSERT_EQ(here("mount -o bind,ro /proc/sys /proc/sys").status, 0);
  EXPECT_TRUE(fails_with(shell({}, "true"), 125,
                         "open '/proc/sys/net/ipv4/conf/myct0/route_localnet': Read-only file system: have '1' written "
                         "there; or use --network none or host"));
  EXPECT_NE(here("ip link show myct0").status, 0);
  EXPECT_EQ(shell({"--network", "none"}, "true").status, 0);
  ASSERT_EQ(here("umount /proc/sys").status, 0);
  EXPECT_TRUE(prints(myct({"system", "check"}), ""));
  EXPECT_EQ(shell({}, "ping -c 1 -W 5 192.0.2.2 >/dev/null").status, 0);
}

TEST_F(Network, warns_of_ports_that_mean_nothing) {
  const Result result = shell({"--network", "host", "-p", "80"}, "echo well");
  EXPECT_EQ(result.out, "well\n");
  EXPECT_THAT(result.err, HasSubstr("published ports are of no account with --network host"));
}

struct BadPort {
  const char* name;
  const char* text;
  const char* error;
};

class NetworkBadPort : public ContainerTest, public ::testing::WithParamInterface<BadPort> {};

TEST_P(NetworkBadPort, is_refused_before_anything_is_made) {
  EXPECT_TRUE(fails_with(myct({"run", "-p", GetParam().text, "busybox", "true"}), 125, GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(Rows, NetworkBadPort,
                         ::testing::Values(BadPort{"no_number", "web", "'web' is not a port"},
                                           BadPort{"too_large", "80:65536", "'65536' is not a port"},
                                           BadPort{"zero", "0", "'0' is not a port"},
                                           BadPort{"protocol", "80/icmp", "'icmp' is not tcp, udp or sctp"},
                                           BadPort{"lengths", "90-91:80-82", "are of different lengths"},
                                           BadPort{"backwards", "91-90:80-81", "ends before it begins"},
                                           BadPort{"address", "nowhere:80:80", "'nowhere' is not an IP address"},
                                           BadPort{"no_brackets", "::1:80:80", "an IPv6 address needs brackets"},
                                           BadPort{"no_ipv6", "[::g]:80:80", "'::g' is not an IPv6 address"},
                                           BadPort{"no_end", "[::1:80:80", "no ']:' ends the address"},
                                           BadPort{"parts", "[::1]:1:80:80", "it has too many parts"},
                                           BadPort{"link", "[fe80::1]:80:80", "is an address of one link only"},
                                           BadPort{"sctp", "[0:0::1]:80:80/sctp", "sctp cannot be published at ::1"},
                                           BadPort{"foreign_ipv6", "[2001:db8:77::1]:80:80", "no such address"},
                                           BadPort{"foreign_address", "198.51.100.1:80:80", "no such address"}),
                         [](const auto& row) { return row.param.name; });

TEST_F(Network, has_the_subnet_that_is_configured) {
  const auto addressed = [&](const std::string& subnet) {
    Command command = shell_command({}, "ip -o -4 addr show eth0");
    command.env["MYCT_BRIDGE_SUBNET"] = subnet;
    return run(command);
  };
  EXPECT_TRUE(fails_with(addressed("10.99.0.1/16"), 125, "invalid subnet '10.99.0.1/16' of the default network"));
  const std::string make_route =
      "ip link add route0 type veth peer name route1 && ip addr add 10.97.0.1/24 dev route0 && ip link set route0 up";
  ASSERT_EQ(here(make_route).status, 0);
  EXPECT_TRUE(fails_with(addressed("10.97.0.0/16"), 125, "the host has a route into subnet 10.97.0.0/16"));
  EXPECT_THAT(addressed("10.99.0.0/24").out, HasSubstr("inet 10.99.0.2/24"));
  EXPECT_THAT(addressed("").out, HasSubstr("inet 10.99.0.3/24")) << "until the next boot";
  EXPECT_THAT(myct({"network", "inspect", "bridge"}).out, HasSubstr("10.99.0.0/24"));
  ASSERT_EQ(here("ip link del route0").status, 0);
}

}  // namespace
}  // namespace myct::test
