// From an OCI profile to a BPF program: a search tree of our own for what the number alone decides, and behind it
// libseccomp's program for what arguments decide.
//
// Where rules overlap, libseccomp's order of precedence holds: a rule without conditions on arguments beats those
// with, the first of several stays, and a rule that says what the default says is none.

#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "myct/base/error.hpp"
#include "myct/base/fd.hpp"
#include "myct/security/seccomp.hpp"
#include "myct/spec/runtime_spec.hpp"
#include "number_tree.hpp"
#include "syscall_numbers.hpp"

namespace myct::security {
namespace {

constexpr uint32_t kArguments = 6;
/// libseccomp 2.5.4's other form forgets to load the number for 32-bit x86 in some filters.
constexpr uint32_t kBinaryTree = 2;

struct ReleaseFilter {
  void operator()(void* filter) const noexcept { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, ReleaseFilter>;

/// libseccomp returns a negative errno.
template <typename... Args>
void check(int result, fmt::format_string<Args...> text, Args&&... args) {
  if (result < 0) throw Error(kind_of_errno(-result), fmt::format(text, std::forward<Args>(args)...), -result);
}

template <typename Value>
struct Named {
  std::string_view name;
  Value value;
};

template <typename Value, size_t N>
std::optional<Value> try_look_up(const std::array<Named<Value>, N>& table, std::string_view name) {
  const auto* found = std::ranges::find(table, name, &Named<Value>::name);
  if (found == table.end()) return std::nullopt;
  return found->value;
}

constexpr std::array<Named<uint32_t>, 9> kActions = {{
    {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
    {"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0)},
    {"SCMP_ACT_LOG", SCMP_ACT_LOG},
    {"SCMP_ACT_TRACE", SCMP_ACT_TRACE(0)},
    {"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
    {"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD},
    {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
    {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
    {"SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY},
}};

constexpr std::array<Named<scmp_compare>, 7> kOperators = {{
    {"SCMP_CMP_NE", SCMP_CMP_NE},
    {"SCMP_CMP_LT", SCMP_CMP_LT},
    {"SCMP_CMP_LE", SCMP_CMP_LE},
    {"SCMP_CMP_EQ", SCMP_CMP_EQ},
    {"SCMP_CMP_GE", SCMP_CMP_GE},
    {"SCMP_CMP_GT", SCMP_CMP_GT},
    {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
}};

uint32_t parse_action(const std::string& name, std::optional<uint32_t> errno_ret) {
  const std::optional<uint32_t> action = try_look_up(kActions, name);
  if (!action) throw_error(ErrorKind::Invalid, "unknown seccomp action '{}'", name);
  const bool takes_value = *action == SCMP_ACT_ERRNO(0) || *action == SCMP_ACT_TRACE(0);
  if (errno_ret && !takes_value) throw_error(ErrorKind::Invalid, "seccomp action {} takes no errnoRet", name);
  if (!takes_value) return *action;
  const uint32_t value = errno_ret.value_or(EPERM);
  if (value > SECCOMP_RET_DATA) throw_error(ErrorKind::Invalid, "seccomp errnoRet {} is out of range", value);
  return *action | value;
}

/// What a profile with this default action answers to calls that are newer than it. Where the default refuses, that
/// is ENOSYS, as runc does it.
uint32_t answer_to_newer(uint32_t default_action) {
  const uint32_t kind = default_action & SECCOMP_RET_ACTION_FULL;
  if (kind == SCMP_ACT_ALLOW || kind == SCMP_ACT_LOG || kind == SCMP_ACT_TRACE(0)) return default_action;
  return SCMP_ACT_ERRNO(ENOSYS);
}

/// libseccomp's token for "SCMP_ARCH_X86_64" and the like; 0 when this libseccomp does not know it.
uint32_t architecture_token(std::string_view name) {
  constexpr std::string_view kPrefix = "SCMP_ARCH_";
  if (!name.starts_with(kPrefix)) return 0;
  std::string lower;
  for (const char c : name.substr(kPrefix.size())) lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return ::seccomp_arch_resolve_name(lower.c_str());
}

/// An entry of the profile that differs from its default.
struct Rule {
  uint32_t action = 0;
  std::vector<scmp_arg_cmp> conditions;
  /// libseccomp cannot test one argument twice in a rule; runc takes all tests of such a rule as alternatives.
  bool conditions_are_alternatives = false;
};

std::vector<scmp_arg_cmp> parse_conditions(const std::vector<oci::SeccompArg>& arguments) {
  std::vector<scmp_arg_cmp> conditions;
  for (const oci::SeccompArg& argument : arguments) {
    const std::optional<scmp_compare> op = try_look_up(kOperators, argument.op);
    if (!op) throw_error(ErrorKind::Invalid, "unknown seccomp operator '{}'", argument.op);
    if (argument.index >= kArguments)
      throw_error(ErrorKind::Invalid, "seccomp argument index {} is out of range", argument.index);
    conditions.push_back({argument.index, *op, argument.value, argument.value_two});
  }
  return conditions;
}

bool tests_an_argument_twice(const std::vector<scmp_arg_cmp>& conditions) {
  uint32_t seen = 0;
  for (const scmp_arg_cmp& condition : conditions) {
    if ((seen >> condition.arg & 1) != 0) return true;
    seen |= 1U << condition.arg;
  }
  return false;
}

/// A system call that the profile names.
struct Call {
  std::string name;
  std::vector<Rule> rules;
  bool for_libseccomp = false;
};

class Compiler {
 public:
  explicit Compiler(const oci::Seccomp& profile);
  [[nodiscard]] std::vector<sock_filter> compile();

 private:
  void add_architectures(const std::vector<std::string>& names);
  void add_rule(const oci::SeccompRule& rule);
  [[nodiscard]] Answer answer_of(const Call& call) const;
  void answer(NumberTable& table, uint32_t number, Call& call) const;
  [[nodiscard]] NumberTable make_table(uint32_t architecture);
  void add_to_libseccomp(const Call& call);
  void append_libseccomp_program(std::vector<sock_filter>& program);

  uint32_t default_action_;
  Filter filter_;
  std::vector<uint32_t> architectures_;
  std::vector<Call> calls_;
  std::unordered_map<std::string, size_t> call_index_;
};

Compiler::Compiler(const oci::Seccomp& profile)
    : default_action_(parse_action(profile.default_action, profile.default_errno_ret)),
      filter_(::seccomp_init(default_action_)) {
  if (!filter_) throw_error(ErrorKind::System, "make a seccomp filter");
  check(::seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_OPTIMIZE, kBinaryTree), "choose the seccomp filter's form");
  add_architectures(profile.architectures);
  for (const oci::SeccompRule& rule : profile.syscalls) add_rule(rule);
}

void Compiler::add_architectures(const std::vector<std::string>& names) {
  architectures_.push_back(::seccomp_arch_native());
  for (const std::string& name : names) {
    // One that libseccomp does not know stays outside the filter, where every call is fatal.
    const uint32_t token = architecture_token(name);
    if (token == 0 || std::ranges::find(architectures_, token) != architectures_.end()) continue;
    const int result = ::seccomp_arch_add(filter_.get(), token);
    if (result == -EDOM) continue;  // of the other byte order: this machine cannot run it
    check(result, "add architecture {} to the seccomp filter", name);
    architectures_.push_back(token);
  }
}

void Compiler::add_rule(const oci::SeccompRule& source) {
  Rule rule{.action = parse_action(source.action, source.errno_ret), .conditions = parse_conditions(source.args)};
  rule.conditions_are_alternatives = tests_an_argument_twice(rule.conditions);
  for (const std::string& name : source.names) {
    const auto [entry, is_new] = call_index_.emplace(name, calls_.size());
    if (is_new) calls_.push_back({.name = name});
    if (rule.action != default_action_) calls_[entry->second].rules.push_back(rule);
  }
}

Answer Compiler::answer_of(const Call& call) const {
  if (call.rules.empty()) return default_action_;
  for (const Rule& rule : call.rules)
    if (rule.conditions.empty()) return rule.action;
  return std::nullopt;
}

void Compiler::answer(NumberTable& table, uint32_t number, Call& call) const {
  const Answer answer = answer_of(call);
  if (!answer) call.for_libseccomp = true;
  const auto [entry, is_new] = table.answers.emplace(number, answer);
  // A number may have two names (ARM's fadvise64_64).
  const bool may_be_replaced = !entry->second || *entry->second == default_action_;
  if (!is_new && !call.rules.empty() && may_be_replaced) entry->second = answer;
}

NumberTable Compiler::make_table(uint32_t architecture) {
  NumberTable table{.architecture = architecture};
  SyscallNumbers numbers(architecture);
  std::vector<std::pair<uint32_t, Call*>> multiplexed;
  for (Call& call : calls_) {
    const CallNumbers found = numbers.find(call.name);
    if (found.own) answer(table, *found.own, call);
    if (found.multiplexer && !call.rules.empty()) multiplexed.emplace_back(*found.multiplexer, &call);
  }
  for (const auto& [multiplexer, call] : multiplexed) {
    // A rule for all of socketcall covers the rules for what can be made through it.
    const auto entry = table.answers.try_emplace(multiplexer, std::nullopt).first;
    if (entry->second && *entry->second != default_action_) continue;
    entry->second = std::nullopt;
    call->for_libseccomp = true;
  }
  return table;
}

void Compiler::add_to_libseccomp(const Call& call) {
  const int number = ::seccomp_syscall_resolve_name(call.name.c_str());
  if (number == __NR_SCMP_ERROR) return;
  const auto add = [&](uint32_t action, std::span<const scmp_arg_cmp> conditions) {
    const int result = ::seccomp_rule_add_array(filter_.get(), action, number, static_cast<unsigned>(conditions.size()),
                                                conditions.data());
    if (result != -EEXIST) check(result, "add system call {} to the seccomp filter", call.name);
  };
  for (const Rule& rule : call.rules) {
    const std::span<const scmp_arg_cmp> conditions(rule.conditions);
    if (!rule.conditions_are_alternatives) {
      add(rule.action, conditions);
      continue;
    }
    for (size_t i = 0; i < conditions.size(); ++i) add(rule.action, conditions.subspan(i, 1));
  }
}

void Compiler::append_libseccomp_program(std::vector<sock_filter>& program) {
  const Fd file(::memfd_create("seccomp", MFD_CLOEXEC));
  if (!file.valid()) throw_errno("make a file in memory");
  check(::seccomp_export_bpf(filter_.get(), file.get()), "compile the seccomp filter");
  struct stat status {};
  if (::fstat(file.get(), &status) == -1) throw_errno("read the compiled seccomp filter");
  const auto bytes = static_cast<size_t>(status.st_size);
  const size_t before = program.size();
  program.resize(before + bytes / sizeof(sock_filter));
  if (::pread(file.get(), &program[before], bytes, 0) != static_cast<ssize_t>(bytes))
    throw_errno("read the compiled seccomp filter");
}

std::vector<sock_filter> Compiler::compile() {
  std::vector<NumberTable> tables;
  for (const uint32_t architecture : architectures_) tables.push_back(make_table(architecture));
  std::vector<sock_filter> program =
      make_number_tree(tables, {.unnamed = default_action_, .newer = answer_to_newer(default_action_)});
  for (const Call& call : calls_)
    if (call.for_libseccomp) add_to_libseccomp(call);
  append_libseccomp_program(program);
  if (program.size() > BPF_MAXINSNS)
    throw_error(ErrorKind::Invalid, "seccomp profile too large: {} instructions, at most {}", program.size(),
                BPF_MAXINSNS);
  return program;
}

}  // namespace

std::vector<sock_filter> compile_seccomp(const oci::Seccomp& profile) { return Compiler(profile).compile(); }

}  // namespace myct::security
