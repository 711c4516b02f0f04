#include "myct/security/seccomp_default.hpp"

#include <seccomp.h>
#include <sys/utsname.h>

#include <charconv>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "myct/base/error.hpp"
#include "seccomp_table.hpp"

namespace myct::security {
namespace {

constexpr const char* kAllow = "SCMP_ACT_ALLOW";
constexpr const char* kRefuse = "SCMP_ACT_ERRNO";
constexpr size_t kExpectedNames = 450;

/// Calls `use` with each word of a list between blanks.
template <typename Use>
void for_each_word(std::string_view list, Use use) {
  while (!list.empty()) {
    const size_t end = list.find(' ');
    use(list.substr(0, end));
    if (end == std::string_view::npos) return;
    list.remove_prefix(end + 1);
  }
}

std::string_view first_word(std::string_view list) { return list.substr(0, list.find(' ')); }

std::vector<std::string> architectures_of(std::string_view machine) {
  std::vector<std::string> names;
  const auto add = [&names](std::string_view name) { names.emplace_back(name); };
  for (const Machine& entry : kMachines)
    if (first_word(entry.architectures) == machine) for_each_word(entry.architectures, add);
  return names;
}

/// Names allowed whatever their arguments are.
oci::SeccompRule plain_rule(CapabilitySet bounding, const SeccompTarget& target) {
  oci::SeccompRule rule{.action = kAllow};
  rule.names.reserve(kExpectedNames);
  const auto allow = [&rule](std::string_view name) { rule.names.emplace_back(name); };
  for (const std::string_view group : kAlwaysAllowed) for_each_word(group, allow);
  if (std::pair(target.kernel_major, target.kernel_minor) >= std::pair(4U, 8U)) for_each_word(kSinceLinux48, allow);
  for (const MachineGroup& group : kMachineGroups)
    if (group.architecture == target.architecture) for_each_word(group.names, allow);
  for (const CapabilityGroup& group : kCapabilityGroups)
    if (bounding.has(group.capability)) for_each_word(group.names, allow);
  return rule;
}

oci::SeccompRule rule_on_argument(const char* name, uint32_t index, const char* op, uint64_t value,
                                  uint64_t value_two = 0) {
  return {
      .names = {name}, .action = kAllow, .args = {{.index = index, .value = value, .value_two = value_two, .op = op}}};
}

void add_socket_rules(std::vector<oci::SeccompRule>& rules) {
  static_assert(kAddressFamilyCrypto + 2 == kAddressFamilyVsock, "one family between the two");
  rules.push_back(rule_on_argument("socket", 0, "SCMP_CMP_LT", kAddressFamilyCrypto));
  rules.push_back(rule_on_argument("socket", 0, "SCMP_CMP_EQ", kAddressFamilyCrypto + 1));
  rules.push_back(rule_on_argument("socket", 0, "SCMP_CMP_GT", kAddressFamilyVsock));
}

void add_personality_rules(std::vector<oci::SeccompRule>& rules) {
  for (const uint64_t value : kAllowedPersonalities)
    rules.push_back(rule_on_argument("personality", 0, "SCMP_CMP_EQ", value));
}

/// Threads and processes, but no namespaces. A filter cannot look into clone3's structure, so clone3 seems not to be
/// there, and libc falls back to clone.
void add_clone_rules(std::vector<oci::SeccompRule>& rules, std::string_view architecture) {
  const bool flags_second = architecture == "SCMP_ARCH_S390X" || architecture == "SCMP_ARCH_S390";
  rules.push_back(rule_on_argument("clone", flags_second ? 1 : 0, "SCMP_CMP_MASKED_EQ", kCloneNamespaceFlags, 0));
  rules.push_back({.names = {"clone3"}, .action = kRefuse, .errno_ret = ENOSYS});
}

}  // namespace

SeccompTarget running_machine() {
  SeccompTarget target;
  for (const Machine& machine : kMachines)
    if (machine.audit_architecture == ::seccomp_arch_native()) target.architecture = first_word(machine.architectures);
  utsname system{};
  if (::uname(&system) == -1) throw_errno("read the kernel's version");
  const char* end = std::end(system.release);
  const auto [dot, error] = std::from_chars(std::begin(system.release), end, target.kernel_major);
  if (error != std::errc{} || *dot != '.' || std::from_chars(dot + 1, end, target.kernel_minor).ec != std::errc{})
    throw_error(ErrorKind::Internal, "kernel version '{}' is no version", std::begin(system.release));
  return target;
}

oci::Seccomp default_seccomp(CapabilitySet bounding, const SeccompTarget& target) {
  oci::Seccomp profile{.default_action = kRefuse, .default_errno_ret = EPERM};
  profile.architectures = architectures_of(target.architecture);
  profile.syscalls.push_back(plain_rule(bounding, target));
  add_socket_rules(profile.syscalls);
  add_personality_rules(profile.syscalls);
  if (!bounding.has(CAP_SYS_ADMIN)) add_clone_rules(profile.syscalls, target.architecture);
  return profile;
}

}  // namespace myct::security
