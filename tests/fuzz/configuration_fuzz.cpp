// config.json, as whoever made the bundle has it: whatever it says, it is taken or refused by an Error; what is taken
// can be written and read again and says the same, and so do the parts that are computed from it before anything is
// made.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mount_options.hpp"
#include "myct/base/error.hpp"
#include "myct/cgroup/device_filter.hpp"
#include "myct/cgroup/limits.hpp"
#include "myct/security/capabilities.hpp"
#include "myct/security/seccomp.hpp"
#include "myct/spec/runtime_spec.hpp"

namespace {

using namespace myct;

/// Each part by itself: one that is refused keeps no other from being tried.
template <typename Work>
void try_part(const Work& work) {
  try {
    work();
  } catch (const Error&) {
  }
}

void compute(const oci::Spec& spec) {
  for (const oci::Mount& mount : spec.mounts) try_part([&] { (void)engine::plan_mount(mount); });
  try_part([&] { (void)engine::parse_propagation(spec.linux_.rootfs_propagation); });
  try_part([&] { (void)cgroup::settings_of(spec.linux_.resources); });
  try_part([&] { (void)cgroup::device_program(spec.linux_.resources.devices); });
  if (spec.process.capabilities)
    try_part([&] {
      (void)security::plan_capabilities(*spec.process.capabilities, security::user_namespace_capabilities());
    });
  if (spec.linux_.seccomp) {
    try_part([&] { (void)security::seccomp_flags(*spec.linux_.seccomp); });
    try_part([&] { (void)security::compile_seccomp(*spec.linux_.seccomp); });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  oci::Spec spec;
  try {
    spec = oci::spec_from_json(text, "config.json");
  } catch (const Error&) {
    return 0;
  }
  const std::string written = oci::to_json(spec);
  if (oci::to_json(oci::spec_from_json(written, "config.json written anew")) != written) std::abort();
  compute(spec);
  return 0;
}
