#include "hooks.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/process.hpp"
#include "myct/base/syscall.hpp"

namespace myct::engine {
namespace {

/// Not a pipe: a hook that does not read must not block or kill who writes.
Fd file_with(const std::string& text) {
  Fd file(::memfd_create("state", MFD_CLOEXEC));
  if (!file.valid()) throw_errno("make a file for the container's state");
  write_all(file.ref(), text, "the container's state");
  if (::lseek(file.get(), 0, SEEK_SET) == -1) throw_errno("rewind the container's state");
  return file;
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

/// Tells by `errors`, which the exec closes, why there was none.
[[noreturn]] void become(const HookPlan& hook, FdRef state, FdRef errors) noexcept {
  sigset_t none;
  ::sigemptyset(&none);
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);  // fails for KILL and STOP
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::dup2(state.get(), STDIN_FILENO) != -1 && ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) != -1) {
    const std::vector<char*> argv = pointers_to(hook.args);
    const std::vector<char*> envp = pointers_to(hook.env);
    ::execve(hook.path.c_str(), argv.data(), envp.data());
  }
  const int errnum = errno;
  (void)!::write(errors.get(), &errnum, sizeof errnum);
  ::_exit(kExitNotFound);
}

/// 0 when it was executed.
int errno_of_exec(FdRef errors) {
  int errnum = 0;
  while (::read(errors.get(), &errnum, sizeof errnum) == -1)
    if (errno != EINTR) throw_errno("read how the exec of a hook went");
  return errnum;
}

void run_hook(const HookPlan& hook, const std::string& state) {
  const Fd input = file_with(state);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) == -1) throw_errno("make a pipe");
  const Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  const pid_t pid = ::fork();
  if (pid == -1) throw_errno("make a process for hook '{}'", hook.path);
  if (pid == 0) become(hook, input.ref(), write_end.ref());
  ChildProcess process(pid, Fd(sys::pidfd_open(pid)));
  write_end.reset();
  if (const int errnum = errno_of_exec(read_end.ref()))
    throw Error(kind_of_errno(errnum), fmt::format("run hook '{}'", hook.path), errnum);
  const std::chrono::milliseconds patience =
      hook.timeout ? std::chrono::seconds(*hook.timeout) : std::chrono::seconds(-1);
  if (!wait_for_exit(process.pidfd(), patience))
    throw_error(ErrorKind::System, "hook '{}' took longer than its {} seconds", hook.path, *hook.timeout);
  const WaitStatus status = process.wait();
  if (status.signaled) throw_error(ErrorKind::System, "hook '{}' was killed by signal {}", hook.path, status.value);
  if (status.value != 0) throw_error(ErrorKind::System, "hook '{}' failed with status {}", hook.path, status.value);
}

}  // namespace

void run_hooks(const std::vector<HookPlan>& hooks, const std::string& state) {
  for (const HookPlan& hook : hooks) run_hook(hook, state);
}

}  // namespace myct::engine
