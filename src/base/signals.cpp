#include "myct/base/signals.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstring>

#include "myct/base/units.hpp"

namespace myct {
namespace {

constexpr int kLastClassic = 31;

std::string upper_case(std::string_view text) {
  std::string upper(text);
  for (char& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return upper;
}

/// "+3" behind RTMIN, "-3" behind RTMAX, or nothing.
std::optional<int> parse_real_time(std::string_view name) {
  const bool from_first = name.starts_with("RTMIN");
  if (!from_first && !name.starts_with("RTMAX")) return std::nullopt;
  std::string_view rest = name.substr(5);
  const int base = from_first ? SIGRTMIN : SIGRTMAX;
  if (rest.empty()) return base;
  if (rest.front() != (from_first ? '+' : '-')) return std::nullopt;
  const std::optional<uint64_t> offset = parse_unsigned(rest.substr(1));
  if (!offset || *offset > static_cast<uint64_t>(SIGRTMAX - SIGRTMIN)) return std::nullopt;
  return from_first ? base + static_cast<int>(*offset) : base - static_cast<int>(*offset);
}

}  // namespace

std::optional<int> parse_signal(std::string_view text) {
  if (const std::optional<uint64_t> number = parse_unsigned(text)) {
    if (*number == 0 || *number > static_cast<uint64_t>(SIGRTMAX)) return std::nullopt;
    return static_cast<int>(*number);
  }
  std::string name = upper_case(text);
  if (name.starts_with("SIG")) name.erase(0, 3);
  for (int number = 1; number <= kLastClassic; ++number) {
    const char* known = ::sigabbrev_np(number);
    if (known != nullptr && name == known) return number;
  }
  if (name == "IOT") return SIGABRT;
  if (name == "CLD") return SIGCHLD;
  if (name == "IO") return SIGIO;
  return parse_real_time(name);
}

std::string signal_name(int number) {
  if (const char* name = ::sigabbrev_np(number)) return fmt::format("SIG{}", name);
  if (number >= SIGRTMIN && number <= SIGRTMAX)
    return number == SIGRTMIN ? "SIGRTMIN" : fmt::format("SIGRTMIN+{}", number - SIGRTMIN);
  return std::to_string(number);
}

}  // namespace myct
