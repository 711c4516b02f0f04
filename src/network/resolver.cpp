#include "myct/network/resolver.hpp"

#include <fmt/format.h>

#include "address.hpp"

namespace myct::network {

namespace {

std::string own_line(std::string_view address, std::string_view hostname) {
  return fmt::format("{}\t{}\n", address, hostname);
}

}  // namespace

std::string build_hosts(std::span<const std::string> addresses, std::string_view hostname,
                        std::span<const HostEntry> added) {
  std::string text =
      "127.0.0.1\tlocalhost\n"
      "::1\tlocalhost ip6-localhost ip6-loopback\n"
      "fe00::\tip6-localnet\n"
      "ff00::\tip6-mcastprefix\n"
      "ff02::1\tip6-allnodes\n"
      "ff02::2\tip6-allrouters\n";
  for (const HostEntry& entry : added) text += fmt::format("{}\t{}\n", entry.address, entry.name);
  for (const std::string& address : addresses) text += own_line(address, hostname);
  return text;
}

std::string change_hosts(std::string_view hosts, std::string_view hostname, std::span<const std::string> old,
                         std::span<const std::string> added) {
  std::string text(hosts);
  if (!text.empty() && text.back() != '\n') text.push_back('\n');
  for (const std::string& address : old) {
    const std::string line = own_line(address, hostname);
    const size_t at = text.starts_with(line) ? 0 : text.find("\n" + line);
    if (at != std::string::npos) text.erase(at == 0 ? 0 : at + 1, line.size());
  }
  for (const std::string& address : added) text += own_line(address, hostname);
  return text;
}

namespace {

/// Calls `take` with each line and, of a name server's, its address.
template <typename Take>
void for_each_line(std::string_view text, Take take) {
  constexpr std::string_view kServer = "nameserver";
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    std::string_view address;
    if (line.starts_with(kServer)) {
      address = line.substr(kServer.size());
      const size_t begin = address.find_first_not_of(" \t");
      address = begin == std::string_view::npos ? std::string_view() : address.substr(begin);
      address = address.substr(0, address.find_first_of(" \t#;\r"));
    }
    take(line, address);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
}

bool is_loopback(std::string_view address) { return address.starts_with("127.") || address == "::1"; }

/// With a zone, "fe80::1%eth0", it is one by its name alone.
bool is_link_local(std::string_view address) {
  constexpr uint32_t kFirst = 0xfe80;
  constexpr int kPrefix = 10;
  constexpr int kRest = 128 - kPrefix;
  const std::optional<Address> parsed = parse_address(address.substr(0, address.find('%')));
  const bool is_of_prefix = parsed && parsed->family == Family::Inet6 &&
                            parsed->value >> static_cast<unsigned>(kRest) == (kFirst >> (16U - kPrefix));
  return is_of_prefix || address.find('%') != std::string_view::npos;
}

bool is_reached(std::string_view address, HasIpv6 ipv6) {
  if (is_loopback(address) || is_link_local(address)) return false;
  return ipv6 == HasIpv6::Yes || address.find(':') == std::string_view::npos;
}

}  // namespace

bool is_systemd_stub(std::string_view resolv_conf) {
  bool any = false;
  bool all = true;
  for_each_line(resolv_conf, [&](std::string_view, std::string_view address) {
    if (address.empty()) return;
    any = true;
    if (address != "127.0.0.53") all = false;
  });
  return any && all;
}

std::vector<std::string> name_servers(std::string_view resolv_conf) {
  std::vector<std::string> servers;
  for_each_line(resolv_conf, [&](std::string_view, std::string_view address) {
    if (!address.empty()) servers.emplace_back(address);
  });
  return servers;
}

std::string override_resolv_conf(std::string_view host, const ResolverChoice& choice) {
  std::string text;
  for_each_line(host, [&](std::string_view line, std::string_view address) {
    const std::string_view word = line.substr(0, line.find_first_of(" \t"));
    const bool is_replaced = (!choice.servers.empty() && !address.empty()) ||
                             (!choice.searches.empty() && (word == "search" || word == "domain")) ||
                             (!choice.options.empty() && word == "options");
    if (!is_replaced) text.append(line).push_back('\n');
  });
  for (const std::string& server : choice.servers) text += fmt::format("nameserver {}\n", server);
  const bool has_searches = !choice.searches.empty() && choice.searches.front() != ".";
  if (has_searches) text += fmt::format("search {}\n", fmt::join(choice.searches, " "));
  if (!choice.options.empty()) text += fmt::format("options {}\n", fmt::join(choice.options, " "));
  return text;
}

std::string build_resolv_conf(std::string_view host, const ResolverChoice& choice, HasIpv6 ipv6) {
  std::string reachable;
  for_each_line(host, [&](std::string_view line, std::string_view address) {
    if (address.empty() || is_reached(address, ipv6)) reachable.append(line).push_back('\n');
  });
  std::string text = override_resolv_conf(reachable, choice);
  if (name_servers(text).empty()) text += "nameserver 8.8.8.8\nnameserver 8.8.4.4\n";
  return text;
}

std::string build_named_resolv_conf(std::string_view host, const std::vector<std::string>& gateways,
                                    ResolverChoice choice) {
  choice.servers = gateways;
  std::string text = override_resolv_conf(host, choice);
  if (text.find("ndots:") == std::string::npos) text += "options ndots:0\n";
  return text;
}

}  // namespace myct::network
