// Docker's default seccomp policy.
#pragma once

#include <cstdint>
#include <string_view>

#include "myct/security/capabilities.hpp"
#include "myct/spec/runtime_spec.hpp"

namespace myct::security {

/// What the default policy depends on besides capabilities.
struct SeccompTarget {
  std::string_view architecture;  ///< "SCMP_ARCH_X86_64", …
  uint32_t kernel_major = 0;
  uint32_t kernel_minor = 0;
};
/// This machine's, from uname(2).
[[nodiscard]] SeccompTarget running_machine();

/// Docker's default policy as it applies to a container with `bounding` as its bounding set: what needs a
/// capability is allowed only with it. Everything that is not named is refused with EPERM.
[[nodiscard]] oci::Seccomp default_seccomp(CapabilitySet bounding, const SeccompTarget& target = running_machine());

}  // namespace myct::security
