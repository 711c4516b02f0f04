// Resource limits and the OOM score, both kept across exec.
#include <fcntl.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "child/steps.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"

namespace myct::engine {
namespace {

/// A machine whose root has no CAP_SYS_RESOURCE may lower limits only: take what it gives and say so.
void set_limit_as_far_as_allowed(pid_t pid, const LimitPlan& plan) {
  const auto resource = static_cast<__rlimit_resource>(plan.resource);
  rlimit current{};
  if (::prlimit(pid, resource, nullptr, &current) == -1) throw_errno("read {}", plan.name);
  const rlimit reachable{.rlim_cur = std::min(plan.limit.rlim_cur, current.rlim_max),
                         .rlim_max = std::min(plan.limit.rlim_max, current.rlim_max)};
  if (::prlimit(pid, resource, &reachable, nullptr) == -1) throw_errno("set {}", plan.name);
  log::warning("{} is {} instead of {}: raising a limit needs CAP_SYS_RESOURCE, which this machine withholds",
               plan.name, reachable.rlim_max, plan.limit.rlim_max);
}

}  // namespace

void set_limits_of(pid_t pid, const ChildPlan& plan) {
  for (const LimitPlan& limit : plan.limits) {
    if (::prlimit(pid, static_cast<__rlimit_resource>(limit.resource), &limit.limit, nullptr) == 0) continue;
    if (errno != EPERM) throw_errno("set {} to {}:{}", limit.name, limit.limit.rlim_cur, limit.limit.rlim_max);
    set_limit_as_far_as_allowed(pid, limit);
  }
}

void set_limits(const ChildPlan& plan) { set_limits_of(0, plan); }

void set_scheduling(const ChildPlan& plan) {
  if (plan.scheduler) {
    struct {  // struct sched_attr of <linux/sched/types.h>, which cannot be included beside <sched.h>
      uint32_t size;
      uint32_t policy;
      uint64_t flags;
      int32_t nice;
      uint32_t priority;
      uint64_t runtime;
      uint64_t deadline;
      uint64_t period;
    } attributes{.size = 0,
                 .policy = plan.scheduler->policy,
                 .flags = plan.scheduler->flags,
                 .nice = plan.scheduler->nice,
                 .priority = plan.scheduler->priority,
                 .runtime = plan.scheduler->runtime,
                 .deadline = plan.scheduler->deadline,
                 .period = plan.scheduler->period};
    attributes.size = sizeof attributes;
    if (::syscall(SYS_sched_setattr, 0, &attributes, 0) == -1) throw_errno("set the scheduler");
  }
  constexpr int kProcess = 1;  // IOPRIO_WHO_PROCESS of ioprio_set(2)
  if (plan.io_priority && ::syscall(SYS_ioprio_set, kProcess, 0, *plan.io_priority) == -1)
    throw_errno("set the I/O priority");
}

void set_personality(unsigned long personality) {
  if (::personality(personality) == -1) throw_errno("set the personality");
}

namespace {

void write_oom_score(const std::string& path, int score) {
  const Fd fd = open_path(path, O_WRONLY);
  const std::string text = std::to_string(score);
  if (::write(fd.get(), text.data(), text.size()) != -1) return;
  const int errnum = errno;
  throw Error(kind_of_errno(errnum), fmt::format("set the OOM score to {}", text), errnum,
              errnum == EACCES ? "a score below that of myct itself needs CAP_SYS_RESOURCE" : "");
}

}  // namespace

void set_oom_score(const ChildPlan& plan) {
  if (plan.oom_score_adj) write_oom_score("/proc/self/oom_score_adj", *plan.oom_score_adj);
}

void set_oom_score_of(pid_t pid, const ChildPlan& plan) {
  if (plan.oom_score_adj) write_oom_score(fmt::format("/proc/{}/oom_score_adj", pid), *plan.oom_score_adj);
}

}  // namespace myct::engine
