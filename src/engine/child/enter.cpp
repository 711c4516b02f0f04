// The second table of contents: a process that is born into a running container's pid namespace and control group, and
// enters its other namespaces.
//
// From its birth on the container's own processes see it, and they are not to be trusted: the parent has made itself
// undumpable before the clone, so that they can neither trace it nor open what it has open or executes through /proc
// (CVE-2019-5736, CVE-2024-21626), and exec makes it dumpable again.
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "child/sequence.hpp"
#include "myct/base/file.hpp"

namespace myct::engine {

void enter_container(const ChildContext& context) {
  const ChildPlan& plan = context.plan;
  Steps steps(context);
  Terminal terminal;
  int streams[3] = {context.standard_streams[0], context.standard_streams[1], context.standard_streams[2]};

  steps.enter(Step::WaitForParent);
  die_with_parent(context);
  context.parent.expect(Tag::Proceed);

  steps.enter(Step::JoinNamespaces);
  // All at once or none (setns(2) on a pidfd); root and working directory become the container's root.
  if (::setns(plan.enter->init.get(), plan.enter->namespaces) == -1) throw_errno("enter the container's namespaces");

  steps.enter(Step::SetUpSession);
  if (::setsid() == -1) throw_errno("make a session");

  steps.enter(Step::OpenConsole);
  if (plan.terminal.wanted) {
    terminal = open_terminal(open_path("/", O_PATH | O_DIRECTORY).ref(), plan.terminal, IsConsole::No);
    context.parent.send_fd(terminal.master.ref());
    for (int& stream : streams) stream = terminal.slave.get();
  }

  steps.enter(Step::CloseDescriptors);
  keep_only_streams(context.parent, streams);
  (void)terminal.master.release();  // closed with the rest
  (void)terminal.slave.release();

  run_program(steps, context);
}

}  // namespace myct::engine
