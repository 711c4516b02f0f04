// Runs the programs as the kernel would, and compares them with the rules read one by one.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <random>
#include <stdexcept>

#include "myct/base/error.hpp"
#include "myct/cgroup/device_filter.hpp"

namespace myct::cgroup {
namespace {

constexpr int kMknod = BPF_DEVCG_ACC_MKNOD;
constexpr int kRead = BPF_DEVCG_ACC_READ;
constexpr int kWrite = BPF_DEVCG_ACC_WRITE;

struct Access {
  char type;
  uint32_t major;
  uint32_t minor;
  int access;
};

uint64_t alu(uint64_t value, uint64_t operand, int operation) {
  switch (operation) {
    case BPF_MOV:
      return static_cast<uint32_t>(operand);
    case BPF_RSH:
      return static_cast<uint32_t>(value) >> operand;
    case BPF_AND:
      return static_cast<uint32_t>(value & operand);
    default:
      throw std::runtime_error("unexpected operation");
  }
}

bool jumps(uint64_t value, uint64_t operand, int condition) {
  switch (condition) {
    case BPF_JA:
      return true;
    case BPF_JEQ:
      return value == operand;
    case BPF_JNE:
      return value != operand;
    case BPF_JSET:
      return (value & operand) != 0;
    default:
      throw std::runtime_error("unexpected condition");
  }
}

/// The program's answer; throws on what the kernel's verifier would not take.
bool run(const std::vector<bpf_insn>& program, const Access& access) {
  const bpf_cgroup_dev_ctx context{
      .access_type = static_cast<uint32_t>(access.access) << 16 |
                     static_cast<uint32_t>(access.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
      .major = access.major,
      .minor = access.minor};
  std::array<uint64_t, 11> registers;
  registers.fill(0xdeadbeef);  // a program that forgets to load must not pass by chance
  for (size_t next = 0;;) {
    if (next >= program.size()) throw std::out_of_range("jump out of the program");
    const bpf_insn& it = program[next++];
    uint64_t& target = registers.at(it.dst_reg);
    const auto constant = static_cast<uint64_t>(int64_t{it.imm});
    const uint64_t operand = (it.code & BPF_X) != 0 ? registers.at(it.src_reg) : constant;
    if (it.code == (BPF_LDX | BPF_MEM | BPF_W)) {
      uint32_t word = 0;
      std::memcpy(&word, reinterpret_cast<const char*>(&context) + it.off, sizeof word);
      target = word;
    } else if (it.code == (BPF_JMP | BPF_EXIT)) {
      return registers[0] != 0;
    } else if (BPF_CLASS(it.code) == BPF_ALU) {
      target = alu(target, operand, BPF_OP(it.code));
    } else if (BPF_CLASS(it.code) == BPF_JMP) {
      if (it.off < 0) throw std::runtime_error("jump backwards");
      if (jumps(target, operand, BPF_OP(it.code))) next += static_cast<size_t>(it.off);
    } else {
      throw std::runtime_error("unexpected instruction");
    }
  }
}

bool covers(const oci::DeviceRule& rule, const Access& access, char letter) {
  return (rule.type == "a" || rule.type[0] == access.type) && (!rule.major || *rule.major == access.major) &&
         (!rule.minor || *rule.minor == access.minor) && rule.access.find(letter) != std::string::npos;
}

/// The rules by the letter: of those that cover an access the last one counts.
bool allowed(const std::vector<oci::DeviceRule>& rules, const Access& access) {
  constexpr std::array<std::pair<int, char>, 3> kLetters = {{{kRead, 'r'}, {kWrite, 'w'}, {kMknod, 'm'}}};
  for (const auto& [bit, letter] : kLetters) {
    if ((access.access & bit) == 0) continue;
    bool allow = false;
    for (const oci::DeviceRule& rule : rules)
      if (covers(rule, access, letter)) allow = rule.allow;
    if (!allow) return false;
  }
  return true;
}

oci::DeviceRule allow(const char* type, std::optional<int64_t> major, std::optional<int64_t> minor,
                      const char* access = "rwm") {
  return {.allow = true, .type = type, .major = major, .minor = minor, .access = access};
}
oci::DeviceRule deny(const char* type, std::optional<int64_t> major, std::optional<int64_t> minor,
                     const char* access = "rwm") {
  return {.allow = false, .type = type, .major = major, .minor = minor, .access = access};
}
const oci::DeviceRule kDenyAll = deny("a", {}, {});

TEST(DeviceProgram, is_not_needed_where_all_is_allowed) {
  EXPECT_TRUE(device_program({}).empty());
  EXPECT_TRUE(device_program({allow("a", {}, {})}).empty());
  EXPECT_TRUE(device_program({kDenyAll, allow("c", 1, 3), allow("a", {}, {})}).empty());
  EXPECT_TRUE(device_program({allow("a", {}, {}), allow("c", 1, 3, "r")}).empty());
}

TEST(DeviceProgram, denies_what_no_rule_covers) {
  const std::vector<bpf_insn> program = device_program({allow("c", 1, 3)});
  EXPECT_TRUE(run(program, {'c', 1, 3, kRead | kWrite}));
  EXPECT_FALSE(run(program, {'b', 1, 3, kRead}));
  EXPECT_FALSE(run(program, {'c', 1, 4, kRead}));
  EXPECT_FALSE(run(program, {'c', 2, 3, kRead}));
}

TEST(DeviceProgram, allows_an_open_for_both_only_if_both_are_allowed) {
  const std::vector<bpf_insn> one = device_program({kDenyAll, allow("b", 8, 0, "r")});
  EXPECT_TRUE(run(one, {'b', 8, 0, kRead}));
  EXPECT_FALSE(run(one, {'b', 8, 0, kWrite}));
  EXPECT_FALSE(run(one, {'b', 8, 0, kRead | kWrite}));
  EXPECT_FALSE(run(one, {'b', 8, 0, kMknod}));
  // By two rules as well as by one.
  EXPECT_TRUE(
      run(device_program({kDenyAll, allow("b", 8, 0, "r"), allow("b", 8, {}, "w")}), {'b', 8, 0, kRead | kWrite}));
}

TEST(DeviceProgram, goes_by_the_last_rule) {
  const std::vector<bpf_insn> program =
      device_program({allow("a", {}, {}), deny("b", {}, {}), allow("b", 7, {}), deny("b", 7, 3, "w")});
  EXPECT_TRUE(run(program, {'c', 5, 5, kRead | kWrite | kMknod}));
  EXPECT_FALSE(run(program, {'b', 8, 0, kRead}));
  EXPECT_TRUE(run(program, {'b', 7, 1, kRead | kWrite}));
  EXPECT_TRUE(run(program, {'b', 7, 3, kRead}));
  EXPECT_FALSE(run(program, {'b', 7, 3, kRead | kWrite}));
}

TEST(DeviceProgram, lets_a_rule_for_everything_end_all_before_it) {
  EXPECT_EQ(device_program({allow("c", 1, 3), allow("c", 1, 5), kDenyAll}).size(), device_program({kDenyAll}).size());
  EXPECT_FALSE(run(device_program({allow("c", 1, 3), kDenyAll}), {'c', 1, 3, kRead}));
}

TEST(DeviceProgram, agrees_with_the_rules_read_one_by_one) {
  std::mt19937 random(4);  // NOLINT: the same every time
  const auto pick = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
  const auto number = [&]() { return pick(3) == 0 ? std::nullopt : std::optional<int64_t>(pick(3)); };
  constexpr std::array kTypes = {"a", "b", "c"};
  constexpr std::array kAccesses = {"r", "w", "m", "rw", "rm", "wm", "rwm", "rwm", "rwm", ""};
  for (int round = 0; round < 2000; ++round) {
    std::vector<oci::DeviceRule> rules(1 + pick(8));
    for (oci::DeviceRule& rule : rules)
      rule = {.allow = pick(2) == 0,
              .type = kTypes[pick(kTypes.size())],
              .major = number(),
              .minor = number(),
              .access = kAccesses[pick(kAccesses.size())]};
    const std::vector<bpf_insn> program = device_program(rules);
    for (const char type : {'b', 'c'})
      for (uint32_t major = 0; major < 4; ++major)
        for (uint32_t minor = 0; minor < 4; ++minor)
          for (int access = 1; access < 8; ++access) {
            const Access asked{type, major, minor, access};
            ASSERT_EQ(program.empty() || run(program, asked), allowed(rules, asked))
                << "round " << round << ": " << type << major << ":" << minor << " " << access;
          }
  }
}

TEST(DeviceProgram, refuses_rules_that_make_no_sense) {
  EXPECT_THROW((void)device_program({allow("u", 1, 3)}), Error);
  EXPECT_THROW((void)device_program({allow("c", 1, 3, "rwx")}), Error);
  EXPECT_THROW((void)device_program({allow("c", int64_t{1} << 40, 3)}), Error);
}

}  // namespace
}  // namespace myct::cgroup
