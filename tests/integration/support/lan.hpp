// A host on two networks, all in network namespaces of the test's own: the test's is the host, `lan0` leads to the
// world outside, by which the host's default route goes, and `seg0` to a segment with another machine.
//
//   world 192.0.2.2 ---- lan0 192.0.2.1 [host] seg0 203.0.113.1 ---- 203.0.113.2 neighbour
//         2001:db8:1::2       2001:db8:1::1       2001:db8:2::1           2001:db8:2::2
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "detached.hpp"

namespace myct::test {

/// A program that serves its host name as /name.
constexpr const char* kWebServer = "mkdir -p /www; hostname >/www/name; exec httpd -f -v -p 80 -h /www";

/// A machine of the test's beside the host: a network namespace, held by a process.
class Machine {
 public:
  explicit Machine(const Command& holding);
  /// Whether it is there; wait for it before it is used.
  [[nodiscard]] bool is_up();
  [[nodiscard]] pid_t pid() const { return process_.pid(); }
  /// "/proc/12/ns/net"
  [[nodiscard]] std::string network_namespace() const;
  void end();

 private:
  Process process_;
};

class LanTest : public DetachedTest {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// A shell's command on one of the machines, not yet started.
  [[nodiscard]] Command on_host(const std::string& script) const;
  [[nodiscard]] Command on(const Machine& machine, const std::string& script) const;
  [[nodiscard]] Result here(const std::string& script) const { return run(on_host(script)); }
  [[nodiscard]] Result outside(const std::string& script) const { return run(on(*world_, script)); }
  [[nodiscard]] Result next_door(const std::string& script) const { return run(on(*neighbour_, script)); }

  /// What a web server answers, asked until it does: it has just been started.
  [[nodiscard]] std::string fetched(const std::string& url) const { return here(fetching(url)).out; }
  [[nodiscard]] std::string fetched_outside(const std::string& url) const { return outside(fetching(url)).out; }
  [[nodiscard]] std::string fetched_next_door(const std::string& url) const { return next_door(fetching(url)).out; }

  /// A shell's command in a container that runs.
  [[nodiscard]] Result in(const std::string& container, const std::string& script) const;
  /// A shell's command of the host's in a container's network namespace, with all privileges there.
  [[nodiscard]] Result in_network_of(const std::string& container, const std::string& script) const;
  /// Has a container's root give eth0 and eth1 each other's name.
  [[nodiscard]] Result swap_interfaces(const std::string& container) const;
  [[nodiscard]] Result create_network(const std::string& name, const Words& options) const;
  [[nodiscard]] std::string inspect(const std::string& name, const std::string& field) const;
  [[nodiscard]] std::string address_of(const std::string& name) const;
  [[nodiscard]] std::string address_on(const std::string& container, const std::string& network) const;
  /// What kWebServer in the container serves.
  [[nodiscard]] std::string name_in(const std::string& container) const;
  /// Takes the default bridge away. It is in use as long as the kernel takes the last container's network namespace
  /// apart, which is some time after its end.
  void prune_networks() const;
  /// Elements of the maps of published ports, as nft shows them.
  [[nodiscard]] std::string published() const;
  /// Addresses that are taken on the default network.
  [[nodiscard]] std::vector<std::string> addresses() const;

  [[nodiscard]] Machine& world() { return *world_; }
  [[nodiscard]] Machine& neighbour() { return *neighbour_; }

 private:
  [[nodiscard]] static std::string fetching(const std::string& url);
  std::optional<Machine> world_;
  std::optional<Machine> neighbour_;
};

}  // namespace myct::test
