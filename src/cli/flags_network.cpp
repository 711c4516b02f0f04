// -p and --expose.
#include <arpa/inet.h>

#include <limits>

#include "flags.hpp"
#include "myct/base/error.hpp"

namespace myct::cli {
namespace {

struct Range {
  uint16_t first = 0;
  uint16_t last = 0;
  [[nodiscard]] int size() const { return last - first + 1; }
};

[[noreturn]] void throw_bad(const std::string& text, const std::string& why) {
  throw Error(ErrorKind::Usage, fmt::format("invalid published port '{}': {}", text, why), 0,
              "give [ADDRESS:][HOST_PORT:]PORT[/PROTOCOL]");
}

uint16_t parse_port_number(const std::string& text, std::string_view word) {
  const std::optional<uint64_t> number = parse_unsigned(word);
  if (!number || *number == 0 || *number > std::numeric_limits<uint16_t>::max())
    throw_bad(text, fmt::format("'{}' is not a port from 1 to 65535", word));
  return static_cast<uint16_t>(*number);
}

Range parse_range(const std::string& text, std::string_view word) {
  const size_t dash = word.find('-');
  Range range;
  range.first = parse_port_number(text, word.substr(0, dash));
  range.last = dash == std::string_view::npos ? range.first : parse_port_number(text, word.substr(dash + 1));
  if (range.last < range.first) throw_bad(text, fmt::format("the range '{}' ends before it begins", word));
  return range;
}

/// As the kernel writes it, so that equal ones are equal texts. Throws Error{Usage}.
std::string parse_ipv6(const std::string& text, const std::string& word) {
  in6_addr address{};
  if (::inet_pton(AF_INET6, word.c_str(), &address) != 1)
    throw_bad(text, fmt::format("'{}' is not an IPv6 address", word));
  if (IN6_IS_ADDR_LINKLOCAL(&address)) throw_bad(text, fmt::format("'{}' is an address of one link only", word));
  char canonical[INET6_ADDRSTRLEN];
  return ::inet_ntop(AF_INET6, &address, canonical, sizeof canonical);
}

std::string parse_ipv4(const std::string& text, const std::string& word) {
  in_addr address{};
  if (::inet_pton(AF_INET, word.c_str(), &address) != 1)
    throw_bad(text, fmt::format("'{}' is not an IP address", word));
  return word;
}

/// The parts of "[ADDRESS:][HOST_PORT:]PORT".
struct Parts {
  std::string address;
  std::string host;
  std::string container;
};

Parts split_parts(const std::string& text, std::string rest) {
  Parts parts;
  if (rest.starts_with('[')) {
    const size_t end = rest.find("]:");
    if (end == std::string::npos) throw_bad(text, "no ']:' ends the address");
    parts.address = parse_ipv6(text, rest.substr(1, end - 1));
    rest.erase(0, end + 2);
  }
  const std::vector<std::string> words = split(rest, ':');
  if (words.size() > 3) throw_bad(text, "an IPv6 address needs brackets, as in '[::1]:8080:80'");
  parts.container = words.back();
  if (words.size() > 1) parts.host = words[words.size() - 2];
  if (words.size() < 3) return parts;
  if (!parts.address.empty()) throw_bad(text, "it has too many parts");
  if (!words.front().empty()) parts.address = parse_ipv4(text, words.front());
  return parts;
}

}  // namespace

std::vector<std::string> parse_exposed(const std::string& text) {
  std::vector<std::string> ports = state::expand_ports(text);
  if (ports.empty())
    throw Error(ErrorKind::Usage, fmt::format("invalid exposed port '{}'", text), 0, "give PORT[-PORT][/PROTOCOL]");
  return ports;
}

std::vector<state::PublishedPort> parse_published(const std::string& text) {
  const size_t slash = text.find('/');
  const std::optional<state::Protocol> protocol =
      slash == std::string::npos ? state::Protocol::Tcp : state::protocol_from_word(text.substr(slash + 1));
  if (!protocol) throw_bad(text, fmt::format("'{}' is not tcp, udp or sctp", text.substr(slash + 1)));
  const Parts parts = split_parts(text, text.substr(0, slash));
  if (parts.address == "::1" && *protocol == state::Protocol::Sctp)
    throw_bad(text, "sctp cannot be published at ::1, which the kernel sends on to nobody");
  const Range container = parse_range(text, parts.container);
  std::optional<Range> host;
  if (!parts.host.empty() && parts.host != "0") host = parse_range(text, parts.host);  // 0: any, as in bind(2)
  if (host && container.size() != 1 && host->size() != container.size())
    throw_bad(text, fmt::format("the ranges '{}' and '{}' are of different lengths", parts.host, parts.container));
  std::vector<state::PublishedPort> ports;
  for (int offset = 0; offset < container.size(); ++offset) {
    state::PublishedPort port{.host_address = parts.address,
                              .container_port = static_cast<uint16_t>(container.first + offset),
                              .protocol = *protocol};
    if (host) port.host_port = static_cast<uint16_t>(host->first + offset);
    if (host && container.size() == 1 && host->size() > 1) port.last_host_port = host->last;
    ports.push_back(std::move(port));
  }
  return ports;
}

}  // namespace myct::cli
