// Runs a classic BPF program as seccomp(2) would, so that filters for architectures other than the running one, and
// answers that kill, can be tested.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>

namespace myct::security {

/// The SECCOMP_RET_* value for `call`; throws std::runtime_error on an instruction that filters do not use, and
/// std::out_of_range on a jump out of the program.
inline uint32_t interpret(std::span<const sock_filter> program, const seccomp_data& call) {
  uint32_t accumulator = 0xdeadbeef;  // a program that forgets to load must not pass by chance
  for (size_t next = 0;;) {
    if (next >= program.size()) throw std::out_of_range("jump out of the program");
    const sock_filter& it = program[next++];
    const auto jump = [&](bool condition) { next += condition ? it.jt : it.jf; };
    switch (it.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        std::memcpy(&accumulator, reinterpret_cast<const char*>(&call) + it.k, sizeof accumulator);
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        accumulator &= it.k;
        break;
      case BPF_JMP | BPF_JA:
        next += it.k;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        jump(accumulator == it.k);
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        jump(accumulator >= it.k);
        break;
      case BPF_JMP | BPF_JGT | BPF_K:
        jump(accumulator > it.k);
        break;
      case BPF_RET | BPF_K:
        return it.k;
      default:
        throw std::runtime_error("unexpected instruction");
    }
  }
}

}  // namespace myct::security
