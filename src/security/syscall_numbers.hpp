// The numbers under which one architecture knows a system call. See seccomp_syscall_resolve_name(3).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace myct::security {

/// How an architecture makes a call.
struct CallNumbers {
  std::optional<uint32_t> own;          ///< its own number
  std::optional<uint32_t> multiplexer;  ///< the number of socketcall(2) or ipc(2) when it can be made through them
};

/// libseccomp's numbers for one architecture, and those of calls that are newer than libseccomp.
class SyscallNumbers {
 public:
  /// `architecture` is libseccomp's token.
  explicit SyscallNumbers(uint32_t architecture) noexcept : architecture_(architecture) {}

  [[nodiscard]] uint32_t architecture() const noexcept { return architecture_; }
  /// Neither number when the architecture lacks the call.
  [[nodiscard]] CallNumbers find(const std::string& name);

 private:
  std::optional<uint32_t> try_find_beside_multiplexer(const std::string& name);

  uint32_t architecture_;
  std::map<std::string, uint32_t> by_number_;  ///< filled at the first question that needs it
};

}  // namespace myct::security
