// The firewall's part of the networks: one nftables table of our own, "inet myct". Its rules are constant; bridges,
// subnets and published ports are elements of its sets and maps, so that the thousandth container costs what the
// first did (nft(8), "SETS" and "MAPS").
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "address.hpp"
#include "myct/state/port.hpp"
#include "netlink.hpp"

namespace myct::network {

/// An element of a set or map of the table; a concatenation is its parts, each padded to four bytes.
struct Element {
  std::string set;
  std::vector<uint8_t> key;
  std::vector<uint8_t> data;  ///< empty in a set
  bool ends_interval = false;
};

enum class Reach : uint8_t {
  Outside,   ///< with `translated` subnets translated on the way out
  Internal,  ///< nothing of it leaves the bridge
};
/// What makes a bridge one of ours: the rules apply to it.
[[nodiscard]] std::vector<Element> elements_of_bridge(const std::string& bridge, std::span<const Subnet> translated,
                                                      Reach reach);
/// The part of it that is about the addresses of a subnet, from the first to before `end`.
[[nodiscard]] std::vector<Element> elements_of_interval(const Address& first, const Address& end);
/// An interface by which the host's default route goes: containers may leave by it even if it is a bridge.
[[nodiscard]] Element element_of_uplink(const std::string& interface);
/// What sends a published port's traffic of the address's family to the container at `address`.
[[nodiscard]] Element element_of_port(const state::PublishedPort& port, const Address& address);
/// What lets others reach a published port of a container at its own address, where that is not translated.
[[nodiscard]] Element element_of_open_port(const state::PublishedPort& port, const Address& address);

/// What keeps internal networks from a port of the host's IPv6 addresses that a relay answers.
[[nodiscard]] Element element_of_relayed_port(const state::PublishedPort& port);

/// Whether the table is there with its rules: "nft flush table" leaves one without.
[[nodiscard]] bool has_rules(NetlinkSocket& netfilter);
/// Whether the table is there and `element` is among its elements.
[[nodiscard]] bool has_element(NetlinkSocket& netfilter, const Element& element);
/// All that is in one of the table's sets or maps; nothing when there is no such table.
[[nodiscard]] std::vector<Element> list_elements(NetlinkSocket& netfilter, const std::string& set);
/// The mark of a packet that the rules let pass from or to a container, while it is forwarded. Part of the rules' text,
/// too.
constexpr uint32_t kPassMark = 0x10000000;

/// Makes the table with its rules if they are not there. Throws Error; without libnftables it says which package brings
/// it.
void ensure_table(NetlinkSocket& netfilter);
/// All of them or none. Those that are there already as they are stay. Throws Error{Conflict} when one is there with
/// another meaning.
void add_elements(NetlinkSocket& netfilter, std::span<const Element> elements);
/// The same, instead of what is there for the same keys.
void replace_elements(NetlinkSocket& netfilter, std::span<const Element> elements);
/// Idempotent; what leads elsewhere by now stays. Throws Error.
void remove_elements(NetlinkSocket& netfilter, std::span<const Element> elements);

}  // namespace myct::network
