// The parent's side of a start: think first (plan_child), then clone, then wait for the child to say how it went.
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>

#include "child/init.hpp"
#include "group.hpp"
#include "handshake.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/base/syscall.hpp"
#include "myct/base/units.hpp"
#include "myct/cgroup/cgroup.hpp"
#include "myct/cgroup/usage.hpp"
#include "myct/engine/engine.hpp"
#include "plan_child.hpp"

namespace myct::engine {
namespace {

/// How long the end of a container may take, from when it kills its other processes.
constexpr std::chrono::milliseconds kEndPatience{200};

/// All signals blocked while this lives: a handler of the parent's must not run in the child.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_BLOCK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

/// clone3(2) into the cgroup where the kernel can, else clone(2), and the child is moved there while it waits for
/// Proceed.
ChildProcess clone_child(uint64_t flags, const std::optional<cgroup::Cgroup>& cgroup, const ChildContext& context) {
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = flags | CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<uintptr_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  if (cgroup) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<uint64_t>(cgroup->directory().get());
  }
  pid_t pid = sys::clone3(arguments);
  // clone3 is missing before Linux 5.3 and in sandboxes that deny it, CLONE_INTO_CGROUP before 5.7.
  const bool older = pid == -1 && (errno == ENOSYS || errno == EINVAL || errno == E2BIG || errno == EOPNOTSUPP);
  const bool move_later = older && cgroup.has_value();
  if (older) pid = sys::clone(flags | CLONE_PIDFD | SIGCHLD, &pidfd);
  if (pid == 0) child_main(context);
  if (pid == -1) {
    const int errnum = errno;
    std::string hint;
    if (errnum == EBUSY) hint = "its control group has groups of its own, which have controllers";
    if (errnum == EAGAIN) hint = "the limit of processes is reached";
    if (errnum == ENOSPC) hint = "a limit in /proc/sys/user/max_*_namespaces is reached";
    if (errnum == EPERM) hint = "myct needs CAP_SYS_ADMIN: run it as root";
    throw Error(kind_of_errno(errnum), "make a process in new namespaces", errnum, hint);
  }
  ChildProcess child(pid, Fd(pidfd));
  if (move_later) cgroup->add(pid);
  return child;
}

[[noreturn]] void throw_failure(const Packet& packet) {
  Error error = error_from(packet);
  // "run 'sh': ..." says it all; of the other steps the user learns which it was.
  if (packet.step != Step::ExecProcess) error.add_context(step_text(packet.step));
  throw error;
}

void print_log_packet(const Packet& packet) { log::write(static_cast<log::Level>(packet.detail), packet.view()); }

}  // namespace

struct Pending::State {
  ChildPlan plan;
  Handshake handshake;
  SharedStep step;
  SharedPid born;
  ChildProcess init;  ///< when a container is entered: the process that enters it, until the one it made is adopted
  std::optional<cgroup::Cgroup> cgroup;

  State(ChildPlan child_plan, Handshake parent_end) : plan(std::move(child_plan)), handshake(std::move(parent_end)) {}

  ~State() {
    if (init.pid() == 0) return;
    { const ChildProcess killed = std::move(init); }  // before the group, which is busy until it is gone
    { const ChildProcess killed(born.take(), Fd()); }
    remove_cgroup();
  }

  /// What the child is given; `child` is its end of the conversation.
  ChildContext context(Handshake& child, const SpawnOptions& options) {
    return {
        .plan = plan,
        .parent = child,
        .parent_end = handshake.fd().get(),
        .step = step,
        .born = born,
        .standard_streams = {options.standard_streams[0], options.standard_streams[1], options.standard_streams[2]}};
  }

  void remove_cgroup() {
    if (!cgroup) return;
    try {
      cgroup::remove_cgroup(cgroup->path());
    } catch (const Error& error) {
      log::debug("undo the start: {}", error.what());
    }
  }

  /// Lets the process that entered the container end, and takes the one that it has made in its place, if any.
  WaitStatus adopt() {
    const WaitStatus status = init.wait();
    // Nobody but us reaps it, so the number means it.
    const pid_t pid = born.take();
    if (pid == 0) return status;
    init = ChildProcess(pid, Fd(sys::pidfd_open(pid)));
    if (init.pidfd().get() == -1) throw_errno("open process {}", pid);
    return status;
  }

  /// "out of memory (limit 6MiB)" if that is what the kernel has killed for, else empty.
  [[nodiscard]] std::string lack_of_memory() const {
    if (!cgroup || cgroup::oom_kills(cgroup->path()) == 0) return {};
    const std::optional<cgroup::MemoryUsage> memory = cgroup::read_usage(cgroup->path()).memory;
    return memory ? fmt::format("out of memory (limit {})", human_binary_size(memory->limit)) : "out of memory";
  }

  /// The child ended without a word: say in which step, and by what.
  [[noreturn]] void throw_silent_death() {
    WaitStatus status = plan.enter ? adopt() : init.wait();
    if (init.pid() != 0) status = init.wait();
    const std::string why = status.signaled ? lack_of_memory() : std::string();
    remove_cgroup();
    if (!why.empty())
      throw Error(ErrorKind::System,
                  fmt::format("the container's init was killed during: {}: {}", step_text(step.get()), why), 0,
                  "allow it more memory");
    // A container's end kills what is in it before its init is seen to have ended.
    if (plan.enter && wait_for_exit(plan.enter->init.ref(), kEndPatience))
      throw_error(ErrorKind::NotFound, "the container has ended");
    const char* who = plan.enter ? "the process that enters the container" : "the container's init";
    if (status.signaled)
      throw_error(ErrorKind::System, "{} was killed by signal {} during: {}", who, status.value, step_text(step.get()));
    throw_error(ErrorKind::Internal, "{} ended with status {} during: {}", who, status.value, step_text(step.get()));
  }
};

Pending::Pending(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Pending::Pending(Pending&&) noexcept = default;
Pending& Pending::operator=(Pending&&) noexcept = default;
Pending::~Pending() = default;

pid_t Pending::pid() const noexcept { return state_->init.pid(); }

void Pending::throw_if_ended() {
  if (wait_for_exit(state_->init.pidfd(), kEndPatience)) (void)wait_until_running();
}

Pending enter(const oci::Spec& spec, const SpawnOptions& options, const Target& target) {
  HandshakePair pair = make_handshake();
  auto state = std::make_unique<Pending::State>(plan_enter(spec, options, target.init), std::move(pair.parent));
  if (::prctl(PR_SET_DUMPABLE, 0) == -1) throw_errno("become undumpable");
  std::optional<cgroup::Cgroup> group;
  if (!target.cgroup.empty()) group = cgroup::Cgroup::open(target.cgroup);
  const ChildContext context = state->context(pair.child, options);
  const SignalsBlocked blocked;
  try {
    state->init = clone_child(0, group, context);
  } catch (const Error& error) {
    if (error.errnum() != EBUSY || !group) throw;
    state->init = clone_child(0, open_group_of_init(target.cgroup, target.init), context);
  }
  return Pending(std::move(state));
}

Pending spawn(const oci::Spec& spec, const SpawnOptions& options) {
  HandshakePair pair = make_handshake();
  auto state = std::make_unique<Pending::State>(plan_child(spec, options), std::move(pair.parent));
  state->cgroup = make_group(spec);
  const ChildContext context = state->context(pair.child, options);
  try {
    const SignalsBlocked blocked;
    state->init = clone_child(state->plan.clone_flags, state->cgroup, context);
  } catch (const Error&) {
    state->remove_cgroup();
    throw;
  }
  return Pending(std::move(state));  // the child's end of the pair closes here
}

void Pending::proceed() {
  try {
    state_->handshake.send(Tag::Proceed);
  } catch (const Error&) {
    // The child is gone already; what it said before is still to be read.
  }
}

Running Pending::wait_until_running() {
  State& state = *state_;
  Running running;
  bool ready = false;
  for (;;) {
    std::optional<Received> received = state.handshake.receive();
    if (!received) {
      if (!ready) state.throw_silent_death();
      break;  // the exec closed the socket
    }
    const Packet& packet = received->packet;
    if (packet.tag == Tag::Failed) throw_failure(packet);
    if (packet.tag == Tag::Log)
      print_log_packet(packet);
    else if (packet.tag == Tag::SendFd && received->fd.valid() && !running.console.valid() &&
             state.plan.terminal.wanted)
      running.console = std::move(received->fd);
    else if (packet.tag == Tag::Ready && !ready)
      ready = true;
    else
      throw_error(ErrorKind::Internal, "unexpected packet {} from the container's init",
                  static_cast<uint32_t>(packet.tag));
  }
  if (state.plan.enter) (void)state.adopt();
  // It has left the command to the container's init.
  if (state.plan.enter && state.plan.die_with_parent == DieWithParent::No) (void)state.init.wait();
  running.init = std::move(state.init);
  if (state.cgroup) running.cgroup = state.cgroup->path();
  return running;
}

}  // namespace myct::engine
