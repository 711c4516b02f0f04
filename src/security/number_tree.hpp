// A BPF program that answers system calls by their number alone.
//
// libseccomp tests each number by itself: for a policy like Docker's that takes 1280 instructions, 17 ms to compile
// and 270 us to install, because the kernel verifies, translates and emulates every instruction. But nearly all
// rules ask for the number only, and neighbours mostly have one answer. A search over ranges of numbers takes 350
// instructions, 1 ms and 95 us. What depends on arguments goes on to the program behind this one.
//
// The kernel's cache of constant answers (Linux 5.11) sees through these instructions: only loads of the number and
// of the architecture, comparisons with constants and jumps are used.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace myct::security {

/// SECCOMP_RET_*, or nullopt where the program behind decides.
using Answer = std::optional<uint32_t>;

/// What an architecture's numbers start at: 0x40000000 for x32, 4000 to 6000 for MIPS, 0 for all others.
[[nodiscard]] uint32_t number_base(uint32_t architecture) noexcept;

/// The answers of one architecture.
struct NumberTable {
  uint32_t architecture = 0;           ///< libseccomp's token
  std::map<uint32_t, Answer> answers;  ///< by number, base included
};

/// The answers for numbers that are in no table.
struct OtherAnswers {
  uint32_t unnamed = 0;  ///< below the highest number of the table
  uint32_t newer = 0;    ///< above it
};

/// A program that answers, or runs into its own end: there the program for the rest is to be put. Calls of
/// other architectures go there too.
[[nodiscard]] std::vector<sock_filter> make_number_tree(const std::vector<NumberTable>& tables, OtherAnswers others);

}  // namespace myct::security
