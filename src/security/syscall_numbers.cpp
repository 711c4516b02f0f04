#include "syscall_numbers.hpp"

#include <seccomp.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "number_tree.hpp"

namespace myct::security {
namespace {

struct RecentCall {
  std::string_view name;
  uint32_t number;
};
/// Linux 6.5 to 6.17, which libseccomp 2.5.4 does not know. Since Linux 5.1 new calls have the same number on all
/// architectures, counted from their base.
constexpr std::array<RecentCall, 19> kRecentCalls = {{
    {"cachestat", 451},         {"fchmodat2", 452},         {"map_shadow_stack", 453}, {"futex_wake", 454},
    {"futex_wait", 455},        {"futex_requeue", 456},     {"statmount", 457},        {"listmount", 458},
    {"lsm_get_self_attr", 459}, {"lsm_set_self_attr", 460}, {"lsm_list_modules", 461}, {"mseal", 462},
    {"setxattrat", 463},        {"getxattrat", 464},        {"listxattrat", 465},      {"removexattrat", 466},
    {"open_tree_attr", 467},    {"file_getattr", 468},      {"file_setattr", 469},
}};

/// libseccomp's marks for calls that go through socketcall(2) or ipc(2) on 32-bit x86 and a few others.
constexpr bool is_socket_mark(int number) noexcept { return number <= -100 && number >= -120; }
constexpr bool is_ipc_mark(int number) noexcept { return number <= -200 && number >= -224; }

/// No architecture counts further from its base.
constexpr uint32_t kNumbersOfArchitecture = 1000;

struct FreeText {
  void operator()(char* text) const noexcept { std::free(text); }
};

std::optional<uint32_t> number_or_none(int number) noexcept {
  if (number < 0) return std::nullopt;
  return static_cast<uint32_t>(number);
}

}  // namespace

CallNumbers SyscallNumbers::find(const std::string& name) {
  const int number = ::seccomp_syscall_resolve_name_arch(architecture_, name.c_str());
  if (number >= 0) return {.own = static_cast<uint32_t>(number)};
  if (is_socket_mark(number) || is_ipc_mark(number)) {
    const char* multiplexer = is_socket_mark(number) ? "socketcall" : "ipc";
    return {.own = try_find_beside_multiplexer(name),
            .multiplexer = number_or_none(::seccomp_syscall_resolve_name_arch(architecture_, multiplexer))};
  }
  if (number != __NR_SCMP_ERROR) return {};
  const auto* recent = std::ranges::find(kRecentCalls, name, &RecentCall::name);
  if (recent == kRecentCalls.end()) return {};
  return {.own = number_base(architecture_) + recent->number};
}

std::optional<uint32_t> SyscallNumbers::try_find_beside_multiplexer(const std::string& name) {
  if (by_number_.empty()) {
    const uint32_t base = number_base(architecture_);
    for (uint32_t number = base; number < base + kNumbersOfArchitecture; ++number) {
      const std::unique_ptr<char, FreeText> found(
          ::seccomp_syscall_resolve_num_arch(architecture_, static_cast<int>(number)));
      if (found) by_number_.emplace(found.get(), number);
    }
  }
  const auto found = by_number_.find(name);
  if (found == by_number_.end()) return std::nullopt;
  return found->second;
}

}  // namespace myct::security
