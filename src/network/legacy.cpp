#include "legacy.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "myct/base/fd.hpp"
#include "myct/base/file.hpp"
#include "rules.hpp"

namespace myct::network {
namespace {

constexpr const char* kTable = "filter";

/// As the kernel writes verdicts of its own into a standard target.
constexpr int kAccept = -NF_ACCEPT - 1;
constexpr int kDrop = -NF_DROP - 1;

/// A structure of the table's blob at `offset`; false when the blob ends before it does.
template <typename Structure>
bool read_at(const std::vector<uint8_t>& blob, size_t offset, Structure& value) {
  if (offset > blob.size() || blob.size() - offset < sizeof value) return false;
  std::memcpy(&value, blob.data() + offset, sizeof value);
  return true;
}

/// What the tables of the two families have in common but for its names.
struct Ipv4 {
  using Entry = ipt_entry;
  using Info = ipt_getinfo;
  using Entries = ipt_get_entries;
  static constexpr int kFamily = AF_INET;
  static constexpr int kLevel = IPPROTO_IP;
  static constexpr int kGetInfo = IPT_SO_GET_INFO;
  static constexpr int kGetEntries = IPT_SO_GET_ENTRIES;
  static constexpr const char* kNames = "/proc/self/net/ip_tables_names";
  static constexpr const char* kCommand = "iptables-legacy";
  static const ipt_ip& condition(const Entry& entry) { return entry.ip; }
};
struct Ipv6 {
  using Entry = ip6t_entry;
  using Info = ip6t_getinfo;
  using Entries = ip6t_get_entries;
  static constexpr int kFamily = AF_INET6;
  static constexpr int kLevel = IPPROTO_IPV6;
  static constexpr int kGetInfo = IP6T_SO_GET_INFO;
  static constexpr int kGetEntries = IP6T_SO_GET_ENTRIES;
  static constexpr const char* kNames = "/proc/self/net/ip6_tables_names";
  static constexpr const char* kCommand = "ip6tables-legacy";
  static const ip6t_ip6& condition(const Entry& entry) { return entry.ipv6; }
};

/// What there is to know of a rule; see ipt_entry in linux/netfilter_ipv4/ip_tables.h.
struct Rule {
  bool has_condition = false;
  bool has_our_mark = false;
  std::optional<int> verdict;  ///< of a standard target
  bool rejects = false;
  size_t size = 0;  ///< in the blob
};

bool is_our_mark(const std::vector<uint8_t>& blob, size_t offset) {
  xt_entry_match match{};
  xt_mark_mtinfo1 info{};
  if (!read_at(blob, offset, match) || !read_at(blob, offset + sizeof match, info)) return false;
  return std::strcmp(match.u.user.name, "mark") == 0 && match.u.user.revision == 1 && info.mark == kPassMark &&
         info.mask == kPassMark && info.invert == 0;
}

template <typename Version>
std::optional<Rule> read_rule(const std::vector<uint8_t>& blob, size_t offset) {
  typename Version::Entry entry{};
  xt_entry_target target{};
  if (!read_at(blob, offset, entry) || entry.next_offset < sizeof entry) return std::nullopt;
  if (!read_at(blob, offset + entry.target_offset, target)) return std::nullopt;
  const bool has_match = entry.target_offset != sizeof entry;
  const auto& condition = Version::condition(entry);
  const auto* const bytes = reinterpret_cast<const uint8_t*>(&condition);
  Rule rule{.size = entry.next_offset};
  rule.has_condition =
      has_match || std::any_of(bytes, bytes + sizeof condition, [](uint8_t byte) { return byte != 0; });
  rule.has_our_mark = has_match && is_our_mark(blob, offset + sizeof entry);
  const std::string_view name = target.u.user.name;
  rule.rejects = name == "REJECT";
  xt_standard_target standard{};
  if (name.empty() && read_at(blob, offset + entry.target_offset, standard)) rule.verdict = standard.verdict;
  return rule;
}

/// The table's rules, and where in them those of its chains are.
template <typename Version>
struct Table {
  typename Version::Info info{};
  std::vector<uint8_t> blob;
};

template <typename Version>
std::optional<Table<Version>> read_table() {
  const Fd socket(::socket(Version::kFamily, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  if (!socket.valid()) return std::nullopt;
  Table<Version> table;
  std::strncpy(table.info.name, kTable, sizeof table.info.name - 1);
  socklen_t size = sizeof table.info;
  if (::getsockopt(socket.get(), Version::kLevel, Version::kGetInfo, &table.info, &size) == -1) return std::nullopt;
  std::vector<uint8_t> answer(sizeof(typename Version::Entries) + table.info.size);
  typename Version::Entries head{};
  std::strncpy(head.name, kTable, sizeof head.name - 1);
  head.size = table.info.size;
  std::memcpy(answer.data(), &head, sizeof head);
  size = static_cast<socklen_t>(answer.size());
  if (::getsockopt(socket.get(), Version::kLevel, Version::kGetEntries, answer.data(), &size) == -1)
    return std::nullopt;
  table.blob.assign(answer.begin() + sizeof head, answer.end());
  return table;
}

template <typename Version>
std::optional<std::string> remedy_for(const Table<Version>& table, LegacyChain chain) {
  const auto hook = chain == LegacyChain::Forward ? NF_INET_FORWARD : NF_INET_LOCAL_IN;
  const char* const name = chain == LegacyChain::Forward ? "FORWARD" : "INPUT";
  const size_t policy = table.info.underflow[hook];
  unsigned count = 0;
  bool is_last_refusal = false;
  size_t offset = table.info.hook_entry[hook];
  while (offset < policy) {
    const std::optional<Rule> rule = read_rule<Version>(table.blob, offset);
    if (!rule || (rule->has_our_mark && rule->verdict == kAccept)) return std::nullopt;
    is_last_refusal = !rule->has_condition && (rule->rejects || rule->verdict == kDrop);
    ++count;
    offset += rule->size;
  }
  const std::optional<Rule> last = read_rule<Version>(table.blob, policy);
  if (!is_last_refusal && !(last && last->verdict == kDrop)) return std::nullopt;
  const std::string place = is_last_refusal ? fmt::format("-I {} {}", name, count) : fmt::format("-A {}", name);
  return fmt::format("{} {} -m mark --mark {:#x}/{:#x} -j ACCEPT", Version::kCommand, place, kPassMark, kPassMark);
}

template <typename Version>
std::optional<std::string> find_remedy(LegacyChain chain) {
  // To ask the kernel for a table that is not there would make it.
  const std::string names = fmt::format("\n{}", try_read_file(Version::kNames).value_or(""));
  if (names.find("\nfilter\n") == std::string::npos) return std::nullopt;
  const std::optional<Table<Version>> table = read_table<Version>();
  return table ? remedy_for(*table, chain) : std::nullopt;
}

}  // namespace

std::optional<std::string> remedy_for_legacy(Family family, LegacyChain chain) noexcept try {
  return family == Family::Inet ? find_remedy<Ipv4>(chain) : find_remedy<Ipv6>(chain);
} catch (const std::exception&) {
  return std::nullopt;
}

}  // namespace myct::network
