// The child's table of contents: process 1 of the container, born by clone3 in its cgroup and namespaces.
//
// It runs as the caller's user (root), single-threaded, with all signals blocked, and may only include base and
// plan.hpp. Whatever fails is an Error that is sent to the parent with the step it happened in; it never returns
// into the parent's frames, so no destructor of the parent's objects runs here.
#include "child/init.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>

#include "child/sequence.hpp"
#include "hooks.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/spec/runtime_state.hpp"

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

[[noreturn]] void run_steps(const ChildContext& context) {
  const ChildPlan& plan = context.plan;
  Steps steps(context);
  Terminal terminal;
  int streams[3] = {context.standard_streams[0], context.standard_streams[1], context.standard_streams[2]};

  steps.enter(Step::WaitForParent);
  die_with_parent(context);
  auto own_pid = static_cast<pid_t>(context.parent.expect(Tag::Proceed));

  steps.enter(Step::JoinNamespaces);
  join_namespaces(plan);
  if ((plan.late_namespaces & CLONE_NEWPID) != 0) {
    be_born_again(CLONE_PARENT | CLONE_PARENT_SETTID, context.born.word());
    own_pid = context.born.peek();
    context.born.keep_from_children();
    die_with_parent(context);
  }

  steps.enter(Step::SetUpSession);
  join_session_keyring(plan.keyring);
  // A session of its own: Ctrl-C on the caller's terminal reaches myct alone, which passes it on.
  if (::setsid() == -1) throw_errno("make a session");

  steps.enter(Step::SetUpLoopback);
  if (plan.new_network_namespace) bring_up_loopback();

  steps.enter(Step::SetHostname);
  set_host_names(plan);

  steps.enter(Step::MakePrivate);
  std::vector<BindSource> bind_sources = open_bind_sources(plan.mounts);
  Fd root = open_path(plan.rootfs.path, O_PATH | O_DIRECTORY);
  if (plan.new_mount_namespace) make_mounts_private();

  steps.enter(Step::BecomeRoot);
  // Not before: the owner of the host's files could enter directories that nobody else may.
  if (plan.new_user_namespace || plan.late_namespaces != 0) become_root();

  steps.enter(Step::MountRootfs);
  root = mount_rootfs(plan.rootfs, root.ref());

  steps.enter(Step::MountVolumes);
  mount_volumes(root.ref(), plan.mounts, std::move(bind_sources));

  steps.enter(Step::PopulateDev);
  populate_dev(root.ref(), plan);

  steps.enter(Step::MakeWorkingDirectory);
  make_working_directory(root.ref(), plan.program.cwd);

  steps.enter(Step::OpenConsole);
  if (plan.terminal.wanted) {
    terminal = open_terminal(root.ref(), plan.terminal, IsConsole::Yes);
    set_controlling_terminal(terminal.slave.ref());
    context.parent.send_fd(Sent::Console, terminal.master.ref());
    for (int& stream : streams) stream = terminal.slave.get();
  }

  steps.enter(Step::RunHooks);
  if (!plan.runtime_hooks.empty()) {
    context.parent.send(Tag::RunHooks);
    context.parent.expect(Tag::Proceed);
  }
  run_hooks(plan.create_container_hooks, oci::complete_state(plan.lasting_state, "creating", own_pid));

  steps.enter(Step::PivotRoot);
  change_root(root.ref(), plan);
  root.reset();

  steps.enter(Step::CloseDescriptors);
  std::optional<Held> held = keep_descriptors(context, streams);
  (void)terminal.master.release();  // closed with the rest
  (void)terminal.slave.release();

  steps.enter(Step::WriteSysctls);
  write_sysctls(plan.sysctls);

  steps.enter(Step::MaskPaths);
  mask_paths(plan.masked_paths, plan.readonly_paths);
  if (plan.rootfs.readonly) make_root_readonly();

  steps.enter(Step::SetLimits);
  if (!plan.new_user_namespace) set_oom_score(plan);
  set_labels(plan.identity);
  restrict_process(steps, context);

  steps.enter(Step::ExecProcess);
  const std::string program = find_program(plan.program);
  if (held) {
    steps.enter(Step::WaitForStart);
    wait_for_start(context, std::move(*held));
    steps.enter(Step::RunHooks);
    run_hooks(plan.start_container_hooks, oci::complete_state(plan.lasting_state, "created", own_pid));
  }
  execute(steps, context, program);
}

}  // namespace

void child_main(const ChildContext& context) noexcept {
  // Or this process would hold the parent's end open itself, and never see the parent die.
  ::close(context.parent_end);
  ::umask(0);  // modes are given in full below; the program's own umask is set with its identity
  log::install_sink(send_log_line, const_cast<ChildContext*>(&context));
  try {
    if (context.plan.enter) enter_container(context);
    run_steps(context);
  } catch (const Error& error) {
    context.parent.fail(context.step.get(), error);
    ::_exit(error.exit_status());
  }
}

}  // namespace myct::engine
