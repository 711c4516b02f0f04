// Changing the limits of a control group that is in use.
#include "myct/base/error.hpp"
#include "myct/engine/engine.hpp"

namespace myct::engine {

void update(const std::string& cgroup, const oci::Resources& /*resources*/) {
  throw_error(ErrorKind::Unsupported, "change the limits of cgroup '{}': this build cannot", cgroup);
}

}  // namespace myct::engine
