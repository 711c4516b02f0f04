#include "name_server_sign.hpp"

#include <fcntl.h>
#include <linux/netlink.h>
#include <sys/file.h>

#include "address.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/units.hpp"
#include "netlink.hpp"
#include "rules.hpp"

namespace myct::network {
namespace {

constexpr uint16_t kPort = 53;
constexpr const char* kSign = "server";

std::string take_line(std::string& text) {
  const size_t end = text.find('\n');
  if (end == std::string::npos) return {};
  std::string line = text.substr(0, end);
  text.erase(0, end + 1);
  return line;
}

/// The sign, if somebody lives who has locked it.
std::optional<Fd> try_open_locked(const std::string& directory) {
  std::optional<Fd> file = try_open_path(directory + "/" + kSign, O_RDONLY);
  if (!file || ::flock(file->get(), LOCK_SH | LOCK_NB) == 0) return std::nullopt;
  if (errno != EWOULDBLOCK) throw_errno("look for the name server of '{}'", directory);
  return file;
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

std::optional<Sign> find_living(const std::string& directory) {
  const std::optional<Fd> file = try_open_locked(directory);
  return file ? sign_from_text(read_all(file->ref(), directory + "/" + kSign)) : std::nullopt;
}

bool has_name_server(const std::string& directory) { return try_open_locked(directory).has_value(); }

std::string sign_path(const NameServer& server) { return server.directory + "/" + kSign; }
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

void add_detours(const std::vector<Detour>& detours) {
  if (detours.empty()) return;
  NetlinkSocket netfilter = NetlinkSocket::open(NETLINK_NETFILTER);
  replace_elements(netfilter, elements_of(detours));
}

void remove_detours(const std::vector<Detour>& detours) {
  if (detours.empty()) return;
  NetlinkSocket netfilter = NetlinkSocket::open(NETLINK_NETFILTER);
  remove_elements(netfilter, elements_of(detours));
}

}  // namespace myct::network
