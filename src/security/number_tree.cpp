#include "number_tree.hpp"

#include <linux/seccomp.h>
#include <seccomp.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <span>

namespace myct::security {
namespace {

using Program = std::vector<sock_filter>;

constexpr uint32_t kX32Base = 0x40000000;
/// ARM's private calls (cacheflush, set_tls) are far above all others and do not tell how new a table is.
constexpr uint32_t kPrivateNumbers = 0xf0000;
constexpr size_t kFarthestBranch = std::numeric_limits<uint8_t>::max();
/// Comparisons and answers together stay within reach of a branch.
constexpr size_t kRangesOfSmallSearch = kFarthestBranch / 2;
/// Jumps behind the program; filled in when its length is known.
constexpr uint32_t kToTheEnd = std::numeric_limits<uint32_t>::max();

/// Numbers from `first` up to the next range's, all with one answer.
struct Range {
  uint32_t first;
  Answer answer;
};

class Ranges {
 public:
  void add(uint32_t first, Answer answer) {
    if (ranges_.empty() || ranges_.back().answer != answer) ranges_.push_back({first, answer});
  }
  [[nodiscard]] std::span<const Range> all() const noexcept { return ranges_; }

 private:
  std::vector<Range> ranges_;
};

Ranges ranges_of(const NumberTable& table, OtherAnswers others) {
  const uint32_t base = number_base(table.architecture);
  uint32_t next = 0;
  uint32_t above_highest = base;
  for (const auto& [number, answer] : table.answers)
    if (number - base < kPrivateNumbers) above_highest = number + 1;

  Ranges ranges;
  const auto add_gap = [&](uint32_t first) {
    ranges.add(first, first < above_highest ? others.unnamed : others.newer);
  };
  for (const auto& [number, answer] : table.answers) {
    if (number > next) add_gap(next);
    ranges.add(number, answer);
    next = number + 1;
  }
  add_gap(next);
  return ranges;
}

constexpr sock_filter load(size_t offset) { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset)); }
constexpr sock_filter go(size_t distance) { return BPF_STMT(BPF_JMP | BPF_JA, static_cast<uint32_t>(distance)); }

/// `yes` if the comparison of the accumulator with `value` holds, otherwise `no`.
Program branch(uint16_t comparison, uint32_t value, const Program& yes, const Program& no) {
  const auto code = static_cast<uint16_t>(BPF_JMP | comparison | BPF_K);
  Program program;
  program.reserve(yes.size() + no.size() + 2);
  if (yes.size() <= kFarthestBranch) {
    program.push_back(BPF_JUMP(code, value, 0, static_cast<uint8_t>(yes.size())));
  } else {
    program.push_back(BPF_JUMP(code, value, 1, 0));
    program.push_back(go(yes.size()));
  }
  program.insert(program.end(), yes.begin(), yes.end());
  program.insert(program.end(), no.begin(), no.end());
  return program;
}

sock_filter answer_instruction(const Answer& answer) {
  return answer ? sock_filter BPF_STMT(BPF_RET | BPF_K, *answer) : go(kToTheEnd);
}

/// A search whose comparisons share one copy of each answer; these stand at its end, where short jumps reach them.
class SmallSearch {
 public:
  explicit SmallSearch(std::span<const Range> ranges) : program_(ranges.size() - 1) {
    for (const Range& range : ranges)
      if (std::ranges::find(answers_, range.answer) == answers_.end()) answers_.push_back(range.answer);
    place(ranges);
    std::ranges::transform(answers_, std::back_inserter(program_), answer_instruction);
  }
  [[nodiscard]] const Program& program() const noexcept { return program_; }

 private:
  /// Where the search among `ranges` begins.
  size_t place(std::span<const Range> ranges) {
    if (ranges.size() == 1) {
      const auto answer = std::ranges::find(answers_, ranges.front().answer);
      return program_.size() + static_cast<size_t>(answer - answers_.begin());
    }
    const size_t here = placed_++;
    const size_t middle = ranges.size() / 2;
    const size_t yes = place(ranges.subspan(middle)) - here - 1;
    const size_t no = place(ranges.first(middle)) - here - 1;
    program_[here] =
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, ranges[middle].first, static_cast<uint8_t>(yes), static_cast<uint8_t>(no));
    return here;
  }

  Program program_;
  std::vector<Answer> answers_;
  size_t placed_ = 0;
};

Program search(std::span<const Range> ranges) {
  if (ranges.size() <= kRangesOfSmallSearch) return SmallSearch(ranges).program();
  const size_t middle = ranges.size() / 2;
  return branch(BPF_JGE, ranges[middle].first, search(ranges.subspan(middle)), search(ranges.first(middle)));
}

}  // namespace

uint32_t number_base(uint32_t architecture) noexcept {
  switch (architecture) {
    case SCMP_ARCH_X32:
      return kX32Base;
    case SCMP_ARCH_MIPS:
    case SCMP_ARCH_MIPSEL:
      return 4000;
    case SCMP_ARCH_MIPS64:
    case SCMP_ARCH_MIPSEL64:
      return 5000;
    case SCMP_ARCH_MIPS64N32:
    case SCMP_ARCH_MIPSEL64N32:
      return 6000;
    default:
      return 0;
  }
}

std::vector<sock_filter> make_number_tree(const std::vector<NumberTable>& tables, OtherAnswers others) {
  const auto x32 = std::ranges::find(tables, uint32_t{SCMP_ARCH_X32}, &NumberTable::architecture);
  Program program = {go(kToTheEnd)};
  for (auto table = tables.rbegin(); table != tables.rend(); ++table) {
    if (table->architecture == SCMP_ARCH_X32) continue;
    Program numbers = search(ranges_of(*table, others).all());
    // x32 gives itself out as x86_64; a bit of the number tells the two apart. When x32 is not in the profile its
    // calls go on as those of any other architecture that is not.
    if (table->architecture == SCMP_ARCH_X86_64) {
      const Program x32_numbers = x32 == tables.end() ? Program{go(kToTheEnd)} : search(ranges_of(*x32, others).all());
      numbers = branch(BPF_JGE, kX32Base, x32_numbers, numbers);
    }
    numbers.insert(numbers.begin(), load(offsetof(seccomp_data, nr)));
    program = branch(BPF_JEQ, table->architecture, numbers, program);
  }
  program.insert(program.begin(), load(offsetof(seccomp_data, arch)));
  for (size_t i = 0; i < program.size(); ++i)
    if (program[i].code == (BPF_JMP | BPF_JA) && program[i].k == kToTheEnd) program[i] = go(program.size() - i - 1);
  return program;
}

}  // namespace myct::security
