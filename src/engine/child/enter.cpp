// The second table of contents: a process that joins a running container.
//
// The container's own processes are not to be trusted, and with CAP_SYS_PTRACE they can open all that a process has, or
// take it over (CVE-2016-9962, CVE-2019-5736, CVE-2024-21626). So there are two processes. The first stays in the
// parent's pid namespace, where they do not see it, and does everything that takes the host's privileges. It ends by
// making the second, a child of the parent's in the container's pid namespace, that has nothing any more which the
// command is not to have: but for its executable, of which the parent takes care, and the conversation. A command that
// is to be on its own is made by the second in the same way, which leaves it to the container's init.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "child/sequence.hpp"
#include "myct/base/file.hpp"
#include "myct/base/syscall.hpp"

namespace myct::engine {
namespace {

void join_container(const EnterPlan& plan) {
  // All at once or none (setns(2) on a pidfd); root and working directory become the container's root. The pid
  // namespace is that of children only.
  if (::setns(plan.init.get(), plan.namespaces) == 0) return;
  if (errno == ESRCH) throw_error(ErrorKind::NotFound, "the container has ended");
  throw_errno("enter the container's namespaces");
}

/// The environment of the caller of myct is nothing that the container is to see.
void wipe_environment() {
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (std::strncmp(*variable, "MYCT_", 5) == 0) continue;
    ::explicit_bzero(*variable, std::strlen(*variable));
  }
}

}  // namespace

void enter_container(const ChildContext& context) {
  const ChildPlan& plan = context.plan;
  Steps steps(context);
  Terminal terminal;
  int streams[3] = {context.standard_streams[0], context.standard_streams[1], context.standard_streams[2]};

  steps.enter(Step::WaitForParent);
  die_with_parent(context);
  context.parent.expect(Tag::Proceed);

  steps.enter(Step::SetLimits);
  set_oom_score(plan);
  // By the host's /proc: the container's does not show this process. The child inherits what is asked for.
  set_labels(plan.identity);

  steps.enter(Step::JoinNamespaces);
  join_container(*plan.enter);

  steps.enter(Step::OpenConsole);
  if (plan.terminal.wanted) {
    terminal = open_terminal(open_path("/", O_PATH | O_DIRECTORY).ref(), plan.terminal, IsConsole::No);
    context.parent.send_fd(Sent::Console, terminal.master.ref());
    for (int& stream : streams) stream = terminal.slave.get();
  }

  steps.enter(Step::CloseDescriptors);
  (void)keep_descriptors(context, streams);
  (void)terminal.master.release();  // closed with the rest
  (void)terminal.slave.release();

  restrict_process(steps, context);

  steps.enter(Step::EnterPidNamespace);
  wipe_environment();
  context.born.keep_from_children();
  be_born_again(CLONE_PARENT | CLONE_PARENT_SETTID, context.born.word());
  // An orphan of that namespace is given to its init. As a child of somebody outside, the command would keep the
  // container from ending until that one reaps it (pid_namespaces(7)), which nobody may ever do.
  if (plan.left_to_init) be_born_again(0, nullptr);
  die_with_parent(context);

  steps.enter(Step::SetUpSession);
  join_session_keyring(plan.keyring);
  if (::setsid() == -1) throw_errno("make a session");
  if (plan.terminal.wanted) set_controlling_terminal(FdRef(STDIN_FILENO));

  steps.enter(Step::ExecProcess);
  execute(steps, context, find_program(plan.program));
}

}  // namespace myct::engine
