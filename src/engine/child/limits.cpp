// Resource limits and the OOM score, both kept across exec.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "child/steps.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"

namespace myct::engine {
namespace {

/// A machine whose root has no CAP_SYS_RESOURCE may lower limits only: take what it gives and say so.
void set_limit_as_far_as_allowed(const LimitPlan& plan) {
  rlimit current{};
  if (::getrlimit(static_cast<__rlimit_resource_t>(plan.resource), &current) == -1) throw_errno("read {}", plan.name);
  rlimit reachable{.rlim_cur = std::min(plan.limit.rlim_cur, current.rlim_max),
                   .rlim_max = std::min(plan.limit.rlim_max, current.rlim_max)};
  if (::setrlimit(static_cast<__rlimit_resource_t>(plan.resource), &reachable) == -1) throw_errno("set {}", plan.name);
  log::warning("{} is {} instead of {}: raising a limit needs CAP_SYS_RESOURCE, which this machine withholds",
               plan.name, reachable.rlim_max, plan.limit.rlim_max);
}

}  // namespace

void set_limits(const ChildPlan& plan) {
  for (const LimitPlan& limit : plan.limits) {
    if (::setrlimit(static_cast<__rlimit_resource_t>(limit.resource), &limit.limit) == 0) continue;
    if (errno != EPERM) throw_errno("set {} to {}:{}", limit.name, limit.limit.rlim_cur, limit.limit.rlim_max);
    set_limit_as_far_as_allowed(limit);
  }
}

void set_oom_score(const ChildPlan& plan) {
  if (!plan.oom_score_adj) return;
  const Fd fd = open_path("/proc/self/oom_score_adj", O_WRONLY);
  const std::string score = std::to_string(*plan.oom_score_adj);
  if (::write(fd.get(), score.data(), score.size()) != -1) return;
  const int errnum = errno;
  throw Error(kind_of_errno(errnum), fmt::format("set the OOM score to {}", score), errnum,
              errnum == EACCES ? "a score below that of myct itself needs CAP_SYS_RESOURCE" : "");
}

}  // namespace myct::engine
