#include "rules.hpp"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "myct/base/error.hpp"
#include "myct/base/library.hpp"
#include "myct/base/log.hpp"

namespace myct::network {
namespace {

constexpr const char* kTable = "myct";
constexpr uint8_t kInet = NFPROTO_INET;

// What leaves a bridge for elsewhere takes the host's address; what comes to a published port of the host's addresses
// is sent on to its container, from other hosts, from the host itself and from containers. "fib daddr type local" is
// any address of the host's own. From 127.0.0.1, and from a container to itself or a neighbour by the host's address,
// the source is replaced, too: the answer must come back this way. The guard closes what route_localnet opens
// (CVE-2020-8558), and what comes from elsewhere for 127.0.0.1 is not sent on. IPv6 has nothing like route_localnet:
// what goes to ::1 is left alone. Between bridges nothing passes but to published ports, nothing that is not published
// enters one from outside (where IPv6 is not translated, the container's own address has its ports open), and nothing
// leaves an internal one, be it by a relay of the host's. What passes carries a mark from here through the other
// firewalls' forward chains, and no further; see foreign.hpp. To other people's bridges it carries none, unless the
// host's own way out is one: there their rules decide. Questions to a name server, at its bridge's own address, carry
// it through the input chains. The default network has no name server; where another program has port 53, they have
// been sent on to another.
//
// Read twice, by two who find no rules at once or where somebody has flushed them, it makes each rule once, and keeps
// the elements that are there.
constexpr const char* kRules = R"(
table inet myct
flush table inet myct
table inet myct {
  set bridges { type ifname; }
  set internals { type ifname; }
  set uplinks { type ifname; }
  set pairs { type ifname . ifname; }
  set subnets { type ipv4_addr; flags interval; }
  set subnets6 { type ipv6_addr; flags interval; }
  set opened6 { type ipv6_addr . inet_proto . inet_service; }
  set relayed6 { type inet_proto . inet_service; }
  set relayed_at6 { type ipv6_addr . inet_proto . inet_service; }
  map published { type inet_proto . inet_service : ipv4_addr . inet_service; }
  map published6 { type inet_proto . inet_service : ipv6_addr . inet_service; }
  map published_at { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
  map published_at6 { type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service; }
  chain publish {
    ip6 daddr ::1 return
    dnat ip to ip daddr . meta l4proto . th dport map @published_at
    dnat ip to meta l4proto . th dport map @published
    dnat ip6 to ip6 daddr . meta l4proto . th dport map @published_at6
    dnat ip6 to meta l4proto . th dport map @published6
  }
  chain prerouting {
    type nat hook prerouting priority dstnat;
    iifname != "lo" ip daddr 127.0.0.0/8 return
    meta l4proto { tcp, udp, sctp } fib daddr type local jump publish
  }
  chain output {
    type nat hook output priority -100;
    meta l4proto { tcp, udp, sctp } fib daddr type local jump publish
  }
  chain postrouting {
    type nat hook postrouting priority srcnat;
    oifname @bridges ip saddr 127.0.0.0/8 masquerade
    ct status dnat ip saddr @subnets ip daddr @subnets masquerade
    ip saddr @subnets oifname != @bridges masquerade
    ct status dnat ip6 saddr @subnets6 ip6 daddr @subnets6 masquerade
    ip6 saddr @subnets6 oifname != @bridges masquerade
  }
  chain guard {
    type filter hook prerouting priority raw;
    iifname @bridges ip daddr 127.0.0.0/8 drop
    iifname @bridges ip saddr 127.0.0.0/8 drop
  }
  chain pass {
    meta mark set meta mark or 0x10000000 accept
  }
  chain forward {
    type filter hook forward priority filter - 1;
    iifname . oifname @pairs goto pass
    iifname @internals drop
    oifname @internals drop
    oifname @bridges ct state established,related goto pass
    oifname @bridges ct status dnat goto pass
    oifname @bridges ip6 daddr . meta l4proto . th dport @opened6 goto pass
    oifname @bridges drop
    iifname @bridges ct state established,related goto pass
    iifname @bridges meta oifkind != "bridge" goto pass
    iifname @bridges oifname @uplinks goto pass
  }
  chain unmark {
    type filter hook postrouting priority mangle - 1;
    meta mark and 0x10000000 != 0 meta mark set meta mark and 0xefffffff
  }
  chain input {
    type filter hook input priority filter - 1;
    iifname @internals ip6 daddr . meta l4proto . th dport @relayed_at6 drop
    iifname @internals meta nfproto ipv6 meta l4proto . th dport @relayed6 drop
    iifname @bridges iifname != "myct0" meta l4proto { tcp, udp } th dport 53 fib daddr . iif type local goto pass
    iifname @bridges iifname != "myct0" ct status dnat fib daddr . iif type local goto pass
  }
}
)";

/// Of the chains the one that came to the rules last: where it is missing, they are of an earlier version.
constexpr const char* kLastChain = "input";

void append(std::vector<uint8_t>& bytes, const void* data, size_t size) {
  const auto* begin = static_cast<const uint8_t*>(data);
  bytes.insert(bytes.end(), begin, begin + size);
  bytes.resize((bytes.size() + 3) / 4 * 4);
}

void append_address(std::vector<uint8_t>& bytes, const Address& address) {
  const std::vector<uint8_t> wire = to_wire(address);
  append(bytes, wire.data(), wire.size());
}

void append_port(std::vector<uint8_t>& bytes, uint16_t port) {
  const uint16_t wire = htons(port);
  append(bytes, &wire, sizeof wire);
}

void append_interface(std::vector<uint8_t>& bytes, const std::string& name) {
  std::array<char, IFNAMSIZ> padded{};
  name.copy(padded.data(), padded.size() - 1);
  append(bytes, padded.data(), padded.size());
}

uint8_t protocol_number(state::Protocol protocol) {
  switch (protocol) {
    case state::Protocol::Tcp:
      return IPPROTO_TCP;
    case state::Protocol::Udp:
      return IPPROTO_UDP;
    case state::Protocol::Sctp:
      break;
  }
  return IPPROTO_SCTP;
}

void append_protocol(std::vector<uint8_t>& bytes, state::Protocol protocol) {
  const uint8_t number = protocol_number(protocol);
  append(bytes, &number, sizeof number);
}

void put_element(NetlinkRequest& request, const Element& element) {
  request.put_nested(NFTA_LIST_ELEM, [&] {
    request.put_nested(NFTA_SET_ELEM_KEY, [&] { request.put(NFTA_DATA_VALUE, element.key); });
    if (!element.data.empty())
      request.put_nested(NFTA_SET_ELEM_DATA, [&] { request.put(NFTA_DATA_VALUE, element.data); });
    if (element.ends_interval)
      request.put_number(NFTA_SET_ELEM_FLAGS, htonl(static_cast<uint32_t>(NFT_SET_ELEM_INTERVAL_END)));
  });
}

/// They are of one set.
NetlinkRequest elements_request(uint16_t message, uint16_t flags, std::span<const Element> elements) {
  NetlinkRequest request = nftables_request(message, flags, kInet);
  request.put_text(NFTA_SET_ELEM_LIST_TABLE, kTable);
  request.put_text(NFTA_SET_ELEM_LIST_SET, elements.front().set);
  request.put_nested(NFTA_SET_ELEM_LIST_ELEMENTS, [&] {
    for (const Element& element : elements) put_element(request, element);
  });
  return request;
}

NetlinkRequest element_request(uint16_t message, uint16_t flags, const Element& element) {
  return elements_request(message, flags, {&element, 1});
}

NetlinkError try_elements(NetlinkSocket& netfilter, uint16_t message, uint16_t flags,
                          std::span<const Element> elements) {
  // Many in a message: each has an answer, and hundreds of them are more than wait to be read. An attribute has at most
  // 64 KiB.
  constexpr size_t kMost = 512;
  std::vector<NetlinkRequest> requests;
  while (!elements.empty()) {
    const auto is_other = [&](const Element& element) { return element.set != elements.front().set; };
    const auto end = std::ranges::find_if(elements, is_other);
    const size_t count = std::min(static_cast<size_t>(end - elements.begin()), kMost);
    requests.push_back(elements_request(message, flags, elements.first(count)));
    elements = elements.subspan(count);
  }
  return try_nftables_transaction(netfilter, std::move(requests));
}

std::vector<uint8_t> read_value(const NetlinkAttributes& element, uint16_t type) {
  const auto nested = element.find(type);
  const auto value = nested ? NetlinkAttributes(*nested).find(NFTA_DATA_VALUE) : std::nullopt;
  return value ? std::vector<uint8_t>(value->begin(), value->end()) : std::vector<uint8_t>();
}

/// Where the key of an element leads; nullopt when it is not there.
std::optional<std::vector<uint8_t>> find_data(NetlinkSocket& netfilter, const Element& element) {
  std::optional<std::vector<uint8_t>> data;
  Element key{.set = element.set, .key = element.key, .data = {}};
  NetlinkRequest request = element_request(NFT_MSG_GETSETELEM, 0, key);
  const NetlinkError error = netfilter.try_query(request, [&](const NetlinkMessage& message) {
    const auto list = message.attributes<nfgenmsg>().find(NFTA_SET_ELEM_LIST_ELEMENTS);
    if (!list) return;
    NetlinkAttributes(*list).for_each(
        [&](const NetlinkAttributes& attributes) { data = read_value(attributes, NFTA_SET_ELEM_DATA); });
  });
  if (error.errnum != ENOENT) throw_if_refused(error, fmt::format("look into the nftables map '{}'", element.set));
  return data;
}

/// libnftables turns the rules' text into what the kernel takes. Only the first container of a boot needs it, so it is
/// loaded then: with the libraries that it needs it would cost every start milliseconds.
class Nftables {
 public:
  Nftables()
      : library_("libnftables.so.1", "which the first container with a network needs",
                 "install it (Debian: libnftables1), or use --network none or host"),
        context_(library_.find<void*(uint32_t)>("nft_ctx_new")(0)) {
    (void)library_.find<int(void*)>("nft_ctx_buffer_error")(context_);
  }
  Nftables(const Nftables&) = delete;
  Nftables& operator=(const Nftables&) = delete;
  ~Nftables() { library_.find<void(void*)>("nft_ctx_free")(context_); }

  void run(const char* text) {
    if (library_.find<int(void*, const char*)>("nft_run_cmd_from_buffer")(context_, text) == 0) return;
    std::string why = library_.find<const char*(void*)>("nft_ctx_get_error_buffer")(context_);
    why = why.substr(0, why.find('\n'));
    throw Error(ErrorKind::Unsupported, fmt::format("load the nftables rules: {}", why), 0,
                "the kernel needs nf_tables with NAT (modules nf_tables, nft_nat, nft_masq, nft_fib_inet); "
                "or use --network none or host");
  }

 private:
  Library library_;
  void* context_;
};

}  // namespace

std::vector<Element> elements_of_bridge(const std::string& bridge, std::span<const Subnet> translated, Reach reach) {
  std::vector<Element> elements(2);
  elements[0].set = "bridges";
  append_interface(elements[0].key, bridge);
  elements[1].set = "pairs";
  append_interface(elements[1].key, bridge);
  append_interface(elements[1].key, bridge);
  if (reach == Reach::Internal) {
    append_interface(elements.emplace_back(Element{.set = "internals", .key = {}, .data = {}}).key, bridge);
    return elements;
  }
  for (const Subnet& subnet : translated)
    std::ranges::move(elements_of_interval(subnet.base, subnet.last().next()), std::back_inserter(elements));
  return elements;
}

std::vector<Element> elements_of_interval(const Address& first, const Address& end) {
  const char* set = first.family == Family::Inet ? "subnets" : "subnets6";
  return {{.set = set, .key = to_wire(first), .data = {}},
          {.set = set, .key = to_wire(end), .data = {}, .ends_interval = true}};
}

Element element_of_uplink(const std::string& interface) {
  Element element{.set = "uplinks", .key = {}, .data = {}};
  append_interface(element.key, interface);
  return element;
}

Element element_of_port(const state::PublishedPort& port, const Address& address) {
  Element element;
  const bool is_unspecified = state::is_unspecified(port);
  element.set = is_unspecified ? "published" : "published_at";
  if (address.family == Family::Inet6) element.set += "6";
  if (const std::optional<Address> host = parse_address(port.host_address); host && !is_unspecified)
    append_address(element.key, *host);
  append_protocol(element.key, port.protocol);
  append_port(element.key, port.host_port);
  append_address(element.data, address);
  append_port(element.data, port.container_port);
  return element;
}

Element element_of_open_port(const state::PublishedPort& port, const Address& address) {
  Element element{.set = "opened6", .key = {}, .data = {}};
  append_address(element.key, address);
  append_protocol(element.key, port.protocol);
  append_port(element.key, port.container_port);
  return element;
}

Element element_of_relayed_port(const state::PublishedPort& port) {
  const bool is_unspecified = state::is_unspecified(port);
  Element element{.set = is_unspecified ? "relayed6" : "relayed_at6", .key = {}, .data = {}};
  if (const std::optional<Address> host = parse_address(port.host_address); host && !is_unspecified)
    append_address(element.key, *host);
  append_protocol(element.key, port.protocol);
  append_port(element.key, port.host_port);
  return element;
}

bool has_element(NetlinkSocket& netfilter, const Element& element) {
  NetlinkRequest request = element_request(NFT_MSG_GETSETELEM, 0, element);
  const NetlinkError error = netfilter.try_query(request, [](const NetlinkMessage&) {});
  if (error.errnum != ENOENT) throw_if_refused(error, "look into the nftables table 'inet myct'");
  return error.errnum == 0;
}

std::vector<Element> list_elements(NetlinkSocket& netfilter, const std::string& set) {
  std::vector<Element> elements;
  NetlinkRequest request = nftables_request(NFT_MSG_GETSETELEM, NLM_F_DUMP, kInet);
  request.put_text(NFTA_SET_ELEM_LIST_TABLE, kTable).put_text(NFTA_SET_ELEM_LIST_SET, set);
  const NetlinkError error = netfilter.try_query(request, [&](const NetlinkMessage& message) {
    const auto list = message.attributes<nfgenmsg>().find(NFTA_SET_ELEM_LIST_ELEMENTS);
    if (!list) return;
    NetlinkAttributes(*list).for_each([&](const NetlinkAttributes& attributes) {
      const uint32_t flags = ntohl(attributes.number(NFTA_SET_ELEM_FLAGS).value_or(0));
      elements.push_back({.set = set,
                          .key = read_value(attributes, NFTA_SET_ELEM_KEY),
                          .data = read_value(attributes, NFTA_SET_ELEM_DATA),
                          .ends_interval = (flags & NFT_SET_ELEM_INTERVAL_END) != 0});
    });
  });
  if (error.errnum != ENOENT) throw_if_refused(error, fmt::format("list the nftables set '{}'", set));
  return elements;
}

bool has_rules(NetlinkSocket& netfilter) {
  NetlinkRequest request = nftables_request(NFT_MSG_GETCHAIN, 0, kInet);
  request.put_text(NFTA_CHAIN_TABLE, kTable).put_text(NFTA_CHAIN_NAME, kLastChain);
  uint32_t rules = 0;
  const NetlinkError error = netfilter.try_query(request, [&](const NetlinkMessage& message) {
    rules = ntohl(message.attributes<nfgenmsg>().number(NFTA_CHAIN_USE).value_or(0));
  });
  if (error.errnum != ENOENT) throw_if_refused(error, "look for the nftables table 'inet myct'");
  return rules != 0;
}

void ensure_table(NetlinkSocket& netfilter) {
  if (has_rules(netfilter)) return;
  log::info("make the nftables table 'inet myct'");
  Nftables().run(kRules);
}

void add_elements(NetlinkSocket& netfilter, std::span<const Element> elements) {
  if (elements.empty()) return;
  const NetlinkError error = try_elements(netfilter, NFT_MSG_NEWSETELEM, NLM_F_CREATE, elements);
  throw_if_refused(error, fmt::format("add to the nftables set '{}'", elements.front().set));
}

void replace_elements(NetlinkSocket& netfilter, std::span<const Element> elements) {
  try {
    add_elements(netfilter, elements);
  } catch (const Error& error) {
    if (error.errnum() != EEXIST) throw;
    for (Element element : elements) {
      element.data = find_data(netfilter, element).value_or(element.data);
      remove_elements(netfilter, {&element, 1});
    }
    add_elements(netfilter, elements);
  }
}

void remove_elements(NetlinkSocket& netfilter, std::span<const Element> elements) {
  // One by one: a transaction would keep all for the one that is gone already. But an interval's end goes with its
  // beginning: alone it stays, invisible, and no interval can be added that would come to hold it.
  for (size_t first = 0, size = 0; first < elements.size(); first += size) {
    const bool is_interval = first + 1 < elements.size() && elements[first + 1].ends_interval;
    size = is_interval ? 2 : 1;
    // The kernel goes by the key alone, which may lead elsewhere by now.
    if (!elements[first].data.empty() && find_data(netfilter, elements[first]) != elements[first].data) continue;
    const NetlinkError error = try_elements(netfilter, NFT_MSG_DELSETELEM, 0, elements.subspan(first, size));
    if (error.errnum != ENOENT)
      throw_if_refused(error, fmt::format("remove from the nftables set '{}'", elements[first].set));
  }
}

}  // namespace myct::network
