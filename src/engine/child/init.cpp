// The child's table of contents: process 1 of the container, born by clone3 in its cgroup and namespaces.
//
// It runs as the caller's user (root), single-threaded, with all signals blocked, and may only include base and
// plan.hpp. Whatever fails is an Error that is sent to the parent with the step it happened in; it never returns
// into the parent's frames, so no destructor of the parent's objects runs here.
#include "child/init.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>

#include "child/steps.hpp"
#include "myct/base/log.hpp"
#include "myct/security/seccomp.hpp"

namespace myct::engine {
namespace {

void send_log_line(void* context, log::Level level, std::string_view text) {
  Packet packet;
  packet.tag = Tag::Log;
  packet.detail = static_cast<uint32_t>(level);
  packet.set_text(text);
  try {
    static_cast<const ChildContext*>(context)->parent.send(packet);
  } catch (const Error&) {
    // A parent that is gone reads no log.
  }
}

/// Marks the step that is being taken, and at debug level says how long the one before took.
class Steps {
 public:
  explicit Steps(const ChildContext& context) noexcept : context_(context) {
    ::clock_gettime(CLOCK_MONOTONIC, &began_);
  }

  void enter(Step step) {
    if (log::level() <= log::Level::Debug) report();
    context_.step.set(step);
    fail_if_asked(step);
  }

 private:
  void report() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const long microseconds = (now.tv_sec - began_.tv_sec) * 1'000'000 + (now.tv_nsec - began_.tv_nsec) / 1000;
    if (context_.step.get() != Step::None)
      log::debug("child: {} took {} us", step_name(context_.step.get()), microseconds);
    began_ = now;
  }

  /// Fault injection: MYCT_FAIL_AT=<Step> makes that step fail, MYCT_KILL_AT=<Step> kills the child in it.
  static void fail_if_asked([[maybe_unused]] Step step) {
#ifdef MYCT_FAULT_INJECTION
    if (const char* name = std::getenv("MYCT_FAIL_AT"); name != nullptr && step_from_name(name) == step) {
      errno = EIO;
      throw_errno("injected failure");
    }
    if (const char* name = std::getenv("MYCT_KILL_AT"); name != nullptr && step_from_name(name) == step)
      ::raise(SIGKILL);
#endif
  }

  const ChildContext& context_;
  timespec began_{};
};

/// Ends this process when the parent does. Credential changes clear it (prctl(2)), so it is asked for again after
/// them; the parent may have died before, which the closed socket tells (getppid() is 0 across pid namespaces).
void die_with_parent(const ChildContext& context) {
  if (context.plan.die_with_parent == DieWithParent::No) return;
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) == -1) throw_errno("ask to be killed with the parent");
  pollfd socket{.fd = context.parent.fd().get(), .events = 0, .revents = 0};
  if (::poll(&socket, 1, 0) == 1 && (socket.revents & POLLHUP) != 0) ::_exit(kExitOwnFailure);
}

/// Makes the streams the program's 0, 1 and 2 and closes everything else but the conversation with the parent: here,
/// long before the exec, because the program itself, its interpreter and its working directory are looked up by paths,
/// and a path may lead through /proc/self/fd/<n> and a directory of the host (CVE-2024-21626).
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

/// Handlers do not survive exec, but ignored signals and the mask do.
void reset_signals() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &action, nullptr);  // fails for KILL and STOP
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void run_steps(const ChildContext& context) {
  const ChildPlan& plan = context.plan;
  Steps steps(context);
  Terminal terminal;
  int streams[3] = {context.standard_streams[0], context.standard_streams[1], context.standard_streams[2]};

  steps.enter(Step::WaitForParent);
  die_with_parent(context);
  context.parent.expect(Tag::Proceed);

  steps.enter(Step::JoinNamespaces);
  join_namespaces(plan);

  steps.enter(Step::SetUpSession);
  // A session of its own: Ctrl-C on the caller's terminal reaches myct alone, which passes it on.
  if (::setsid() == -1) throw_errno("make a session");

  steps.enter(Step::SetUpLoopback);
  if (plan.new_network_namespace) bring_up_loopback();

  steps.enter(Step::SetHostname);
  set_host_names(plan);

  steps.enter(Step::MakePrivate);
  std::vector<BindSource> bind_sources = open_bind_sources(plan.mounts);
  if (plan.new_mount_namespace) make_mounts_private();

  steps.enter(Step::MountRootfs);
  Fd root = mount_rootfs(plan.rootfs);

  steps.enter(Step::MountVolumes);
  mount_volumes(root.ref(), plan.mounts, std::move(bind_sources));

  steps.enter(Step::PopulateDev);
  populate_dev(root.ref(), plan);

  steps.enter(Step::MakeWorkingDirectory);
  make_working_directory(root.ref(), plan.program.cwd);

  steps.enter(Step::OpenConsole);
  if (plan.terminal.wanted) {
    terminal = open_terminal(root.ref(), plan.terminal);
    context.parent.send_fd(terminal.master.ref());
    for (int& stream : streams) stream = terminal.slave.get();
  }

  steps.enter(Step::PivotRoot);
  pivot_into(root.ref(), plan.rootfs.propagation);
  root.reset();

  steps.enter(Step::CloseDescriptors);
  keep_only_streams(context.parent, streams);
  (void)terminal.master.release();  // closed with the rest
  (void)terminal.slave.release();

  steps.enter(Step::WriteSysctls);
  write_sysctls(plan.sysctls);

  steps.enter(Step::MaskPaths);
  mask_paths(plan.masked_paths, plan.readonly_paths);
  if (plan.rootfs.readonly) make_root_readonly();

  steps.enter(Step::SetLimits);
  set_limits(plan);

  steps.enter(Step::RestrictSyscalls);
  // Without no_new_privs the filter needs CAP_SYS_ADMIN, which set_identity gives up: so it comes first.
  set_no_new_privileges(plan.identity);
  const bool filter_last = plan.identity.no_new_privileges;
  if (!plan.seccomp.empty() && !filter_last) security::install_seccomp(plan.seccomp, plan.seccomp_flags);

  steps.enter(Step::EnterWorkingDirectory);
  const bool entered = try_enter_working_directory(plan.program.cwd);

  steps.enter(Step::SetIdentity);
  set_identity(plan.identity);
  die_with_parent(context);
  // A directory that root may not enter, on a network file system, may be open to the user.
  if (!entered) enter_working_directory(plan.program.cwd);

  steps.enter(Step::ExecProcess);
  const std::string program = find_program(plan.program);
  context.parent.send(Tag::Ready);
  reset_signals();
  if (!plan.seccomp.empty() && filter_last) security::install_seccomp(plan.seccomp, plan.seccomp_flags);
  exec_program(program, plan.program);
}

}  // namespace

void child_main(const ChildContext& context) noexcept {
  // Or this process would hold the parent's end open itself, and never see the parent die.
  ::close(context.parent_end);
  ::umask(0);  // modes are given in full below; the program's own umask is set with its identity
  log::install_sink(send_log_line, const_cast<ChildContext*>(&context));
  try {
    run_steps(context);
  } catch (const Error& error) {
    context.parent.fail(context.step.get(), error);
    ::_exit(error.exit_status());
  }
}

}  // namespace myct::engine
