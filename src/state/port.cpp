#include "myct/state/port.hpp"

#include <fmt/core.h>
#include <strings.h>

#include <limits>

#include "myct/base/units.hpp"

namespace myct::state {

namespace {

std::optional<uint16_t> parse_port(std::string_view text) {
  const std::optional<uint64_t> number = parse_unsigned(text);
  if (!number || *number > std::numeric_limits<uint16_t>::max()) return std::nullopt;
  return static_cast<uint16_t>(*number);
}

/// Where the address ends; npos when the text is none. An IPv6 one has colons, and brackets around them.
size_t end_of_address(std::string_view text) {
  if (!text.starts_with('[')) return text.find(':');
  const size_t end = text.find("]:");
  return end == std::string_view::npos ? end : end + 1;
}

std::string in_brackets(const std::string& address) { return "[" + address + "]"; }

std::string_view without_brackets(std::string_view address) {
  return address.starts_with('[') ? address.substr(1, address.size() - 2) : address;
}

}  // namespace

const char* protocol_word(Protocol protocol) noexcept {
  switch (protocol) {
    case Protocol::Tcp:
      return "tcp";
    case Protocol::Udp:
      return "udp";
    case Protocol::Sctp:
      break;
  }
  return "sctp";
}

std::optional<Protocol> protocol_from_word(std::string_view word) noexcept {
  for (const Protocol protocol : {Protocol::Tcp, Protocol::Udp, Protocol::Sctp}) {
    const std::string_view own = protocol_word(protocol);
    if (word.size() == own.size() && ::strncasecmp(word.data(), own.data(), own.size()) == 0) return protocol;
  }
  return std::nullopt;
}

bool is_ipv6(const PublishedPort& port) noexcept { return port.host_address.find(':') != std::string::npos; }

bool is_unspecified(const PublishedPort& port) noexcept {
  return port.host_address.empty() || port.host_address == "0.0.0.0" || port.host_address == "::";
}

std::string address_text(const PublishedPort& port) {
  if (port.host_address.empty()) return "0.0.0.0";
  return is_ipv6(port) ? in_brackets(port.host_address) : port.host_address;
}

std::string to_text(const PublishedPort& port) {
  const std::string range = port.last_host_port != 0 ? fmt::format("-{}", port.last_host_port) : std::string();
  const std::string address = is_ipv6(port) ? in_brackets(port.host_address) : port.host_address;
  return fmt::format("{}:{}{}:{}/{}", address, port.host_port, range, port.container_port,
                     protocol_word(port.protocol));
}

std::optional<PublishedPort> published_port_from_text(std::string_view text) {
  const size_t first = end_of_address(text);
  const size_t second = text.find(':', first + 1);
  const size_t slash = text.find('/', second);
  if (first == std::string_view::npos || second == std::string_view::npos || slash == std::string_view::npos)
    return std::nullopt;
  const std::string_view host = text.substr(first + 1, second - first - 1);
  const size_t dash = host.find('-');
  const std::optional<uint16_t> host_port = parse_port(host.substr(0, dash));
  const std::optional<uint16_t> last =
      dash == std::string_view::npos ? std::optional<uint16_t>(uint16_t{0}) : parse_port(host.substr(dash + 1));
  const std::optional<uint16_t> container_port = parse_port(text.substr(second + 1, slash - second - 1));
  const std::optional<Protocol> protocol = protocol_from_word(text.substr(slash + 1));
  if (!host_port || !last || !container_port || !protocol) return std::nullopt;
  return PublishedPort{.host_address = std::string(without_brackets(text.substr(0, first))),
                       .host_port = *host_port,
                       .last_host_port = *last,
                       .container_port = *container_port,
                       .protocol = *protocol};
}

std::vector<std::string> expand_ports(std::string_view text) {
  const size_t slash = text.find('/');
  const std::optional<Protocol> protocol =
      slash == std::string_view::npos ? Protocol::Tcp : protocol_from_word(text.substr(slash + 1));
  const std::string_view range = text.substr(0, slash);
  const size_t dash = range.find('-');
  const std::optional<uint16_t> first = parse_port(range.substr(0, dash));
  const std::optional<uint16_t> last = dash == std::string_view::npos ? first : parse_port(range.substr(dash + 1));
  std::vector<std::string> ports;
  if (!protocol || !first || !last || *first == 0) return ports;
  for (int port = *first; port <= *last; ++port) ports.push_back(fmt::format("{}/{}", port, protocol_word(*protocol)));
  return ports;
}

std::string container_side(const PublishedPort& port) {
  return fmt::format("{}/{}", port.container_port, protocol_word(port.protocol));
}

}  // namespace myct::state
