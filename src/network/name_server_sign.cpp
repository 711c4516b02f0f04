#include "name_server_sign.hpp"

#include <linux/netlink.h>

#include "address.hpp"
#include "myct/base/error.hpp"
#include "myct/base/units.hpp"
#include "netlink.hpp"
#include "rules.hpp"

namespace myct::network {
namespace {

constexpr uint16_t kPort = 53;

std::vector<Element> elements_of(const std::vector<Detour>& detours) {
  std::vector<Element> elements;
  for (const Detour& detour : detours)
    for (const state::Protocol protocol : {state::Protocol::Udp, state::Protocol::Tcp})
      if (const std::optional<Address> address = parse_address(detour.address))
        elements.push_back(element_of_port(
            {.host_address = detour.address, .host_port = kPort, .container_port = detour.port, .protocol = protocol},
            *address));
  return elements;
}

std::string take_line(std::string& text) {
  const size_t end = text.find('\n');
  if (end == std::string::npos) return {};
  std::string line = text.substr(0, end);
  text.erase(0, end + 1);
  return line;
}

}  // namespace

std::string to_text(const Sign& sign) {
  std::string text = fmt::format("{}\n{}\n", sign.pid, sign.description);
  for (const Detour& detour : sign.detours) text += fmt::format("{} {}\n", detour.address, detour.port);
  return text + "end\n";
}

std::optional<Sign> sign_from_text(const std::string& text) {
  std::string rest = text;
  Sign sign;
  const std::optional<uint64_t> pid = parse_unsigned(take_line(rest));
  sign.description = take_line(rest);
  if (!pid || *pid == 0 || !rest.ends_with("end\n")) return std::nullopt;
  sign.pid = static_cast<pid_t>(*pid);
  for (std::string line = take_line(rest); line != "end"; line = take_line(rest)) {
    const size_t space = line.find(' ');
    if (space == std::string::npos) return std::nullopt;
    const std::optional<uint64_t> port = parse_unsigned(std::string_view(line).substr(space + 1));
    if (!port) return std::nullopt;
    sign.detours.push_back({.address = line.substr(0, space), .port = static_cast<uint16_t>(*port)});
  }
  return sign;
}

std::string sign_path(const NameServer& server) { return server.directory + "/server"; }
std::string lock_path(const NameServer& server) { return server.directory + "/lock"; }

std::vector<std::string> to_arguments(const NameServer& server) {
  std::vector<std::string> arguments = {kNameServerName, "network=" + server.network, "bridge=" + server.bridge,
                                        "directory=" + server.directory, "containers=" + server.run_containers};
  for (const std::string& gateway : server.gateways) arguments.push_back("gateway=" + gateway);
  for (const std::string& subnet : server.subnets) arguments.push_back("subnet=" + subnet);
  if (server.forwarding == Forwarding::No) arguments.emplace_back("forwarding=no");
  return arguments;
}

std::string describe(const NameServer& server, unsigned interface) {
  std::string text = fmt::format("interface={}", interface);
  for (const std::string& argument : to_arguments(server)) text += " " + argument;
  return text;
}

void add_detours(const std::vector<Detour>& detours) {
  if (detours.empty()) return;
  const std::vector<Element> elements = elements_of(detours);
  NetlinkSocket netfilter = NetlinkSocket::open(NETLINK_NETFILTER);
  try {
    add_elements(netfilter, elements);
  } catch (const Error& error) {
    if (error.errnum() != EEXIST) throw;
    remove_elements(netfilter, elements);
    add_elements(netfilter, elements);
  }
}

void remove_detours(const std::vector<Detour>& detours) {
  if (detours.empty()) return;
  NetlinkSocket netfilter = NetlinkSocket::open(NETLINK_NETFILTER);
  remove_elements(netfilter, elements_of(detours));
}

}  // namespace myct::network
