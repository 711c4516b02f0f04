#include "foreign.hpp"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <string>

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
  uint64_t last_refusal = 0;  ///< handle of the last rule, if that refuses everything
};

uint64_t read_handle(const NetlinkAttributes& attributes, uint16_t type) {
  const auto bytes = attributes.find(type);
  uint64_t handle = 0;
  if (!bytes || bytes->size() < sizeof handle) return 0;
  std::memcpy(&handle, bytes->data(), sizeof handle);
  return be64toh(handle);
}

std::vector<Chain> list_forward_chains(NetlinkSocket& netfilter) {
  std::vector<Chain> chains;
  NetlinkRequest request = nftables_request(NFT_MSG_GETCHAIN, NLM_F_DUMP, NFPROTO_UNSPEC);
  netfilter.query(request, "list the chains of nftables", [&](const NetlinkMessage& message) {
    const std::optional<nfgenmsg> head = message.structure<nfgenmsg>();
    if (!head) return;
    const bool forwards =
        head->nfgen_family == NFPROTO_IPV4 || head->nfgen_family == NFPROTO_IPV6 || head->nfgen_family == NFPROTO_INET;
    const NetlinkAttributes attributes = message.attributes<nfgenmsg>();
    const auto hook = attributes.find(NFTA_CHAIN_HOOK);
    if (!forwards || !hook) return;
    const std::optional<uint32_t> number = NetlinkAttributes(*hook).number(NFTA_HOOK_HOOKNUM);
    if (!number || ntohl(*number) != NF_INET_FORWARD) return;
    Chain chain{.family = head->nfgen_family,
                .table = attributes.text(NFTA_CHAIN_TABLE).value_or(""),
                .name = attributes.text(NFTA_CHAIN_NAME).value_or("")};
    chain.drops = ntohl(attributes.number(NFTA_CHAIN_POLICY).value_or(htonl(NF_ACCEPT))) == NF_DROP;
    if (chain.table != kComment) chains.push_back(std::move(chain));
  });
  return chains;
}

/// Whether a rule has our comment.
bool is_ours(const NetlinkAttributes& rule) {
  const auto data = rule.find(NFTA_RULE_USERDATA);
  constexpr size_t kHead = 2;
  if (!data || data->size() < kHead + kComment.size() || (*data)[0] != kCommentType) return false;
  return std::equal(kComment.begin(), kComment.end(), data->begin() + kHead) && (*data)[1] == kComment.size() + 1;
}

/// Whether an expression refuses whatever comes to it: drop, nftables' reject, or iptables' REJECT and DROP.
bool refuses(const NetlinkAttributes& expression) {
  const std::string name = expression.text(NFTA_EXPR_NAME).value_or("");
  if (name == "reject") return true;
  const auto data = expression.find(NFTA_EXPR_DATA);
  if (!data) return false;
  if (name == "target") return NetlinkAttributes(*data).text(NFTA_TARGET_NAME) == "REJECT";
  if (name != "immediate") return false;
  const auto value = NetlinkAttributes(*data).find(NFTA_IMMEDIATE_DATA);
  const auto verdict = value ? NetlinkAttributes(*value).find(NFTA_DATA_VERDICT) : std::nullopt;
  const auto code = verdict ? NetlinkAttributes(*verdict).number(NFTA_VERDICT_CODE) : std::nullopt;
  return code && ntohl(*code) == NF_DROP;
}

/// Whether it does so with every packet: nothing in it but counters before the refusal.
bool refuses_everything(const NetlinkAttributes& rule) {
  const auto list = rule.find(NFTA_RULE_EXPRESSIONS);
  if (!list) return false;
  bool refused = false;
  bool any_condition = false;
  NetlinkAttributes(*list).for_each([&](const NetlinkAttributes& expression) {
    if (refuses(expression))
      refused = true;
    else if (expression.text(NFTA_EXPR_NAME) != "counter")
      any_condition = true;
  });
  return refused && !any_condition;
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
                    contents.last_refusal = refuses_everything(rule) ? read_handle(rule, NFTA_RULE_HANDLE) : 0;
                  });
  return contents;
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

NetlinkError try_open(NetlinkSocket& netfilter, const Chain& chain, const Contents& contents) {
  // Without NLM_F_APPEND a position means before it.
  const uint16_t flags = NLM_F_CREATE | (contents.last_refusal == 0 ? NLM_F_APPEND : 0);
  NetlinkRequest request = nftables_request(NFT_MSG_NEWRULE, flags, chain.family);
  request.put_text(NFTA_RULE_TABLE, chain.table).put_text(NFTA_RULE_CHAIN, chain.name);
  if (contents.last_refusal != 0) request.put_number(NFTA_RULE_POSITION, htobe64(contents.last_refusal));
  put_expressions(request);
  std::vector<uint8_t> comment{kCommentType, static_cast<uint8_t>(kComment.size() + 1)};
  comment.insert(comment.end(), kComment.begin(), kComment.end());
  comment.push_back(0);
  request.put(NFTA_RULE_USERDATA, comment);
  std::vector<NetlinkRequest> requests;
  requests.push_back(std::move(request));
  return try_nftables_transaction(netfilter, std::move(requests));
}

}  // namespace

void open_foreign_chains(NetlinkSocket& netfilter, const std::string& lock_path) {
  const std::vector<Chain> chains = list_forward_chains(netfilter);
  const auto is_open = [](const Chain& chain, const Contents& contents) {
    return contents.has_ours || (!chain.drops && contents.last_refusal == 0);
  };
  const auto seems_open = [&](const Chain& chain) { return is_open(chain, look_into(netfilter, chain)); };
  if (std::all_of(chains.begin(), chains.end(), seems_open)) return;
  const FileLock lock = FileLock::acquire(lock_path);  // of many that start at once, one adds the rule
  for (const Chain& chain : chains) {
    const Contents contents = look_into(netfilter, chain);
    if (is_open(chain, contents)) continue;
    const NetlinkError error = try_open(netfilter, chain, contents);
    if (error.errnum == 0)
      log::info("add a rule to chain '{} {}', which forwards nothing unless told", chain.table, chain.name);
    else
      log::warning(
          "chain '{} {}' forwards nothing unless told, and takes no rule of ours ({}): let it accept packets "
          "with mark {:#x}/{:#x}",
          chain.table, chain.name, errno_text(error.errnum), kPassMark, kPassMark);
  }
}

}  // namespace myct::network
