// The parent's side of a start: think first (plan_child), then clone, then wait for the child to say how it went.
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>

#include "child/init.hpp"
#include "child/steps.hpp"
#include "group.hpp"
#include "handshake.hpp"
#include "hooks.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/base/socket.hpp"
#include "myct/base/syscall.hpp"
#include "myct/base/units.hpp"
#include "myct/cgroup/cgroup.hpp"
#include "myct/cgroup/usage.hpp"
#include "myct/engine/engine.hpp"
#include "myct/spec/runtime_state.hpp"
#include "plan_child.hpp"
#include "user_namespace.hpp"

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

/// Puts this process's next child into namespaces that only a process's children can be put into, and takes that back
/// when destroyed.
class ChildNamespaces {
 public:
  explicit ChildNamespaces(const ChildPlan& plan) {
    if (plan.pid_namespace) {
      own_pid_ = open_path("/proc/self/ns/pid", O_RDONLY);
      if (::setns(plan.pid_namespace->fd.get(), CLONE_NEWPID) == -1)
        throw_errno("enter namespace '{}'", plan.pid_namespace->path);
    }
    if (plan.new_time_namespace) {
      own_time_ = open_path("/proc/self/ns/time", O_RDONLY);
      if (::unshare(CLONE_NEWTIME) == -1) throw_errno("make a time namespace");
      if (plan.time_offsets.empty()) return;
      const Fd offsets = open_path("/proc/self/timens_offsets", O_WRONLY);
      write_all(offsets.ref(), plan.time_offsets, "/proc/self/timens_offsets");
    }
  }
  ChildNamespaces(const ChildNamespaces&) = delete;
  ChildNamespaces& operator=(const ChildNamespaces&) = delete;
  ~ChildNamespaces() {
    if (own_pid_.valid()) (void)::setns(own_pid_.get(), CLONE_NEWPID);
    if (own_time_.valid()) (void)::setns(own_time_.get(), CLONE_NEWTIME);
  }

 private:
  Fd own_pid_;
  Fd own_time_;
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

/// What a child in a user namespace has no power to do for itself.
void give_to_user_namespace(pid_t pid, const ChildPlan& plan) {
  set_limits_of(pid, plan);
  set_oom_score_of(pid, plan);
  write_maps(pid, plan.uid_map, plan.gid_map);
}

/// Hands the descriptor of a seccomp filter that notifies to who judges: at once, as a call of the child's own may wait
/// for the judgement.
void send_listener(const ChildPlan& plan, pid_t pid, FdRef listener) {
  const std::string text = oci::container_process_state(oci::complete_state(plan.lasting_state, "creating", pid), pid,
                                                        plan.listener_metadata);
  const Fd socket = connect_stream(plan.listener_path);
  iovec part{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
  if (send_message(socket.ref(), {&part, 1}, listener, 0) == -1)
    throw_errno("send the seccomp listener to '{}'", plan.listener_path);
}

[[noreturn]] void throw_unexpected(const Packet& packet) {
  throw_error(ErrorKind::Internal, "unexpected packet {} from the container's init", static_cast<uint32_t>(packet.tag));
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

  /// Whether the child goes on as a child of its own.
  [[nodiscard]] bool is_born_again() const { return plan.enter || (plan.late_namespaces & CLONE_NEWPID) != 0; }

  /// The init's, also while the process that was its parent is still the child.
  [[nodiscard]] pid_t pid() const { return born.peek() != 0 ? born.peek() : init.pid(); }

  void take_descriptor(Received& received, Running& running);
  void run_runtime_hooks();

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
    WaitStatus status = is_born_again() ? adopt() : init.wait();
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

pid_t Pending::pid() const noexcept { return state_->pid(); }

std::string Pending::cgroup() const { return state_->cgroup ? state_->cgroup->path() : std::string(); }

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
    const ChildNamespaces namespaces(state->plan);
    state->init = clone_child(state->plan.clone_flags, state->cgroup, context);
  } catch (const Error&) {
    state->remove_cgroup();
    throw;
  }
  if (state->plan.new_user_namespace) give_to_user_namespace(state->init.pid(), state->plan);
  return Pending(std::move(state));  // the child's end of the pair closes here
}

void Pending::proceed() {
  Packet packet;
  packet.tag = Tag::Proceed;
  packet.detail = static_cast<uint32_t>(state_->init.pid());
  try {
    state_->handshake.send(packet);
  } catch (const Error&) {
    // The child is gone already; what it said before is still to be read.
  }
}

void Pending::State::take_descriptor(Received& received, Running& running) {
  const auto what = static_cast<Sent>(received.packet.detail);
  if (what == Sent::Console && plan.terminal.wanted && !running.console.valid())
    running.console = std::move(received.fd);
  else if (what == Sent::Listener && !plan.listener_path.empty())
    send_listener(plan, pid(), received.fd.ref());
  else
    throw_unexpected(received.packet);
}

void Pending::State::run_runtime_hooks() {
  run_hooks(plan.runtime_hooks, oci::complete_state(plan.lasting_state, "creating", pid()));
  handshake.send(Tag::Proceed);
}

enum class Pending::Until : uint8_t { Created, Running };

Running Pending::wait_until(Until until) {
  State& state = *state_;
  Running running;
  const Tag last = until == Until::Created ? Tag::Created : Tag::Ready;
  bool ready = false;
  for (;;) {
    std::optional<Received> received = state.handshake.receive();
    if (!received) {
      if (!ready) state.throw_silent_death();
      break;  // the exec closed the socket, or the init waits at its gate
    }
    const Packet& packet = received->packet;
    if (packet.tag == Tag::Failed) throw_failure(packet);
    if (packet.tag == Tag::Log)
      print_log_packet(packet);
    else if (packet.tag == Tag::SendFd && received->fd.valid())
      state.take_descriptor(*received, running);
    else if (packet.tag == Tag::RunHooks && !state.plan.runtime_hooks.empty())
      state.run_runtime_hooks();
    else if (packet.tag == last && !ready)
      ready = true;
    else
      throw_unexpected(packet);
  }
  if (state.is_born_again()) (void)state.adopt();
  // It has left the command to the container's init.
  if (state.plan.left_to_init) (void)state.init.wait();
  running.init = std::move(state.init);
  if (state.cgroup) running.cgroup = state.cgroup->path();
  return running;
}

Running Pending::wait_until_running() { return wait_until(Until::Running); }

Running Pending::wait_until_created() { return wait_until(Until::Created); }

void open_gate(const Gate& gate) {
  write_all(gate.permission, "1", "the gate of the container's init");
  if (const std::optional<Packet> packet = read_report(gate.report)) throw_failure(*packet);
}

void run_hooks(const std::vector<oci::Hook>& hooks, const std::string& state) { run_hooks(plan_hooks(hooks), state); }

}  // namespace myct::engine
