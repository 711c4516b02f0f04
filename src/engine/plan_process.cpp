// The program of a container, who it is, and what it is held to.
#include "plan_process.hpp"

#include <linux/ioprio.h>
#include <linux/sched.h>
#include <sys/personality.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/security/seccomp.hpp"

namespace myct::engine {
namespace {

struct RlimitName {
  std::string_view name;
  int resource;
};
constexpr std::array kRlimits = {
    RlimitName{"RLIMIT_AS", RLIMIT_AS},
    RlimitName{"RLIMIT_CORE", RLIMIT_CORE},
    RlimitName{"RLIMIT_CPU", RLIMIT_CPU},
    RlimitName{"RLIMIT_DATA", RLIMIT_DATA},
    RlimitName{"RLIMIT_FSIZE", RLIMIT_FSIZE},
    RlimitName{"RLIMIT_LOCKS", RLIMIT_LOCKS},
    RlimitName{"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    RlimitName{"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    RlimitName{"RLIMIT_NICE", RLIMIT_NICE},
    RlimitName{"RLIMIT_NOFILE", RLIMIT_NOFILE},
    RlimitName{"RLIMIT_NPROC", RLIMIT_NPROC},
    RlimitName{"RLIMIT_RSS", RLIMIT_RSS},
    RlimitName{"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    RlimitName{"RLIMIT_RTTIME", RLIMIT_RTTIME},
    RlimitName{"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    RlimitName{"RLIMIT_STACK", RLIMIT_STACK},
};

void plan_limits(const oci::Spec& spec, ChildPlan& plan) {
  for (const oci::Rlimit& limit : spec.process.rlimits) {
    const auto* known = std::find_if(kRlimits.begin(), kRlimits.end(),
                                     [&](const RlimitName& candidate) { return candidate.name == limit.type; });
    if (known == kRlimits.end()) throw_error(ErrorKind::Invalid, "process.rlimits: unknown type '{}'", limit.type);
    plan.limits.push_back(
        {.resource = known->resource, .name = limit.type, .limit = {.rlim_cur = limit.soft, .rlim_max = limit.hard}});
  }
  plan.oom_score_adj = spec.process.oom_score_adj;
}

void plan_identity(const oci::Process& process, const security::AvailableCapabilities& available,
                   IdentityPlan& identity) {
  identity.uid = process.user.uid;
  identity.gid = process.user.gid;
  identity.groups.assign(process.user.additional_gids.begin(), process.user.additional_gids.end());
  if (process.user.umask) identity.umask = *process.user.umask;
  identity.no_new_privileges = process.no_new_privileges;
  identity.apparmor_profile = process.apparmor_profile;
  identity.selinux_label = process.selinux_label;
  if (!process.apparmor_profile.empty() && !path_exists("/sys/kernel/security/apparmor") &&
      !path_exists("/sys/module/apparmor"))
    throw Error(ErrorKind::Unsupported, fmt::format("take AppArmor profile '{}'", process.apparmor_profile), 0,
                "this kernel runs without AppArmor");
  if (!process.selinux_label.empty() && !path_exists("/sys/fs/selinux/enforce"))
    throw Error(ErrorKind::Unsupported, fmt::format("take SELinux label '{}'", process.selinux_label), 0,
                "this kernel runs without SELinux");
  if (!process.capabilities) return;
  security::PlannedCapabilities planned = security::plan_capabilities(*process.capabilities, available);
  for (const std::string& name : planned.missing)
    log::warning("{} cannot be given to the container: this machine withholds it from root", name);
  identity.capabilities = planned.plan;
  // execve(2) takes all but the ambient ones from a user other than root. They go before it already, or they would
  // let the user execute what only root may.
  if (identity.uid != 0) identity.capabilities->effective = planned.plan.ambient;
}

void plan_program(const oci::Process& process, ProgramPlan& program) {
  if (process.args.empty()) throw_error(ErrorKind::Invalid, "process.args is empty");
  if (!process.cwd.starts_with('/'))
    throw_error(ErrorKind::Invalid, "process.cwd '{}' is not an absolute path", process.cwd);
  program.args = process.args;
  program.env = process.env;
  program.cwd = process.cwd;
  for (const std::string& variable : process.env)
    if (variable.starts_with("PATH=")) program.search_path = variable.substr(5);
}

template <typename Number, size_t N>
Number number_of(const std::array<std::pair<std::string_view, Number>, N>& table, const std::string& name,
                 std::string_view member) {
  for (const auto& [known, number] : table)
    if (known == name) return number;
  throw_error(ErrorKind::Invalid, "{}: unknown value '{}'", member, name);
}

using Name = std::pair<std::string_view, uint64_t>;
// <linux/sched.h>
constexpr std::array kPolicies = {
    Name{"SCHED_OTHER", SCHED_NORMAL},     Name{"SCHED_FIFO", SCHED_FIFO}, Name{"SCHED_RR", SCHED_RR},
    Name{"SCHED_BATCH", SCHED_BATCH},      Name{"SCHED_ISO", 4},           Name{"SCHED_IDLE", SCHED_IDLE},
    Name{"SCHED_DEADLINE", SCHED_DEADLINE}};
constexpr std::array kSchedulerFlags = {Name{"SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK},
                                        Name{"SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM},
                                        Name{"SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN},
                                        Name{"SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY},
                                        Name{"SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS},
                                        Name{"SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN},
                                        Name{"SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX}};
constexpr std::array kIoClasses = {Name{"IOPRIO_CLASS_RT", IOPRIO_CLASS_RT}, Name{"IOPRIO_CLASS_BE", IOPRIO_CLASS_BE},
                                   Name{"IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE}};
constexpr std::array kPersonalities = {Name{"LINUX", PER_LINUX}, Name{"LINUX32", PER_LINUX32}};

void plan_scheduling(const oci::Process& process, ChildPlan& plan) {
  if (process.scheduler) {
    const oci::Scheduler& wanted = *process.scheduler;
    SchedulerPlan planned{.nice = wanted.nice,
                          .priority = static_cast<uint32_t>(wanted.priority),
                          .runtime = wanted.runtime,
                          .deadline = wanted.deadline,
                          .period = wanted.period};
    planned.policy = static_cast<uint32_t>(number_of(kPolicies, wanted.policy, "process.scheduler.policy"));
    for (const std::string& flag : wanted.flags)
      planned.flags |= number_of(kSchedulerFlags, flag, "process.scheduler.flags");
    plan.scheduler = planned;
  }
  if (process.io_priority)
    plan.io_priority = static_cast<int>(
        IOPRIO_PRIO_VALUE(number_of(kIoClasses, process.io_priority->priority_class, "process.ioPriority.class"),
                          static_cast<uint64_t>(process.io_priority->priority)));
}

void plan_personality(const oci::Linux& section, ChildPlan& plan) {
  if (!section.personality) return;
  if (!section.personality->flags.empty())
    throw_error(ErrorKind::Unsupported, "linux.personality.flags: '{}' is not supported",
                section.personality->flags.front());
  plan.personality = number_of(kPersonalities, section.personality->domain, "linux.personality.domain");
}

void plan_seccomp(const oci::Seccomp& profile, const SpawnOptions& options, ChildPlan& plan) {
  plan.seccomp_flags = security::seccomp_flags(profile);
  plan.seccomp = options.seccomp_cache.empty() ? security::compile_seccomp(profile)
                                               : security::load_or_compile_seccomp(profile, options.seccomp_cache);
  if (!security::notifies(profile)) return;
  if (profile.listener_path.empty())
    throw_error(ErrorKind::Invalid, "linux.seccomp: SCMP_ACT_NOTIFY needs a listenerPath");
  plan.listener_path = profile.listener_path;
  plan.listener_metadata = profile.listener_metadata;
}

}  // namespace

void plan_process(const oci::Spec& spec, const SpawnOptions& options, const security::AvailableCapabilities& available,
                  ChildPlan& plan) {
  plan.die_with_parent = options.lifetime == Lifetime::TiedToParent ? DieWithParent::Yes : DieWithParent::No;
  plan_limits(spec, plan);
  plan_identity(spec.process, available, plan.identity);
  plan_scheduling(spec.process, plan);
  plan_personality(spec.linux_, plan);
  plan.keyring = options.keyring;
  plan.preserved_descriptors = options.preserved_descriptors;
  plan.lasting_state = options.lasting_state;
  plan.terminal.wanted = spec.process.terminal;
  if (spec.process.console_size) {
    plan.terminal.rows = spec.process.console_size->height;
    plan.terminal.columns = spec.process.console_size->width;
  }
  if (spec.linux_.seccomp) plan_seccomp(*spec.linux_.seccomp, options, plan);
  plan_program(spec.process, plan.program);
}

}  // namespace myct::engine
