// Changing the limits of a container that runs.
#include "myct/base/error.hpp"
#include "myct/cgroup/cgroup.hpp"
#include "myct/cgroup/device_filter.hpp"
#include "myct/cgroup/limits.hpp"
#include "myct/engine/engine.hpp"

namespace myct::engine {

void update(const std::string& cgroup, const oci::Resources& resources) {
  if (cgroup.empty())
    throw Error(ErrorKind::Unsupported, "cannot change limits: the container has no control group", 0,
                "this host has no cgroup v2 hierarchy that myct may write to");
  // Compiled before anything is changed, and set last: it is the one that cannot be read back.
  const std::vector<bpf_insn> program = cgroup::device_program(resources.devices);
  cgroup::update_limits(cgroup, resources);
  if (resources.devices.empty()) return;
  cgroup::replace_device_filter(cgroup::Cgroup::open(cgroup).directory(), program);
}

}  // namespace myct::engine
