#include "lan.hpp"

namespace myct::test {

Machine::Machine(const Command& holding) : process_(holding) {}

bool Machine::is_up() { return process_.read_until("there\n"); }

std::string Machine::network_namespace() const { return "/proc/" + std::to_string(pid()) + "/ns/net"; }

void Machine::end() {
  process_.signal(SIGKILL);
  process_.wait();
}

void LanTest::SetUp() {
  DetachedTest::SetUp();
  const Command holding =
      on_host("exec unshare --net sh -c 'ip link set lo up; echo there; exec sleep 1000' >&1 2>/dev/null");
  world_.emplace(holding);
  neighbour_.emplace(holding);
  ASSERT_TRUE(world_->is_up());
  ASSERT_TRUE(neighbour_->is_up());
  const auto join = [&](const Machine& machine, const std::string& ours, const std::string& theirs,
                        const std::string& prefix, const std::string& prefix6) {
    const Result result =
        here("ip link add " + ours + " type veth peer name " + theirs + " netns " + std::to_string(machine.pid()) +
             " && ip addr add " + prefix + "1/24 dev " + ours + " && ip -6 addr add " + prefix6 + "1/64 dev " + ours +
             " nodad && ip link set " + ours + " up");
    ASSERT_EQ(result.status, 0) << result;
    const Result peer =
        run(on(machine, "ip addr add " + prefix + "2/24 dev " + theirs + " && ip -6 addr add " + prefix6 + "2/64 dev " +
                            theirs + " nodad && ip link set " + theirs + " up"));
    ASSERT_EQ(peer.status, 0) << peer;
  };
  join(*world_, "lan0", "lan1", "192.0.2.", "2001:db8:1::");
  join(*neighbour_, "seg0", "seg1", "203.0.113.", "2001:db8:2::");
  ASSERT_EQ(here("ip route add default via 192.0.2.2").status, 0);
}

void LanTest::TearDown() {
  (void)here("ip link del lan0; ip link del seg0");
  if (world_) world_->end();
  if (neighbour_) neighbour_->end();
  DetachedTest::TearDown();
}

Command LanTest::on_host(const std::string& script) const {
  Command command = this->command({});
  command.argv = {"/bin/sh", "-c", script};
  return command;
}

Command LanTest::on(const Machine& machine, const std::string& script) const {
  Command command = this->command({});
  command.argv = {"/usr/bin/nsenter", "--net=" + machine.network_namespace(), "/bin/bash", "-c", script};
  return command;
}

std::string LanTest::fetching(const std::string& url) {
  return "curl -g -s -m 5 --retry 20 --retry-connrefused --retry-delay 0 '" + url + "'";
}

Result LanTest::in(const std::string& container, const std::string& script) const {
  return myct({"exec", container, "sh", "-c", script});
}

Result LanTest::in_network_of(const std::string& container, const std::string& script) const {
  return here("exec nsenter --net=/proc/" + inspect(container, ".State.Pid") + "/ns/net bash -c '" + script + "'");
}

Result LanTest::swap_interfaces(const std::string& container) const {
  return in_network_of(container,
                       "ip link set eth0 down && ip link set eth1 down && ip link set eth0 name other && "
                       "ip link set eth1 name eth0 && ip link set other name eth1 && ip link set eth0 up && "
                       "ip link set eth1 up");
}

Result LanTest::create_network(const std::string& name, const Words& options) const {
  Words words = {"network", "create"};
  words.insert(words.end(), options.begin(), options.end());
  words.push_back(name);
  return myct(words);
}

std::string LanTest::inspect(const std::string& name, const std::string& field) const {
  const std::string out = myct({"inspect", "-f", "{{" + field + "}}", name}).out;
  return out.substr(0, out.find('\n'));
}

std::string LanTest::address_of(const std::string& name) const { return inspect(name, ".NetworkSettings.IPAddress"); }

std::string LanTest::address_on(const std::string& container, const std::string& network) const {
  return inspect(container, ".NetworkSettings.Networks." + network + ".IPAddress");
}

std::string LanTest::name_in(const std::string& container) const {
  return inspect(container, ".Config.Hostname") + "\n";
}

void LanTest::prune_networks() const {
  EXPECT_TRUE(eventually([&] {
    EXPECT_TRUE(prints(myct({"network", "prune", "-f"}), ""));
    return here("ip link show myct0").status != 0;
  }));
}

std::string LanTest::published() const {
  std::string all;
  for (const char* map : {"published", "published_at", "published6", "published_at6"})
    all += here("nft list map inet myct " + std::string(map) + " 2>/dev/null | tr -d '\\n\\t'").out;
  return all;
}

std::vector<std::string> LanTest::addresses() const {
  return lines_of(here("ls " + runtime_dir() + "/networks/bridge/addresses").out);
}

}  // namespace myct::test
