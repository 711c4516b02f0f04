#include "legacy.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <sys/socket.h>

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

std::optional<Rule> read_rule(const std::vector<uint8_t>& blob, size_t offset) {
  ipt_entry entry{};
  xt_entry_target target{};
  if (!read_at(blob, offset, entry) || entry.next_offset < sizeof entry) return std::nullopt;
  if (!read_at(blob, offset + entry.target_offset, target)) return std::nullopt;
  const bool has_match = entry.target_offset != sizeof entry;
  const ipt_ip anything{};
  Rule rule{.size = entry.next_offset};
  rule.has_condition = has_match || std::memcmp(&entry.ip, &anything, sizeof anything) != 0;
  rule.has_our_mark = has_match && is_our_mark(blob, offset + sizeof entry);
  const std::string_view name = target.u.user.name;
  rule.rejects = name == "REJECT";
  xt_standard_target standard{};
  if (name.empty() && read_at(blob, offset + entry.target_offset, standard)) rule.verdict = standard.verdict;
  return rule;
}

/// The table's rules, and where in them those of FORWARD are.
struct Table {
  ipt_getinfo info{};
  std::vector<uint8_t> blob;
};

std::optional<Table> read_table() {
  const Fd socket(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  if (!socket.valid()) return std::nullopt;
  Table table;
  std::strncpy(table.info.name, kTable, sizeof table.info.name - 1);
  socklen_t size = sizeof table.info;
  if (::getsockopt(socket.get(), IPPROTO_IP, IPT_SO_GET_INFO, &table.info, &size) == -1) return std::nullopt;
  std::vector<uint8_t> answer(sizeof(ipt_get_entries) + table.info.size);
  ipt_get_entries head{};
  std::strncpy(head.name, kTable, sizeof head.name - 1);
  head.size = table.info.size;
  std::memcpy(answer.data(), &head, sizeof head);
  size = static_cast<socklen_t>(answer.size());
  if (::getsockopt(socket.get(), IPPROTO_IP, IPT_SO_GET_ENTRIES, answer.data(), &size) == -1) return std::nullopt;
  table.blob.assign(answer.begin() + sizeof head, answer.end());
  return table;
}

std::optional<std::string> remedy_for(const Table& table) {
  const size_t policy = table.info.underflow[NF_INET_FORWARD];
  unsigned count = 0;
  bool is_last_refusal = false;
  size_t offset = table.info.hook_entry[NF_INET_FORWARD];
  while (offset < policy) {
    const std::optional<Rule> rule = read_rule(table.blob, offset);
    if (!rule || (rule->has_our_mark && rule->verdict == kAccept)) return std::nullopt;
    is_last_refusal = !rule->has_condition && (rule->rejects || rule->verdict == kDrop);
    ++count;
    offset += rule->size;
  }
  const std::optional<Rule> last = read_rule(table.blob, policy);
  if (!is_last_refusal && !(last && last->verdict == kDrop)) return std::nullopt;
  const std::string place = is_last_refusal ? fmt::format("-I FORWARD {}", count) : "-A FORWARD";
  return fmt::format("iptables-legacy {} -m mark --mark {:#x}/{:#x} -j ACCEPT", place, kPassMark, kPassMark);
}

}  // namespace

std::optional<std::string> remedy_for_legacy_forward() noexcept try {
  // To ask the kernel for a table that is not there would make it.
  const std::string names = fmt::format("\n{}", try_read_file("/proc/self/net/ip_tables_names").value_or(""));
  if (names.find("\nfilter\n") == std::string::npos) return std::nullopt;
  const std::optional<Table> table = read_table();
  return table ? remedy_for(*table) : std::nullopt;
} catch (const std::exception&) {
  return std::nullopt;
}

}  // namespace myct::network
