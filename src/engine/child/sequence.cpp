#include "child/sequence.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "myct/base/log.hpp"
#include "myct/security/seccomp.hpp"

namespace myct::engine {
namespace {

/// Fault injection: MYCT_FAIL_AT=<Step> makes that step fail, MYCT_KILL_AT=<Step> kills the child in it.
void fail_if_asked([[maybe_unused]] Step step) {
#ifdef MYCT_FAULT_INJECTION
  if (const char* name = std::getenv("MYCT_FAIL_AT"); name != nullptr && step_from_name(name) == step) {
    errno = EIO;
    throw_errno("injected failure");
  }
  if (const char* name = std::getenv("MYCT_KILL_AT"); name != nullptr && step_from_name(name) == step) ::raise(SIGKILL);
#endif
}

/// Handlers do not survive exec, but ignored signals and the mask do.
void reset_signals() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &action, nullptr);  // fails for KILL and STOP
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

Steps::Steps(const ChildContext& context) noexcept : context_(context) { ::clock_gettime(CLOCK_MONOTONIC, &began_); }

void Steps::enter(Step step) {
  if (log::level() <= log::Level::Debug) report();
  context_.step.set(step);
  fail_if_asked(step);
}

void Steps::report() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const long microseconds = (now.tv_sec - began_.tv_sec) * 1'000'000 + (now.tv_nsec - began_.tv_nsec) / 1000;
  if (context_.step.get() != Step::None)
    log::debug("child: {} took {} us", step_name(context_.step.get()), microseconds);
  began_ = now;
}

void die_with_parent(const ChildContext& context) {
  if (context.plan.die_with_parent == DieWithParent::No) return;
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) == -1) throw_errno("ask to be killed with the parent");
  pollfd socket{.fd = context.parent.fd().get(), .events = 0, .revents = 0};
  if (::poll(&socket, 1, 0) == 1 && (socket.revents & POLLHUP) != 0) ::_exit(kExitOwnFailure);
}

void keep_only_streams(Handshake& parent, const int (&streams)[3]) {
  // None of the sources is below 3 unless it is in place already, so no dup2 overwrites a later source.
  for (int target = 0; target < 3; ++target) {
    if (streams[target] == target) continue;
    if (::dup2(streams[target], target) == -1) throw_errno("connect standard stream {}", target);
  }
  constexpr int kConversation = 3;
  parent.move_to(kConversation);
  close_from(kConversation + 1);
}

void restrict_process(Steps& steps, const ChildContext& context) {
  const ChildPlan& plan = context.plan;
  hand_over_pipes(plan.identity);

  steps.enter(Step::SetLimits);
  set_limits(plan);

  steps.enter(Step::RestrictSyscalls);
  // Without no_new_privs the filter needs CAP_SYS_ADMIN, which set_identity gives up: so it comes first.
  set_no_new_privileges(plan.identity);
  if (!plan.seccomp.empty() && !plan.identity.no_new_privileges)
    security::install_seccomp(plan.seccomp, plan.seccomp_flags);

  steps.enter(Step::EnterWorkingDirectory);
  const bool entered = try_enter_working_directory(plan.program.cwd);

  steps.enter(Step::SetIdentity);
  set_identity(plan.identity);
  die_with_parent(context);
  // A directory that root may not enter, on a network file system, may be open to the user.
  if (!entered) enter_working_directory(plan.program.cwd);
}

void execute(Steps& steps, const ChildContext& context) {
  const ChildPlan& plan = context.plan;

  steps.enter(Step::ExecProcess);
  const std::string program = find_program(plan.program);
  context.parent.send(Tag::Ready);
  reset_signals();
  if (!plan.seccomp.empty() && plan.identity.no_new_privileges)
    security::install_seccomp(plan.seccomp, plan.seccomp_flags);
  exec_program(program, plan.program);
}

}  // namespace myct::engine
