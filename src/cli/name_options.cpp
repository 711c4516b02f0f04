// --dns, --dns-search, --dns-option and --add-host.
#include "name_options.hpp"

#include <arpa/inet.h>

#include <array>

#include "container_flags.hpp"
#include "myct/base/error.hpp"

namespace myct::cli {
namespace {

constexpr std::string_view kHostGateway = "host-gateway";
constexpr std::string_view kNameBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
constexpr size_t kLongestName = 253;

bool is_address(const std::string& text) {
  std::array<unsigned char, 16> bytes{};
  return ::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= kLongestName && text.find_first_not_of(kNameBytes) == std::string::npos;
}

/// A word of resolv.conf(5), which must not begin another line there.
std::string parse_dns_option(const std::string& text) {
  const bool is_word = !text.empty() && text.find_first_of(" \t\r\n") == std::string::npos;
  if (!is_word)
    throw Error(ErrorKind::Usage, fmt::format("invalid option of the resolver '{}'", text), 0,
                "give one as in resolv.conf(5), such as ndots:2 or rotate");
  return text;
}

}  // namespace

std::string parse_dns(const std::string& text) {
  // With the interface of a link-local address.
  if (is_address(text.substr(0, text.find('%'))) && text.find_first_of(" \t\r\n") == std::string::npos) return text;
  throw Error(ErrorKind::Usage, fmt::format("invalid name server '{}'", text), 0, "give its IPv4 or IPv6 address");
}

std::string parse_dns_search(const std::string& text) {
  if (text == "." || is_name(text)) return text;
  throw Error(ErrorKind::Usage, fmt::format("invalid search domain '{}'", text), 0,
              "letters, digits, '-', '_' and '.' make one, and '.' alone is none");
}

std::string parse_extra_host(const std::string& text) {
  const size_t mark = text.find_first_of(":=");
  const std::string name = text.substr(0, mark);
  std::string address = mark == std::string::npos ? std::string() : text.substr(mark + 1);
  if (address.size() > 2 && address.front() == '[' && address.back() == ']')
    address = address.substr(1, address.size() - 2);
  if (!is_name(name) || (address != kHostGateway && !is_address(address)))
    throw Error(ErrorKind::Usage, fmt::format("invalid added host '{}'", text), 0,
                "give NAME:ADDRESS, or NAME:host-gateway");
  return name + ":" + address;
}

void add_name_options(CLI::App& command, NameFlags& flags) {
  add_list(command, "--dns", flags.dns, "Ask this name server, instead of the host's", "ADDRESS");
  add_list(command, "--dns-search", flags.dns_search,
           "Complete names by this domain, instead of the host's; . alone: by none", "DOMAIN");
  add_list(command, "--dns-option,--dns-opt", flags.dns_options, "Set an option of the resolver (resolv.conf(5))",
           "OPTION");
  add_list(command, "--add-host", flags.add_host, "Add a line to /etc/hosts; host-gateway is the host's address",
           "NAME:ADDRESS");
}

void apply_name_flags(const NameFlags& flags, manager::RunRequest& request) {
  for (const std::string& text : flags.dns) request.dns.push_back(parse_dns(text));
  for (const std::string& text : flags.dns_search) request.dns_search.push_back(parse_dns_search(text));
  for (const std::string& text : flags.dns_options) request.dns_options.push_back(parse_dns_option(text));
  for (const std::string& text : flags.add_host) {
    std::string host = parse_extra_host(text);
    if (host.ends_with(kHostGateway) && request.network == manager::NetworkMode::None)
      throw_error(ErrorKind::Usage, "added host '{}': with --network none no gateway leads to the host", text);
    request.extra_hosts.push_back(std::move(host));
  }
}

}  // namespace myct::cli
