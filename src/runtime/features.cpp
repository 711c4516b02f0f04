// What this runtime can do, and what a configuration looks like.
#include "myct/base/json.hpp"
#include "myct/base/units.hpp"
#include "myct/engine/engine.hpp"
#include "myct/runtime/runtime.hpp"
#include "myct/security/capabilities.hpp"
#include "myct/security/defaults.hpp"
#include "myct/security/seccomp.hpp"
#include "myct/spec/runtime_state.hpp"

namespace myct::runtime {
namespace {

using json::Value;

Value seccomp_value() {
  return {{"enabled", true},
          {"actions",
           {"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
            "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP"}},
          {"operators",
           {"SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ",
            "SCMP_CMP_NE"}},
          {"archs",
           {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM", "SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS64N32",
            "SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC", "SCMP_ARCH_PPC64",
            "SCMP_ARCH_PPC64LE", "SCMP_ARCH_RISCV64", "SCMP_ARCH_S390", "SCMP_ARCH_S390X", "SCMP_ARCH_X32",
            "SCMP_ARCH_X86", "SCMP_ARCH_X86_64"}},
          {"knownFlags", security::known_seccomp_flags()},
          {"supportedFlags", security::known_seccomp_flags()}};
}

oci::Spec example() {
  oci::Spec spec;
  spec.oci_version = oci::kVersion;
  spec.hostname = "myct";
  spec.root = {.path = "rootfs", .readonly = true};
  spec.process.terminal = true;
  spec.process.args = {"sh"};
  spec.process.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"};
  spec.process.no_new_privileges = true;
  spec.process.rlimits = {{.type = "RLIMIT_NOFILE", .hard = 1024, .soft = 1024}};
  const std::vector<std::string> names = {"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"};
  spec.process.capabilities = oci::Capabilities{.bounding = names, .effective = names, .permitted = names};
  spec.mounts = {
      {.destination = "/proc", .type = "proc", .source = "proc"},
      {.destination = "/dev",
       .type = "tmpfs",
       .source = "tmpfs",
       .options = {"nosuid", "strictatime", "mode=755", "size=65536k"}},
      {.destination = "/dev/pts",
       .type = "devpts",
       .source = "devpts",
       .options = {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
      {.destination = "/dev/shm",
       .type = "tmpfs",
       .source = "shm",
       .options = {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
      {.destination = "/dev/mqueue", .type = "mqueue", .source = "mqueue", .options = {"nosuid", "noexec", "nodev"}},
      {.destination = "/sys", .type = "sysfs", .source = "sysfs", .options = {"nosuid", "noexec", "nodev", "ro"}},
      {.destination = "/sys/fs/cgroup",
       .type = "cgroup",
       .source = "cgroup",
       .options = {"nosuid", "noexec", "nodev", "relatime", "ro"}},
  };
  for (const char* type : {"pid", "network", "ipc", "uts", "mount", "cgroup"})
    spec.linux_.namespaces.push_back({.type = type});
  spec.linux_.resources.devices = {oci::DeviceRule{}};
  spec.linux_.masked_paths = security::default_masked_paths();
  spec.linux_.readonly_paths = security::default_readonly_paths();
  return spec;
}

}  // namespace

std::string example_spec() { return Value::parse(oci::to_json(example())).dump(4) + "\n"; }

std::string features() {
  Value value{{"ociVersionMin", "1.0.0"},
              {"ociVersionMax", oci::kVersion},
              {"hooks", {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}},
              {"mountOptions", engine::mount_option_names()}};
  value["linux"] = {
      {"namespaces", {"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"}},
      {"capabilities", security::capability_names(security::kernel_capabilities())},
      {"cgroup", {{"v1", false}, {"v2", true}, {"systemd", true}, {"systemdUser", false}, {"rdma", false}}},
      {"seccomp", seccomp_value()},
      {"apparmor", {{"enabled", true}}},
      {"selinux", {{"enabled", true}}},
      {"intelRdt", {{"enabled", false}}},
      {"mountExtensions", {{"idmap", {{"enabled", true}}}}}};
  value["potentiallyUnsafeConfigAnnotations"] = Value::array();
  return value.dump(4) + "\n";
}

}  // namespace myct::runtime
