// Capabilities: names, Docker's choice, and giving them to a container's process. See capabilities(7).
//
// Choosing and planning run in the parent; the functions that end this header run in the child, on plain masks.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace myct::oci {
struct Capabilities;
}

namespace myct::security {

/// A set of capabilities, held as the kernel's mask: bit N stands for capability number N.
class CapabilitySet {
 public:
  constexpr CapabilitySet() noexcept = default;
  explicit constexpr CapabilitySet(uint64_t mask) noexcept : mask_(mask) {}

  [[nodiscard]] constexpr uint64_t mask() const noexcept { return mask_; }
  [[nodiscard]] constexpr bool empty() const noexcept { return mask_ == 0; }
  /// Whether capability number `number` (CAP_KILL, …) is in the set.
  [[nodiscard]] constexpr bool has(int number) const noexcept { return (mask_ >> number & 1) != 0; }
  constexpr CapabilitySet& add(int number) noexcept {
    mask_ |= uint64_t{1} << number;
    return *this;
  }

  friend constexpr CapabilitySet operator|(CapabilitySet a, CapabilitySet b) noexcept {
    return CapabilitySet(a.mask_ | b.mask_);
  }
  friend constexpr CapabilitySet operator&(CapabilitySet a, CapabilitySet b) noexcept {
    return CapabilitySet(a.mask_ & b.mask_);
  }
  /// What is in `a` and not in `b`.
  friend constexpr CapabilitySet operator-(CapabilitySet a, CapabilitySet b) noexcept {
    return CapabilitySet(a.mask_ & ~b.mask_);
  }
  constexpr bool operator==(const CapabilitySet&) const noexcept = default;

 private:
  uint64_t mask_ = 0;
};

/// Docker's 14: CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT
/// MKNOD AUDIT_WRITE SETFCAP.
inline constexpr CapabilitySet kDockerDefaultCapabilities{0xa80425fb};

/// The number of "net_admin", "NET_ADMIN" or "CAP_NET_ADMIN", in any case; nullopt for anything else.
[[nodiscard]] std::optional<int> try_parse_capability(std::string_view name) noexcept;
/// The same, but throws Error{Invalid} `unknown capability: "CAP_X"`.
[[nodiscard]] int parse_capability(std::string_view name);
/// "CAP_NET_ADMIN"; "CAP_41" for one that has no name here.
[[nodiscard]] std::string capability_name(int number);
/// Names with "CAP_", by number.
[[nodiscard]] std::vector<std::string> capability_names(CapabilitySet set);
/// Throws Error{Invalid} at the first unknown name.
[[nodiscard]] CapabilitySet parse_capabilities(std::span<const std::string> names);

/// Every capability that the running kernel and this program know, whether or not this process has it.
[[nodiscard]] CapabilitySet kernel_capabilities() noexcept;

/// Docker's algorithm for --cap-add and --cap-drop. "ALL" in `adds`: `all` without `drops`; "ALL" in `drops`: exactly
/// `adds`; otherwise Docker's default without `drops` and then with `adds`, so that adding wins. `all` is what "ALL"
/// stands for, normally kernel_capabilities(). Throws Error{Invalid} on an unknown name.
[[nodiscard]] CapabilitySet select_capabilities(std::span<const std::string> adds, std::span<const std::string> drops,
                                                CapabilitySet all);

/// What Docker gives a process: bounding, effective and permitted alike. Inheritable and ambient stay empty, so
/// that a file with inheritable capabilities gains nothing (CVE-2022-24769) and a user other than root has none.
[[nodiscard]] oci::Capabilities oci_capabilities(CapabilitySet set);

/// What a process may hand on.
struct AvailableCapabilities {
  CapabilitySet bounding;
  CapabilitySet permitted;
};
/// This process's own sets: the limit for a container without a user namespace of its own.
[[nodiscard]] AvailableCapabilities current_capabilities();
/// The limit for a container with a new user namespace: its first process has every capability in it.
[[nodiscard]] AvailableCapabilities user_namespace_capabilities() noexcept;

/// What the child has to do, as plain masks.
struct CapabilityPlan {
  CapabilitySet bounding;
  CapabilitySet effective;
  CapabilitySet permitted;
  CapabilitySet inheritable;
  CapabilitySet ambient;
  CapabilitySet bounding_drops;  ///< what the child has in its bounding set and must not keep
};

struct PlannedCapabilities {
  CapabilityPlan plan;
  /// Names that were asked for and cannot be given: not in `available`, or unknown to this program. The OCI
  /// specification wants a warning and no failure.
  std::vector<std::string> missing;
};
/// Makes the plan for a process that starts out with `available`. Sets that the kernel would refuse together are cut
/// down: effective to permitted, inheritable to bounding, ambient to permitted and inheritable.
[[nodiscard]] PlannedCapabilities plan_capabilities(const oci::Capabilities& wanted,
                                                    const AvailableCapabilities& available);

// --- in the child, in this order; each throws Error --------------------------------------------------------------

/// Takes `plan.bounding_drops` out of the bounding set; needs CAP_SETPCAP.
void drop_bounding_set(const CapabilityPlan& plan);
/// Lets the permitted set survive the change to a user other than root (PR_SET_KEEPCAPS); cleared by execve.
void keep_capabilities();
/// Sets permitted, effective and inheritable; after the user has changed.
void apply_capabilities(const CapabilityPlan& plan);
/// Fills the ambient set; after apply_capabilities.
void raise_ambient(const CapabilityPlan& plan);

}  // namespace myct::security
