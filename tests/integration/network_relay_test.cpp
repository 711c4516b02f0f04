// Ports that are published at the host's IPv6 addresses, of containers that have IPv4 only.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <set>

#include "lan.hpp"

namespace myct::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

sockaddr_in6 name_of(const std::string& address, uint16_t port) {
  sockaddr_in6 name{};
  name.sin6_family = AF_INET6;
  name.sin6_port = htons(port);
  EXPECT_EQ(::inet_pton(AF_INET6, address.c_str(), &name.sin6_addr), 1) << address;
  return name;
}

/// A socket of the test's, which is on the host; whoever waits on it for too long gets an error.
Fd connect_to(const std::string& address, uint16_t port, int type = SOCK_STREAM) {
  Fd socket(::socket(AF_INET6, type | SOCK_CLOEXEC, 0));
  const timeval limit{.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(kTimeLimit).count(), .tv_usec = 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const sockaddr_in6 name = name_of(address, port);
  EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0) << errno;
  return socket;
}

/// One that has a port of the host's IPv6 addresses alone.
Fd hold_port(uint16_t port) {
  Fd socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  const sockaddr_in6 name = name_of("::", port);
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  EXPECT_EQ(::listen(socket.get(), 1), 0);
  return socket;
}

void send_text(const Fd& socket, const std::string& text) {
  EXPECT_EQ(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size())) << errno;
}

/// So many bytes, or what comes before the end.
std::string receive_text(const Fd& socket, size_t size) {
  std::string text(size, '\0');
  const ssize_t got = ::recv(socket.get(), text.data(), size, MSG_WAITALL);
  text.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return text;
}

/// Bytes of no order, the same in each run.
std::string make_noise(size_t size) {
  std::mt19937 generator(1);
  std::string noise(size, '\0');
  for (char& byte : noise) byte = static_cast<char>(generator());
  return noise;
}

/// Sends all, and reads meanwhile until the other side ends; returns what has come.
std::string exchange(const Fd& socket, const std::string& bytes) {
  std::string back;
  std::vector<char> chunk(size_t{256} * 1024);
  size_t sent = 0;
  for (;;) {
    const bool has_more = sent < bytes.size();
    pollfd ready{.fd = socket.get(), .events = static_cast<short>(has_more ? POLLIN | POLLOUT : POLLIN), .revents = 0};
    if (::poll(&ready, 1, static_cast<int>(kTimeLimit.count())) != 1) return back;
    if (has_more && (ready.revents & POLLOUT) != 0) {
      const ssize_t count = ::send(socket.get(), &bytes[sent], bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count > 0) sent += static_cast<size_t>(count);
      if (sent == bytes.size()) ::shutdown(socket.get(), SHUT_WR);
    }
    if ((ready.revents & ~POLLOUT) == 0) continue;
    const ssize_t got = ::recv(socket.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (got == 0 || (got == -1 && errno != EAGAIN)) return back;
    if (got > 0) back.append(chunk.data(), static_cast<size_t>(got));
  }
}

class NetworkRelay : public LanTest {
 protected:
  /// A container that sends back what comes to its port 7.
  void start_echo(const Words& options) {
    Words all = {"-v", probe_path() + ":/probe:ro"};
    all.insert(all.end(), options.begin(), options.end());
    start_program("echo", {"/probe", "echo", "7"}, all);
    ASSERT_TRUE(logs("echo", "ready\n"));
  }
  /// The relays that run, by their process ids: "12 (myct-relay) S 1", see proc(5).
  [[nodiscard]] static std::set<int> relays() {
    std::set<int> found;
    for (const int pid : host().processes()) {
      std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
      std::string number;
      std::string name;
      std::string state;
      if (file >> number >> name >> state && name == "(myct-relay)" && state != "Z") found.insert(pid);
    }
    return found;
  }
  static void kill_relay() {
    ASSERT_TRUE(has_one_relay());
    ::kill(*relays().begin(), SIGKILL);
    ASSERT_TRUE(eventually([] { return relays().empty(); }));
  }
  /// What the container "echo" answers by IPv6.
  [[nodiscard]] static std::string echoed() {
    const Fd socket = connect_to("::1", 8080);
    send_text(socket, "hello");
    return receive_text(socket, 5);
  }
  /// Whether there is one; it has its name a moment after the start.
  [[nodiscard]] static bool has_one_relay() {
    return eventually([] { return relays().size() == 1; });
  }
  /// Sockets that the host has at a port.
  [[nodiscard]] std::string sockets_at(const std::string& port) const { return here("ss -Hltun sport = :" + port).out; }
  [[nodiscard]] int owner_of(const std::string& name) const {
    const std::string run = read_file(runtime_dir() + "/containers/" + inspect(name, ".Id") + "/run.json");
    return std::stoi(run.substr(run.find("\"pid\":", run.find("\"owner\"")) + 6));
  }
};

TEST_F(NetworkRelay, publishes_to_every_ipv6_address_of_the_host) {
  start("web", kWebServer, {"-p", "8080:80"});
  const std::string name = name_in("web");
  ASSERT_EQ(fetched("http://127.0.0.1:8080/name"), name);
  EXPECT_EQ(fetched("http://[::1]:8080/name"), name);
  EXPECT_EQ(fetched("http://[2001:db8:1::1]:8080/name"), name);
  EXPECT_EQ(fetched_outside("http://[2001:db8:1::1]:8080/name"), name);
  EXPECT_EQ(fetched_next_door("http://[2001:db8:2::1]:8080/name"), name);
  EXPECT_EQ(inspect("web", "json (index .NetworkSettings.Ports \"80/tcp\")"),
            R"([{"HostIp":"0.0.0.0","HostPort":"8080"},{"HostIp":"::","HostPort":"8080"}])");
  remove("web");
}

TEST_F(NetworkRelay, publishes_to_one_ipv6_address_only) {
  start("web", kWebServer, {"-p", "[2001:db8:1:0::1]:8080:80", "-p", "[::1]:8081-8082:80-81"});
  const std::string name = name_in("web");
  const std::string own = "http://" + address_of("web");
  ASSERT_EQ(fetched(own + "/name"), name);
  EXPECT_EQ(fetched_outside("http://[2001:db8:1::1]:8080/name"), name);
  EXPECT_EQ(fetched("http://[::1]:8081/name"), name);
  EXPECT_NE(here("curl -g -s -m 2 http://[::1]:8080/name").status, 0);
  EXPECT_NE(here("curl -s -m 2 http://127.0.0.1:8080/name").status, 0);
  EXPECT_TRUE(prints(myct({"port", "web", "80"}), "[2001:db8:1::1]:8080\n[::1]:8081\n"));
  EXPECT_TRUE(
      prints(myct({"ps", "--format", "{{.Ports}}"}), "[2001:db8:1::1]:8080->80/tcp, [::1]:8081-8082->80-81/tcp\n"));
  remove("web");
}

TEST_F(NetworkRelay, publishes_to_ipv4_only_at_the_address_of_all_of_ipv4) {
  start("web", kWebServer, {"-p", "0.0.0.0:8080:80"});
  EXPECT_EQ(fetched("http://127.0.0.1:8080/name"), name_in("web"));
  EXPECT_EQ(fetched_outside("http://192.0.2.1:8080/name"), name_in("web"));
  EXPECT_NE(here("curl -g -s -m 2 http://[::1]:8080/name").status, 0);
  EXPECT_TRUE(prints(myct({"port", "web"}), "80/tcp -> 0.0.0.0:8080\n"));
  EXPECT_THAT(relays(), IsEmpty());
  remove("web");
}

TEST_F(NetworkRelay, goes_on_with_one_way_after_the_end_of_the_other) {
  start("count", "echo up; exec nc -ll -p 80 -e wc -c", {"-p", "8080:80"});
  ASSERT_TRUE(logs("count", "up\n"));
  std::string answer;
  EXPECT_TRUE(eventually([&] {
    const Fd socket = connect_to("::1", 8080);
    answer = exchange(socket, "four\n");
    return !answer.empty();
  }));
  EXPECT_EQ(answer, "5\n") << "what is said only after all was heard";
  remove("count");
}

TEST_F(NetworkRelay, breaks_a_connection_that_nobody_takes) {
  start_echo({"-p", "8080:80"});
  const Fd socket = connect_to("::1", 8080);
  EXPECT_EQ(receive_text(socket, 1), "");
  EXPECT_NE(::send(socket.get(), "x", 1, MSG_NOSIGNAL), 1);
  remove("echo");
}

TEST_F(NetworkRelay, is_no_way_out_of_an_internal_network) {
  ASSERT_EQ(create_network("closed", {"--internal", "--ipv6"}).status, 0);
  ASSERT_EQ(create_network("open", {"--ipv6"}).status, 0);
  start("web", kWebServer, {"-p", "8080:80", "-p", "[2001:db8:1::1]:8081:80", "-p", "5353:7/udp"});
  Process site(on_host("exec busybox httpd -f -p 8099 -h " + make_directory("www")));
  ASSERT_EQ(fetched("http://[::1]:8080/name"), name_in("web"));
  ASSERT_TRUE(eventually([&] { return !here("ss -Hltn sport = :8099").out.empty(); }));
  const auto gateway = [&](const std::string& network) {
    const std::string out = myct({"network", "inspect", "-f", "{{(index .IPAM.Config 1).Gateway}}", network}).out;
    return out.substr(0, out.find('\n'));
  };
  const auto status_from = [&](const std::string& network, const std::string& where) {
    return in_network_of("in-" + network, "ip -6 route replace default via " + gateway(network) +
                                              "; curl -g -s -m 2 -o /dev/null http://" + where + "/name")
        .status;
  };
  for (const std::string network : {"closed", "open"}) {
    start("in-" + network, "exec sleep 1000", {"--network", network});
    for (const std::string& where :
         {"[" + gateway(network) + "]:8080", std::string("[2001:db8:1::1]:8080"), std::string("[2001:db8:1::1]:8081")})
      EXPECT_EQ(status_from(network, where), network == "open" ? 0 : 28) << network << " to " << where;
    EXPECT_EQ(status_from(network, "[" + gateway(network) + "]:8099"), 0) << "the host itself";
    remove("in-" + network);
  }
  remove("web");
  EXPECT_THAT(here("nft list set inet myct relayed6; nft list set inet myct relayed_at6").out,
              Not(HasSubstr("elements")));
  site.signal(SIGKILL);
  site.wait();
  for (const char* network : {"closed", "open"})
    EXPECT_TRUE(eventually([&] { return myct({"network", "rm", network}).status == 0; }));
}

TEST_F(NetworkRelay, serves_two_hundred_at_once) {
  constexpr int kMany = 200;
  start_echo({"-p", "8080:7"});
  std::vector<Fd> sockets;
  for (int number = 0; number < kMany; ++number) sockets.push_back(connect_to("2001:db8:1::1", 8080));
  const auto text = [](int number) { return std::to_string(100000 + number); };
  for (int number = 0; number < kMany; ++number) send_text(sockets[static_cast<size_t>(number)], text(number));
  for (int number = kMany - 1; number >= 0; --number)
    EXPECT_EQ(receive_text(sockets[static_cast<size_t>(number)], 6), text(number));
  sockets.clear();
  remove("echo");
}

TEST_F(NetworkRelay, lets_clients_wait_while_it_has_no_descriptors_left) {
  constexpr int kMany = 100;
  constexpr rlim_t kDescriptors = 64;
  Command starting = command({"run", "-d", "--name", "echo", "-v", probe_path() + ":/probe:ro", "-p", "8080:7",
                              "busybox", "/probe", "echo", "7"});
  starting.before_exec = [] {
    const rlimit limit{.rlim_cur = kDescriptors, .rlim_max = kDescriptors};
    ::setrlimit(RLIMIT_NOFILE, &limit);
  };
  ASSERT_EQ(run(starting).status, 0);
  ASSERT_TRUE(logs("echo", "ready\n"));
  std::vector<Fd> sockets;
  for (int number = 0; number < kMany; ++number) sockets.push_back(connect_to("::1", 8080));
  for (const Fd& socket : sockets) send_text(socket, "hello");
  for (Fd& socket : sockets) {
    EXPECT_EQ(receive_text(socket, 5), "hello");
    socket.reset();
  }
  remove("echo");
}

TEST_F(NetworkRelay, passes_fifty_megabytes_each_way) {
  start_echo({"-p", "8080:7"});
  const std::string noise = make_noise(50'000'000);
  const std::string back = exchange(connect_to("::1", 8080), noise);
  EXPECT_EQ(back.size(), noise.size());
  EXPECT_TRUE(back == noise);
  remove("echo");
}

TEST_F(NetworkRelay, keeps_no_more_than_a_buffer_for_one_who_does_not_read) {
  start("deaf", "echo up; exec nc -ll -p 80 -e sleep 1000", {"-p", "8080:80"});
  ASSERT_TRUE(logs("deaf", "up\n"));
  ASSERT_TRUE(has_one_relay());
  const std::string status = "/proc/" + std::to_string(*relays().begin()) + "/status";
  const auto memory = [&] {
    const std::string text = read_file(status);
    return std::stol(text.substr(text.find("RssAnon:") + 8));
  };
  const long before = memory();
  const Fd socket = connect_to("::1", 8080);
  const std::string chunk = make_noise(1'000'000);
  // Until nobody takes any more: the kernel's own buffers are some megabytes each.
  constexpr int kMost = 1'000;
  int chunks = 0;
  for (pollfd ready{.fd = socket.get(), .events = POLLOUT, .revents = 0}; ::poll(&ready, 1, 500) == 1; ++chunks) {
    ASSERT_GT(::send(socket.get(), chunk.data(), chunk.size(), MSG_NOSIGNAL | MSG_DONTWAIT), 0);
    if (chunks == kMost) break;
  }
  EXPECT_LT(chunks, kMost);
  EXPECT_LT(memory() - before, 1'000) << "kB";
  remove("deaf");
}

TEST_F(NetworkRelay, passes_datagrams_and_their_answers) {
  start_echo({"-p", "5353:7/udp"});
  const Fd one = connect_to("::1", 5353, SOCK_DGRAM);
  const Fd other = connect_to("2001:db8:2::1", 5353, SOCK_DGRAM);
  for (const char* round : {"first", "again"}) {
    send_text(one, std::string("one ") + round);
    send_text(other, std::string("two ") + round);
    EXPECT_EQ(receive_text(other, 9), std::string("two ") + round);
    EXPECT_EQ(receive_text(one, 9), std::string("one ") + round);
  }
  EXPECT_EQ(outside("exec 3<>/dev/udp/2001:db8:1::1/5353; printf hello >&3; timeout 9 head -c 5 <&3").out, "hello");
  remove("echo");
}

TEST_F(NetworkRelay, answers_datagrams_from_the_address_that_was_written_to) {
  // By its route the answer would leave from the address of lan0.
  ASSERT_EQ(here("ip -6 addr add 2001:db8:9::1/128 dev lo nodad").status, 0);
  ASSERT_EQ(outside("ip -6 route add 2001:db8:9::1 via 2001:db8:1::1").status, 0);
  start_echo({"-p", "5353:7/udp", "-p", "[2001:db8:9::1]:5354:7/udp"});
  for (const char* port : {"5353", "5354"})
    EXPECT_EQ(
        outside("exec 3<>/dev/udp/2001:db8:9::1/" + std::string(port) + "; printf hello >&3; timeout 9 head -c 5 <&3")
            .out,
        "hello")
        << port;
  remove("echo");
  EXPECT_EQ(here("ip -6 addr del 2001:db8:9::1/128 dev lo").status, 0);
}

TEST_F(NetworkRelay, refuses_a_port_that_a_program_has_on_ipv6) {
  const Fd holder = hold_port(8080);
  EXPECT_TRUE(fails_with(myct({"run", "--rm", "-p", "8080:80", "busybox", "true"}), 125,
                         "publish port [::]:8080/tcp: Address already in use: "));
  EXPECT_THAT(myct({"run", "--rm", "-p", "8080:80", "busybox", "true"}).err,
              HasSubstr("(process " + std::to_string(::getpid()) + ") has it"));
}

TEST_F(NetworkRelay, refuses_a_port_that_a_container_has_on_ipv6) {
  start("web", "sleep 1000", {"-p", "[::1]:8080:80"});
  EXPECT_TRUE(fails_with(myct({"run", "--rm", "-p", "8080:81", "busybox", "true"}), 125,
                         "publish port [::]:8080/tcp: Address already in use: container " +
                             inspect("web", ".Id").substr(0, 12) + " has it"));
  EXPECT_EQ(shell({"-p", "0.0.0.0:8080:81"}, "true").status, 0);
  remove("web");
}

TEST_F(NetworkRelay, takes_a_port_that_is_free_in_both_families) {
  const Fd holder = hold_port(8000);
  start("web", "sleep 1000", {"-p", "8000-8001:80"});
  EXPECT_TRUE(prints(myct({"port", "web"}), "80/tcp -> 0.0.0.0:8001\n80/tcp -> [::]:8001\n"));
  remove("web");
}

TEST_F(NetworkRelay, is_not_there_without_ipv6) {
  const std::string turn = "for i in all default lo; do echo $value >/proc/sys/net/ipv6/conf/$i/disable_ipv6; done";
  ASSERT_EQ(here("value=1; " + turn).status, 0);
  start("web", kWebServer, {"-p", "8080:80"});
  EXPECT_EQ(fetched("http://127.0.0.1:8080/name"), name_in("web"));
  EXPECT_TRUE(prints(myct({"port", "web"}), "80/tcp -> 0.0.0.0:8080\n"));
  EXPECT_THAT(relays(), IsEmpty());
  EXPECT_TRUE(fails_with(myct({"run", "--rm", "-p", "[::]:80:80", "busybox", "true"}), 125, "no such address"));
  remove("web");
  EXPECT_EQ(here("value=0; " + turn).status, 0);
}

TEST_F(NetworkRelay, has_nothing_of_others_and_is_no_process_of_the_container) {
  start_echo({"-p", "8080:7", "-p", "5353:7/udp"});
  ASSERT_TRUE(has_one_relay());
  const std::string process = "/proc/" + std::to_string(*relays().begin());
  EXPECT_EQ(
      here("for i in " + process + "/fd/*; do readlink $i; done | sed 's/:\\[.*//' | sort | uniq -c | tr -s ' '").out,
      " 3 /dev/null\n 2 anon_inode\n 2 socket\n")
      << here("ls -l " + process + "/fd").out;
  EXPECT_THAT(read_file(process + "/status"), HasSubstr("CapEff:\t0000000000000000"));
  EXPECT_THAT(read_file(process + "/cgroup"), Not(HasSubstr(inspect("echo", ".Id"))));
  EXPECT_THAT(lines_of(myct({"top", "echo"}).out), SizeIs(2));
  remove("echo");
}

TEST_F(NetworkRelay, ends_with_its_container_however_that_ends) {
  const auto end_by = [&](const std::string& how, const std::function<void()>& end) {
    start_echo({"-p", "8080:7", "-p", "5353:7/udp"});
    const Fd socket = connect_to("::1", 8080);
    send_text(socket, "hello");
    EXPECT_EQ(receive_text(socket, 5), "hello") << how;
    EXPECT_TRUE(has_one_relay()) << how;
    end();
    EXPECT_EQ(receive_text(socket, 1), "") << how;
    EXPECT_TRUE(becomes("echo", "Exited")) << how;
    // The owner may still be about to end, which has the ports, too.
    EXPECT_TRUE(eventually([&] { return sockets_at("8080").empty() && sockets_at("5353").empty(); })) << how;
    EXPECT_THAT(relays(), IsEmpty()) << how;
    EXPECT_TRUE(prints(shell({"-p", "8080:7", "-p", "5353:7/udp"}, "true"), "")) << how;
    EXPECT_EQ(sockets_at("8080"), "") << how;
    remove("echo");
  };
  end_by("stop", [&] { EXPECT_EQ(myct({"stop", "-t", "0", "echo"}).status, 0); });
  end_by("kill of init", [&] { ::kill(std::stoi(inspect("echo", ".State.Pid")), SIGKILL); });
  end_by("kill of the supervisor", [&] { ::kill(owner_of("echo"), SIGKILL); });
  start_echo({"-p", "8080:7"});
  remove("echo");
  EXPECT_THAT(relays(), IsEmpty());
  EXPECT_EQ(sockets_at("8080"), "");
}

TEST_F(NetworkRelay, ends_even_when_it_was_stopped) {
  start_echo({"-p", "8080:7"});
  ASSERT_TRUE(has_one_relay());
  ::kill(*relays().begin(), SIGSTOP);
  remove("echo");
  EXPECT_THAT(relays(), IsEmpty());
  start_echo({"-p", "8080:7"});
  ASSERT_TRUE(has_one_relay());
  ::kill(*relays().begin(), SIGSTOP);
  ::kill(owner_of("echo"), SIGKILL);
  EXPECT_TRUE(eventually([&] { return relays().empty(); })) << "with nobody to clear up";
  remove("echo");
}

TEST_F(NetworkRelay, comes_back_with_its_container) {
  start_echo({"-p", "8080:7", "--restart", "always"});
  const auto answers = [&] {
    const Fd socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in6 name = name_of("::1", 8080);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == -1) return false;
    if (::send(socket.get(), "hello", 5, MSG_NOSIGNAL) != 5) return false;
    return receive_text(socket, 5) == "hello";
  };
  EXPECT_TRUE(answers());
  EXPECT_EQ(myct({"restart", "-t", "0", "echo"}).status, 0);
  EXPECT_TRUE(eventually(answers)) << "after a restart";
  ::kill(std::stoi(inspect("echo", ".State.Pid")), SIGKILL);
  EXPECT_TRUE(eventually([&] { return inspect("echo", ".RestartCount") == "1" && becomes("echo", "Up"); }));
  EXPECT_TRUE(eventually(answers)) << "by the policy";
  EXPECT_TRUE(has_one_relay());
  remove("echo");
}

TEST_F(NetworkRelay, that_was_killed_is_missed_by_check_and_started_again_by_repair) {
  start_echo({"-p", "8080:7", "-p", "5353:7/udp", "-p", "[2001:db8:1::1]:8081:7"});
  EXPECT_TRUE(prints(myct({"system", "check"}), ""));
  kill_relay();
  const Result found = myct({"system", "check"});
  EXPECT_EQ(found.status, 1);
  EXPECT_EQ(found.out, "relay of container " + inspect("echo", ".Id").substr(0, 12) +
                           ": it was killed: what is published at IPv6 addresses is not answered (--repair starts it "
                           "again)\n");
  EXPECT_EQ(myct({"system", "check", "--repair"}).status, 0);
  EXPECT_TRUE(prints(myct({"system", "check"}), ""));
  EXPECT_EQ(echoed(), "hello");
  const Fd other = connect_to("2001:db8:1::1", 8081);
  send_text(other, "hello");
  EXPECT_EQ(receive_text(other, 5), "hello");
  const Fd datagrams = connect_to("::1", 5353, SOCK_DGRAM);
  send_text(datagrams, "hello");
  EXPECT_EQ(receive_text(datagrams, 5), "hello");
  EXPECT_TRUE(has_one_relay());
  EXPECT_THAT(read_file("/proc/" + std::to_string(*relays().begin()) + "/status"),
              HasSubstr("CapEff:\t0000000000000000"));
  remove("echo");
  EXPECT_THAT(relays(), IsEmpty());
  EXPECT_EQ(sockets_at("8080"), "");
}

TEST_F(NetworkRelay, that_was_killed_comes_back_with_the_next_container_that_publishes) {
  start_echo({"-p", "8080:7"});
  kill_relay();
  ASSERT_EQ(shell({}, "true").status, 0);
  EXPECT_THAT(relays(), IsEmpty()) << "one without ports does not look for it";
  ASSERT_EQ(shell({"-p", "0.0.0.0:8081:80"}, "true").status, 0);
  EXPECT_EQ(echoed(), "hello");
  ASSERT_EQ(myct({"network", "create", "app"}).status, 0);
  kill_relay();
  ASSERT_EQ(myct({"network", "connect", "app", "echo"}).status, 0);
  EXPECT_EQ(echoed(), "hello");
  // One that is not its child ends with the owner, too.
  ::kill(owner_of("echo"), SIGKILL);
  EXPECT_TRUE(becomes("echo", "Exited"));
  EXPECT_TRUE(eventually([&] { return relays().empty() && sockets_at("8080").empty(); }));
  remove("echo");
  EXPECT_EQ(myct({"network", "rm", "app"}).status, 0);
}

TEST_F(NetworkRelay, that_was_killed_is_looked_for_by_each_start_among_a_few_containers) {
  constexpr int kMany = 5;
  for (int number = 0; number < kMany; ++number) start("web" + std::to_string(number), "exec sleep 1000", {"-p", "80"});
  ASSERT_TRUE(eventually([] { return relays().size() == kMany; }));
  for (const int relay : relays()) ::kill(relay, SIGKILL);
  ASSERT_TRUE(eventually([] { return relays().empty(); }));
  ASSERT_EQ(shell({"-p", "80"}, "true").status, 0);
  EXPECT_TRUE(eventually([] { return relays().size() == 3; })) << relays().size();
  EXPECT_TRUE(eventually([&] {
    return shell({"-p", "80"}, "true").status == 0 && relays().size() == kMany;
  })) << relays().size();
  for (int number = 0; number < kMany; ++number) remove("web" + std::to_string(number));
}

TEST_F(NetworkRelay, that_was_killed_is_started_again_once) {
  constexpr int kMany = 6;
  start_echo({"-p", "8080:7"});
  kill_relay();
  for (const Result& result : at_once(kMany, [](int) { return Words{"system", "check", "--repair"}; }))
    EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(echoed(), "hello");
  EXPECT_THAT(relays(), SizeIs(1));
  EXPECT_EQ(myct({"restart", "-t", "0", "echo"}).status, 0);
  ASSERT_TRUE(logs("echo", "ready\nready\n"));
  EXPECT_EQ(echoed(), "hello");
  EXPECT_TRUE(has_one_relay());
  remove("echo");
}

TEST_F(NetworkRelay, that_was_killed_comes_back_for_a_container_in_the_foreground) {
  Process process(probe_command({"-p", "8080:7"}, {"echo", "7"}));
  ASSERT_TRUE(process.read_until("ready\n"));
  kill_relay();
  EXPECT_EQ(myct({"system", "check", "--repair"}).status, 0);
  EXPECT_EQ(echoed(), "hello");
  ::kill(init_pid(), SIGKILL);
  process.wait();
  EXPECT_TRUE(eventually([&] { return relays().empty(); }));
  EXPECT_EQ(sockets_at("8080"), "");
}

TEST_F(NetworkRelay, serves_a_container_in_the_foreground) {
  Process process(probe_command({"-p", "8080:7"}, {"echo", "7"}));
  ASSERT_TRUE(process.read_until("ready\n"));
  const Fd socket = connect_to("::1", 8080);
  send_text(socket, "hello");
  EXPECT_EQ(receive_text(socket, 5), "hello");
  ::kill(init_pid(), SIGKILL);
  process.wait();
  EXPECT_THAT(relays(), IsEmpty());
  EXPECT_EQ(sockets_at("8080"), "");
}

TEST_F(NetworkRelay, ends_with_a_foreground_run_that_is_killed) {
  Process process(probe_command({"-p", "8080:7"}, {"echo", "7"}));
  ASSERT_TRUE(process.read_until("ready\n"));
  ASSERT_TRUE(has_one_relay());
  process.signal(SIGKILL);
  process.wait();
  EXPECT_TRUE(eventually([&] { return relays().empty(); }));
  EXPECT_EQ(sockets_at("8080"), "");
  for (const std::string& id : lines_of(myct({"ps", "-aq"}).out)) remove(id);
}

}  // namespace
}  // namespace myct::test
