// Compiles device rules to BPF. The rules are gone through from the last to the first, so that the first that covers an
// access decides; rules beside one another with the same type and major number share the tests of these.
//
//   r2 type, r3 accesses that are not decided yet, r4 major, r5 minor
#include <algorithm>
#include <climits>
#include <cstddef>

#include "myct/base/error.hpp"
#include "myct/cgroup/device_filter.hpp"

namespace myct::cgroup {
namespace {

constexpr uint8_t kType = BPF_REG_2;
constexpr uint8_t kAccess = BPF_REG_3;
constexpr uint8_t kMajor = BPF_REG_4;
constexpr uint8_t kMinor = BPF_REG_5;
constexpr int kEveryAccess = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;

/// A rule in the kernel's numbers; -1 is any.
struct Rule {
  bool allow = false;
  int type = -1;
  int major = -1;
  int minor = -1;
  int access = 0;

  [[nodiscard]] bool covers_all() const { return type == -1 && major == -1 && minor == -1 && access == kEveryAccess; }
};

int type_of(const std::string& type) {
  if (type == "c") return BPF_DEVCG_DEV_CHAR;
  if (type == "b") return BPF_DEVCG_DEV_BLOCK;
  if (type == "a") return -1;
  throw_error(ErrorKind::Invalid, "device rule: type '{}' is none of a, b and c", type);
}

int number_of(const std::optional<int64_t>& number) {
  if (!number) return -1;
  if (*number < 0 || *number > INT_MAX) throw_error(ErrorKind::Invalid, "device rule: no device is number {}", *number);
  return static_cast<int>(*number);
}

int access_of(const std::string& letters) {
  int access = 0;
  for (const char letter : letters) {
    if (letter == 'r')
      access |= BPF_DEVCG_ACC_READ;
    else if (letter == 'w')
      access |= BPF_DEVCG_ACC_WRITE;
    else if (letter == 'm')
      access |= BPF_DEVCG_ACC_MKNOD;
    else
      throw_error(ErrorKind::Invalid, "device rule: access '{}' is more than r, w and m", letters);
  }
  return access;
}

Rule rule_from(const oci::DeviceRule& rule) {
  return {.allow = rule.allow,
          .type = type_of(rule.type),
          .major = number_of(rule.major),
          .minor = number_of(rule.minor),
          .access = access_of(rule.access)};
}

/// Instructions, with jumps to answers that are placed at the end.
class Program {
 public:
  Program() {
    emit(BPF_LDX | BPF_MEM | BPF_W, kType, BPF_REG_1, offsetof(bpf_cgroup_dev_ctx, access_type), 0);
    emit(BPF_LDX | BPF_MEM | BPF_W, kMajor, BPF_REG_1, offsetof(bpf_cgroup_dev_ctx, major), 0);
    emit(BPF_LDX | BPF_MEM | BPF_W, kMinor, BPF_REG_1, offsetof(bpf_cgroup_dev_ctx, minor), 0);
    emit(BPF_ALU | BPF_MOV | BPF_X, kAccess, kType, 0, 0);
    emit(BPF_ALU | BPF_RSH | BPF_K, kAccess, 0, 0, 16);
    emit(BPF_ALU | BPF_AND | BPF_K, kType, 0, 0, 0xffff);
  }

  [[nodiscard]] size_t here() const noexcept { return instructions_.size(); }

  /// A jump that is taken unless the register has the value; to be completed by land(). No value: no jump.
  size_t skip_unless(uint8_t reg, int value) {
    if (value != -1) emit(BPF_JMP | BPF_JNE | BPF_K, reg, 0, 0, value);
    return here() - 1;
  }
  /// The jump at `from` comes down here.
  void land(size_t from, int value) {
    if (value != -1) instructions_[from].off = distance(from, here());
  }

  void answer(bool allow, uint8_t condition, uint8_t reg, int value) {
    answers_.push_back({here(), allow});
    emit(static_cast<uint8_t>(BPF_JMP | BPF_K | condition), reg, 0, 0, value);
  }

  /// The accesses are decided, and allowed.
  void strike_out(int access) { emit(BPF_ALU | BPF_AND | BPF_K, kAccess, 0, 0, kEveryAccess & ~access); }

  /// Ends the program; what has come here is answered by `otherwise`.
  std::vector<bpf_insn> finish(bool otherwise) && {
    place_answer(otherwise);
    place_answer(!otherwise);
    return std::move(instructions_);
  }

 private:
  struct Answer {
    size_t from;
    bool allow;
  };

  void emit(int code, uint8_t dst, uint8_t src, size_t offset, int value) {
    bpf_insn& added = instructions_.emplace_back();
    added.code = static_cast<uint8_t>(code);
    added.dst_reg = dst & 0xf;
    added.src_reg = src & 0xf;
    added.off = static_cast<int16_t>(offset);
    added.imm = value;
  }

  static int16_t distance(size_t from, size_t to) {
    const size_t distance = to - from - 1;
    if (distance > INT16_MAX) throw_error(ErrorKind::Invalid, "device rules: there are too many of them");
    return static_cast<int16_t>(distance);
  }

  void place_answer(bool allow) {
    for (const Answer& answer : answers_)
      if (answer.allow == allow) instructions_[answer.from].off = distance(answer.from, here());
    emit(BPF_ALU | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, allow ? 1 : 0);
    emit(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
  }

  std::vector<bpf_insn> instructions_;
  std::vector<Answer> answers_;
};

using Rules = std::vector<Rule>;
using Range = std::pair<Rules::const_iterator, Rules::const_iterator>;

/// What a rule says of a device that has its type and major number.
void emit_rule(Program& program, const Rule& rule) {
  if (rule.access == kEveryAccess && rule.minor != -1) return program.answer(rule.allow, BPF_JEQ, kMinor, rule.minor);
  const size_t other_minor = program.skip_unless(kMinor, rule.minor);
  if (rule.access == kEveryAccess) {
    program.answer(rule.allow, BPF_JA, 0, 0);
  } else if (rule.allow) {
    program.strike_out(rule.access);
    program.answer(true, BPF_JEQ, kAccess, 0);
  } else {
    program.answer(false, BPF_JSET, kAccess, rule.access);
  }
  program.land(other_minor, rule.minor);
}

/// Calls `emit` for each run of rules that have the same `field`, behind one test of it.
template <typename Emit>
void emit_runs(Program& program, Range rules, uint8_t reg, int Rule::*field, const Emit& emit) {
  for (auto first = rules.first; first != rules.second;) {
    const int value = (*first).*field;
    const auto last = std::find_if(first, rules.second, [&](const Rule& rule) { return rule.*field != value; });
    const size_t other = program.skip_unless(reg, value);
    emit(Range(first, last));
    program.land(other, value);
    first = last;
  }
}

}  // namespace

std::vector<bpf_insn> device_program(const std::vector<oci::DeviceRule>& list) {
  if (list.empty()) return {};
  bool otherwise = false;
  Rules rules;
  for (auto it = list.rbegin(); it != list.rend(); ++it) {
    const Rule rule = rule_from(*it);
    if (rule.covers_all()) {  // and all rules before it
      otherwise = rule.allow;
      break;
    }
    if (rule.access != 0) rules.push_back(rule);
  }
  if (otherwise && std::ranges::all_of(rules, &Rule::allow)) return {};
  Program program;
  emit_runs(program, {rules.begin(), rules.end()}, kType, &Rule::type, [&](Range same_type) {
    emit_runs(program, same_type, kMajor, &Rule::major, [&](Range same_major) {
      for (auto rule = same_major.first; rule != same_major.second; ++rule) emit_rule(program, *rule);
    });
  });
  return std::move(program).finish(otherwise);
}

}  // namespace myct::cgroup
