// --network, --network-alias, --ip, --mac-address and -p, -P and --expose.
#include "network_options.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include "container_flags.hpp"
#include "flags.hpp"
#include "myct/base/error.hpp"
#include "myct/base/log.hpp"
#include "myct/network/definition.hpp"

namespace myct::cli {
namespace {

using manager::NetworkMode;

constexpr std::string_view kDefault = "bridge";
constexpr std::string_view kContainer = "container:";
constexpr std::string_view kPath = "ns:";

std::string parse_address(const std::string& text) {
  in_addr address{};
  if (::inet_pton(AF_INET, text.c_str(), &address) == 1) return text;
  throw_error(ErrorKind::Usage, "invalid address '{}': give an IPv4 address", text);
}

/// In the one form that an address is told in.
std::string parse_address6(const std::string& text) {
  in6_addr address{};
  char normal[INET6_ADDRSTRLEN];
  if (::inet_pton(AF_INET6, text.c_str(), &address) != 1 ||
      ::inet_ntop(AF_INET6, &address, normal, sizeof normal) == nullptr)
    throw_error(ErrorKind::Usage, "invalid address '{}': give an IPv6 address", text);
  return normal;
}

/// As "02:42:0a:58:00:02": of a device, and not of a group.
std::string parse_mac(const std::string& text) {
  constexpr size_t kSize = 17;
  std::string mac = text;
  std::ranges::replace(mac, '-', ':');
  std::ranges::transform(mac, mac.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  bool is_mac = mac.size() == kSize;
  for (size_t index = 0; is_mac && index < kSize; ++index)
    is_mac = index % 3 == 2 ? mac[index] == ':'
                            : std::string_view("0123456789abcdef").find(mac[index]) != std::string_view::npos;
  const bool is_of_group = is_mac && std::string_view("13579bdf").find(mac[1]) != std::string_view::npos;
  if (is_mac && !is_of_group) return mac;
  throw_error(ErrorKind::Usage, "invalid MAC address '{}': {}", text,
              is_of_group ? "it is a group's" : "give six bytes, such as 02:42:ac:11:00:02");
}

std::string parse_alias(const std::string& text) {
  constexpr std::string_view kBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  constexpr size_t kLongest = 63;
  const bool is_name = !text.empty() && text.size() <= kLongest &&
                       text.find_first_not_of(kBytes) == std::string::npos && text.front() != '.' &&
                       text.back() != '.' && text.find("..") == std::string::npos;
  if (!is_name) throw_error(ErrorKind::Usage, "invalid name on a network '{}'", text);
  return text;
}

void set_option(state::NetworkAttachment& attachment, const std::string& word, const std::string& text) {
  const size_t mark = word.find('=');
  const std::string key = word.substr(0, mark);
  const std::string value = mark == std::string::npos ? std::string() : word.substr(mark + 1);
  if (key == "name")
    attachment.network = value;
  else if (key == "ip")
    attachment.address = parse_address(value);
  else if (key == "ip6")
    attachment.address6 = parse_address6(value);
  else if (key == "mac" || key == "mac-address")
    attachment.mac = parse_mac(value);
  else if (key == "alias")
    attachment.aliases.push_back(parse_alias(value));
  else
    throw_error(ErrorKind::Usage, "invalid --network '{}': '{}' is none of ip, ip6, mac and alias", text, key);
}

/// What is no network of myct's.
bool take_mode(const std::string& text, manager::RunRequest& request) {
  const auto takes = [&](std::string_view prefix, NetworkMode mode) {
    if (!text.starts_with(prefix)) return false;
    request.network = mode;
    request.network_target = text.substr(prefix.size());
    if (request.network_target.empty()) throw_error(ErrorKind::Usage, "invalid --network '{}': nothing is named", text);
    return true;
  };
  if (takes(kContainer, NetworkMode::Container)) return true;
  if (takes(kPath, NetworkMode::Path)) {
    if (request.network_target.starts_with('/')) return true;
    throw_error(ErrorKind::Usage, "invalid --network '{}': the path is not absolute", text);
  }
  if (text != "none" && text != "host") return false;
  request.network = text == "none" ? NetworkMode::None : NetworkMode::Host;
  return true;
}

/// --ip and its like are about the first network.
void apply_single_flags(const AttachmentFlags& flags, manager::RunRequest& request) {
  if (flags.is_plain()) return;
  if (request.network != NetworkMode::Bridge)
    throw_error(ErrorKind::Usage, "--ip, --ip6, --mac-address and --network-alias need a network of myct's");
  if (request.networks.empty()) request.networks.push_back({.network = std::string(kDefault)});
  apply_attachment_flags(flags, request.networks.front());
}

void check_attachments(const manager::RunRequest& request) {
  for (const state::NetworkAttachment& attachment : request.networks) {
    const bool is_twice =
        std::ranges::count(request.networks, attachment.network, &state::NetworkAttachment::network) > 1;
    if (is_twice) throw_error(ErrorKind::Usage, "network '{}' is given twice", attachment.network);
    check_attachment(attachment);
  }
}

}  // namespace

void add_attachment_options(CLI::App& command, AttachmentFlags& flags, const std::string& where) {
  command.add_option("--ip", flags.address, "Its address " + where)->type_name("ADDRESS")->take_last();
  command.add_option("--ip6", flags.address6, "Its IPv6 address " + where)->type_name("ADDRESS")->take_last();
  command.add_option("--mac-address", flags.mac, "Its MAC address " + where)->type_name("ADDRESS")->take_last();
}

void apply_attachment_flags(const AttachmentFlags& flags, state::NetworkAttachment& attachment) {
  if (!flags.address.empty()) attachment.address = parse_address(flags.address);
  if (!flags.address6.empty()) attachment.address6 = parse_address6(flags.address6);
  if (!flags.mac.empty()) attachment.mac = parse_mac(flags.mac);
  for (const std::string& alias : flags.aliases) attachment.aliases.push_back(parse_alias(alias));
}

void check_attachment(const state::NetworkAttachment& attachment) {
  if (attachment.network != kDefault) return;
  if (!attachment.aliases.empty())
    throw Error(ErrorKind::Usage, "the default network knows no names", 0,
                "make a network of your own with 'myct network create'");
  if (!attachment.address.empty() || !attachment.address6.empty())
    throw Error(ErrorKind::Usage, "no address can be chosen on the default network", 0,
                "make a network of your own with 'myct network create --subnet'");
}

state::NetworkAttachment parse_attachment_to_network(const std::string& text) {
  state::NetworkAttachment attachment;
  const size_t colon = text.find(':');
  const bool is_csv = text.find('=') < colon;
  if (!is_csv) attachment.network = text.substr(0, colon);
  const std::string rest = is_csv ? text : colon == std::string::npos ? std::string() : text.substr(colon + 1);
  for (const std::string& word : split(rest, ','))
    if (!word.empty()) set_option(attachment, word, text);
  if (attachment.network == "default") attachment.network = kDefault;
  if (attachment.network != kDefault) network::check_network_name(attachment.network);
  return attachment;
}

void add_network_options(CLI::App& command, NetworkFlags& flags) {
  add_list(command, "--network,--net", flags.networks,
           "A network that it is on: bridge, or one of your own, with ip=, ip6=, mac= and alias= after a colon; or "
           "none, host, "
           "container:NAME, ns:PATH",
           "NETWORK");
  add_list(command, "--network-alias", flags.first.aliases, "Another name for it on its first network", "NAME");
  add_attachment_options(command, flags.first, "on its first network");
  add_list(command, "-p,--publish", flags.published, "Make a port reachable at the host; ports may be ranges",
           "[ADDRESS:][HOST_PORT:]PORT[/PROTOCOL]");
  command.add_flag("-P,--publish-all", flags.publish_all, "Publish every exposed port at a port that is free");
  add_list(command, "--expose", flags.exposed, "Say that the program listens on a port; nothing is opened by it",
           "PORT[-PORT][/PROTOCOL]");
}

void apply_network_flags(const NetworkFlags& flags, manager::RunRequest& request) {
  for (const std::string& text : flags.networks) {
    if (!take_mode(text, request)) {
      request.networks.push_back(parse_attachment_to_network(text));
    } else if (flags.networks.size() > 1) {
      throw_error(ErrorKind::Usage, "--network {} goes with no other", text);
    }
  }
  apply_single_flags(flags.first, request);
  check_attachments(request);
  const bool is_only_default = request.networks.size() == 1 && request.networks.front().network == kDefault &&
                               request.networks.front().mac.empty();
  if (is_only_default) request.networks.clear();
  for (const std::string& text : flags.published)
    for (state::PublishedPort& port : parse_published(text)) request.ports.push_back(std::move(port));
  for (const std::string& text : flags.exposed)
    for (std::string& port : parse_exposed(text)) request.exposed.push_back(std::move(port));
  request.publish_all = flags.publish_all;
  if ((!request.ports.empty() || request.publish_all) && request.network != NetworkMode::Bridge)
    log::warning("published ports are of no account with --network {}", flags.networks.front());
}

}  // namespace myct::cli
