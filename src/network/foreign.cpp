#include "foreign.hpp"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <string>

#include "bridge.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "rules.hpp"

namespace myct::network {
namespace {

constexpr std::string_view kComment = "myct";
/// libnftnl's NFTNL_UDATA_RULE_COMMENT: type, length, and the text with its zero.
constexpr uint8_t kCommentType = 0;

struct Chain {
  uint8_t family = 0;
  std::string table;
  std::string name;
  bool drops = false;  ///< by its policy
};

/// What there is to know of a chain's rules.
struct Contents {
  bool has_ours = false;
  uint64_t last_refusal = 0;        ///< handle of the last rule, if that refuses everything
  std::vector<std::string> always;  ///< chains that every packet is sent to which has not met its end before
};

/// A chain that lets nothing through unless told, and before which of its rules it can be told; 0: after all.
struct Closed {
  Chain chain;
  uint64_t before = 0;
};

/// What a rule does with every packet that comes to it: neither, if that depends on the packet.
struct Fate {
  bool is_refused = false;
  std::string chain;  ///< where it is sent
};

bool has_bridge(NetlinkSocket& netfilter) { return !list_elements(netfilter, "bridges").empty(); }

/// The default network has none.
bool has_name_servers(NetlinkSocket& netfilter) {
  const std::vector<Element> own = elements_of_bridge(kDefaultBridge, {}, Reach::Outside);
  return std::ranges::any_of(list_elements(netfilter, "bridges"),
                             [&](const Element& bridge) { return bridge.key != own.front().key; });
}

uint64_t read_handle(const NetlinkAttributes& attributes, uint16_t type) {
  const auto bytes = attributes.find(type);
  uint64_t handle = 0;
  if (!bytes || bytes->size() < sizeof handle) return 0;
  std::memcpy(&handle, bytes->data(), sizeof handle);
  return be64toh(handle);
}

/// Those that packets to, from or between containers come through; where a network has a name server, those of what
/// comes to the host as well.
std::vector<Chain> list_base_chains(NetlinkSocket& netfilter) {
  const bool with_input = has_name_servers(netfilter);
  std::vector<Chain> chains;
  NetlinkRequest request = nftables_request(NFT_MSG_GETCHAIN, NLM_F_DUMP, NFPROTO_UNSPEC);
  netfilter.query(request, "list the chains of nftables", [&](const NetlinkMessage& message) {
    const std::optional<nfgenmsg> head = message.structure<nfgenmsg>();
    if (!head) return;
    const bool is_of_ip =
        head->nfgen_family == NFPROTO_IPV4 || head->nfgen_family == NFPROTO_IPV6 || head->nfgen_family == NFPROTO_INET;
    const NetlinkAttributes attributes = message.attributes<nfgenmsg>();
    const auto hook = attributes.find(NFTA_CHAIN_HOOK);
    if (!is_of_ip || !hook) return;
    const std::optional<uint32_t> number = NetlinkAttributes(*hook).number(NFTA_HOOK_HOOKNUM);
    if (!number) return;
    if (ntohl(*number) != NF_INET_FORWARD && !(with_input && ntohl(*number) == NF_INET_LOCAL_IN)) return;
    Chain chain{.family = head->nfgen_family,
                .table = attributes.text(NFTA_CHAIN_TABLE).value_or(""),
                .name = attributes.text(NFTA_CHAIN_NAME).value_or("")};
    chain.drops = ntohl(attributes.number(NFTA_CHAIN_POLICY).value_or(htonl(NF_ACCEPT))) == NF_DROP;
    if (chain.table != kComment) chains.push_back(std::move(chain));
  });
  return chains;
}

/// Whether a match of iptables' is our comment: as one it comes back from iptables-restore.
bool is_our_comment(const NetlinkAttributes& expression) {
  const auto data = expression.find(NFTA_EXPR_DATA);
  if (expression.text(NFTA_EXPR_NAME) != "match" || !data) return false;
  const NetlinkAttributes match(*data);
  return match.text(NFTA_MATCH_NAME) == "comment" && match.text(NFTA_MATCH_INFO) == kComment;
}

/// Whether a rule has our comment.
bool is_ours(const NetlinkAttributes& rule) {
  bool is_found = false;
  if (const auto list = rule.find(NFTA_RULE_EXPRESSIONS))
    NetlinkAttributes(*list).for_each(
        [&](const NetlinkAttributes& expression) { is_found |= is_our_comment(expression); });
  if (is_found) return true;
  const auto data = rule.find(NFTA_RULE_USERDATA);
  constexpr size_t kHead = 2;
  if (!data || data->size() < kHead + kComment.size() || (*data)[0] != kCommentType) return false;
  return std::equal(kComment.begin(), kComment.end(), data->begin() + kHead) && (*data)[1] == kComment.size() + 1;
}

/// A verdict of an expression, if it is one.
std::optional<NetlinkAttributes> verdict_of(const NetlinkAttributes& immediate) {
  const auto value = immediate.find(NFTA_IMMEDIATE_DATA);
  const auto verdict = value ? NetlinkAttributes(*value).find(NFTA_DATA_VERDICT) : std::nullopt;
  return verdict ? std::optional(NetlinkAttributes(*verdict)) : std::nullopt;
}

bool is_verdict(const std::optional<NetlinkAttributes>& verdict, int wanted) {
  const auto code = verdict ? verdict->number(NFTA_VERDICT_CODE) : std::nullopt;
  return code && static_cast<int>(ntohl(*code)) == wanted;
}

/// Of an expression that decides: drop, nftables' reject, iptables' REJECT, jump and goto. nullopt for any other.
std::optional<Fate> try_decide(const NetlinkAttributes& expression) {
  const std::string name = expression.text(NFTA_EXPR_NAME).value_or("");
  if (name == "reject") return Fate{.is_refused = true, .chain = {}};
  const auto data = expression.find(NFTA_EXPR_DATA);
  if (name == "target" && data && NetlinkAttributes(*data).text(NFTA_TARGET_NAME) == "REJECT")
    return Fate{.is_refused = true, .chain = {}};
  if (name != "immediate" || !data) return std::nullopt;
  const std::optional<NetlinkAttributes> verdict = verdict_of(NetlinkAttributes(*data));
  if (is_verdict(verdict, NF_DROP)) return Fate{.is_refused = true, .chain = {}};
  if (!is_verdict(verdict, NFT_JUMP) && !is_verdict(verdict, NFT_GOTO)) return std::nullopt;
  return Fate{.is_refused = false, .chain = verdict->text(NFTA_VERDICT_CHAIN).value_or("")};
}

Fate fate_of_every_packet(const NetlinkAttributes& rule) {
  const auto list = rule.find(NFTA_RULE_EXPRESSIONS);
  if (!list) return {};
  Fate fate;
  bool any_condition = false;
  NetlinkAttributes(*list).for_each([&](const NetlinkAttributes& expression) {
    const std::string name = expression.text(NFTA_EXPR_NAME).value_or("");
    if (std::optional<Fate> decided = try_decide(expression))
      fate = std::move(*decided);
    else if (name != "counter" && name != "log")
      any_condition = true;
  });
  return any_condition ? Fate{} : fate;
}

Contents look_into(NetlinkSocket& netfilter, const Chain& chain) {
  Contents contents;
  NetlinkRequest request = nftables_request(NFT_MSG_GETRULE, NLM_F_DUMP, chain.family);
  request.put_text(NFTA_RULE_TABLE, chain.table).put_text(NFTA_RULE_CHAIN, chain.name);
  netfilter.query(request, fmt::format("list the rules of chain '{} {}'", chain.table, chain.name),
                  [&](const NetlinkMessage& message) {
                    const NetlinkAttributes rule = message.attributes<nfgenmsg>();
                    if (rule.text(NFTA_RULE_CHAIN) != chain.name) return;
                    if (is_ours(rule)) contents.has_ours = true;
                    Fate fate = fate_of_every_packet(rule);
                    contents.last_refusal = fate.is_refused ? read_handle(rule, NFTA_RULE_HANDLE) : 0;
                    if (!fate.chain.empty()) contents.always.push_back(std::move(fate.chain));
                  });
  return contents;
}

/// The chain itself, and those that every packet is sent to, as firewalld and ufw have them. The kernel knows no
/// circles of chains.
void find_closed(NetlinkSocket& netfilter, const Chain& chain, std::vector<Closed>& closed) {
  const auto is_chain = [&](const Closed& other) {
    return other.chain.family == chain.family && other.chain.table == chain.table && other.chain.name == chain.name;
  };
  if (std::ranges::any_of(closed, is_chain)) return;
  Contents contents = look_into(netfilter, chain);
  if (!contents.has_ours && (chain.drops || contents.last_refusal != 0))
    closed.push_back({.chain = chain, .before = contents.last_refusal});
  for (std::string& next : contents.always)
    find_closed(netfilter, {.family = chain.family, .table = chain.table, .name = std::move(next)}, closed);
}

std::vector<Closed> list_closed(NetlinkSocket& netfilter, const std::vector<Chain>& chains) {
  std::vector<Closed> closed;
  for (const Chain& chain : chains) find_closed(netfilter, chain, closed);
  return closed;
}

class Expressions {
 public:
  explicit Expressions(NetlinkRequest& request) : request_(request) {}
  void add(std::string_view name, const std::function<void()>& fill) {
    request_.put_nested(NFTA_LIST_ELEM, [&] {
      request_.put_text(NFTA_EXPR_NAME, name);
      request_.put_nested(NFTA_EXPR_DATA, fill);
    });
  }
  void value(uint16_t type, uint32_t number) {
    request_.put_nested(type, [&] { request_.put_number(NFTA_DATA_VALUE, number); });
  }
  void number(uint16_t type, uint32_t number) { request_.put_number(type, htonl(number)); }

 private:
  NetlinkRequest& request_;
};

/// meta mark & kPassMark == kPassMark counter accept
void put_expressions(NetlinkRequest& request) {
  Expressions expressions(request);
  request.put_nested(NFTA_RULE_EXPRESSIONS, [&] {
    expressions.add("meta", [&] {
      expressions.number(NFTA_META_KEY, NFT_META_MARK);
      expressions.number(NFTA_META_DREG, NFT_REG_1);
    });
    expressions.add("bitwise", [&] {
      expressions.number(NFTA_BITWISE_SREG, NFT_REG_1);
      expressions.number(NFTA_BITWISE_DREG, NFT_REG_1);
      expressions.number(NFTA_BITWISE_LEN, sizeof kPassMark);
      expressions.value(NFTA_BITWISE_MASK, kPassMark);  // marks are in the host's byte order
      expressions.value(NFTA_BITWISE_XOR, 0);
    });
    expressions.add("cmp", [&] {
      expressions.number(NFTA_CMP_SREG, NFT_REG_1);
      expressions.number(NFTA_CMP_OP, NFT_CMP_EQ);
      expressions.value(NFTA_CMP_DATA, kPassMark);
    });
    expressions.add("counter", [] {});
    expressions.add("immediate", [&] {
      expressions.number(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
      request.put_nested(NFTA_IMMEDIATE_DATA, [&] {
        request.put_nested(NFTA_DATA_VERDICT, [&] { expressions.number(NFTA_VERDICT_CODE, NF_ACCEPT); });
      });
    });
  });
}

NetlinkError try_open(NetlinkSocket& netfilter, const Closed& closed) {
  // Without NLM_F_APPEND a position means before it.
  const uint16_t flags = NLM_F_CREATE | (closed.before == 0 ? NLM_F_APPEND : 0);
  NetlinkRequest request = nftables_request(NFT_MSG_NEWRULE, flags, closed.chain.family);
  request.put_text(NFTA_RULE_TABLE, closed.chain.table).put_text(NFTA_RULE_CHAIN, closed.chain.name);
  if (closed.before != 0) request.put_number(NFTA_RULE_POSITION, htobe64(closed.before));
  put_expressions(request);
  std::vector<uint8_t> comment{kCommentType, static_cast<uint8_t>(kComment.size() + 1)};
  comment.insert(comment.end(), kComment.begin(), kComment.end());
  comment.push_back(0);
  request.put(NFTA_RULE_USERDATA, comment);
  std::vector<NetlinkRequest> requests;
  requests.push_back(std::move(request));
  return try_nftables_transaction(netfilter, std::move(requests));
}

struct Rule {
  uint8_t family = 0;
  std::string table;
  std::string chain;
  uint64_t handle = 0;
};

std::vector<Rule> list_ours(NetlinkSocket& netfilter) {
  std::vector<Rule> rules;
  NetlinkRequest request = nftables_request(NFT_MSG_GETRULE, NLM_F_DUMP, NFPROTO_UNSPEC);
  netfilter.query(request, "list the rules of nftables", [&](const NetlinkMessage& message) {
    const std::optional<nfgenmsg> head = message.structure<nfgenmsg>();
    const NetlinkAttributes rule = message.attributes<nfgenmsg>();
    if (!head || !is_ours(rule)) return;
    rules.push_back({.family = head->nfgen_family,
                     .table = rule.text(NFTA_RULE_TABLE).value_or(""),
                     .chain = rule.text(NFTA_RULE_CHAIN).value_or(""),
                     .handle = read_handle(rule, NFTA_RULE_HANDLE)});
  });
  return rules;
}

void remove_rule(NetlinkSocket& netfilter, const Rule& rule) {
  NetlinkRequest request = nftables_request(NFT_MSG_DELRULE, 0, rule.family);
  request.put_text(NFTA_RULE_TABLE, rule.table).put_text(NFTA_RULE_CHAIN, rule.chain);
  request.put_number(NFTA_RULE_HANDLE, htobe64(rule.handle));
  std::vector<NetlinkRequest> requests;
  requests.push_back(std::move(request));
  const NetlinkError error = try_nftables_transaction(netfilter, std::move(requests));
  if (error.errnum != 0 && error.errnum != ENOENT)
    log::warning("our rule stays in chain '{} {}': {}", rule.table, rule.chain, errno_text(error.errnum));
}

/// Under the lock.
void open_all(NetlinkSocket& netfilter, const std::vector<Chain>& chains) {
  for (const Closed& closed : list_closed(netfilter, chains)) {
    const NetlinkError error = try_open(netfilter, closed);
    if (error.errnum == 0)
      log::info("add a rule to chain '{} {}', which lets nothing through unless told", closed.chain.table,
                closed.chain.name);
    else
      log::warning(
          "chain '{} {}' lets nothing through unless told, and takes no rule of ours ({}): let it accept packets "
          "with mark {:#x}/{:#x}",
          closed.chain.table, closed.chain.name, errno_text(error.errnum), kPassMark, kPassMark);
  }
}

}  // namespace

void open_foreign_chains(NetlinkSocket& netfilter, const std::string& lock_path) {
  const std::vector<Chain> chains = list_base_chains(netfilter);
  if (list_closed(netfilter, chains).empty()) return;
  const FileLock lock = FileLock::acquire(lock_path);  // of many that start at once, one adds the rule
  open_all(netfilter, chains);
}

void close_foreign_chains(NetlinkSocket& netfilter, const std::string& lock_path) {
  if (has_bridge(netfilter)) return;
  const std::vector<Rule> rules = list_ours(netfilter);
  if (rules.empty()) return;
  const FileLock lock = FileLock::acquire(lock_path);
  for (const Rule& rule : rules) remove_rule(netfilter, rule);
  // A start makes its bridge before it looks for the rules: if it saw them, its bridge is seen here.
  if (has_bridge(netfilter)) open_all(netfilter, list_base_chains(netfilter));
}

}  // namespace myct::network
