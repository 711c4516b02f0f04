#include "myct/base/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <string_view>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/syscall.hpp"

namespace myct {
namespace {

struct StatFields {
  char state = '?';
  uint64_t start_time = 0;
};

/// proc(5): the command name may hold spaces and parentheses, so fields are counted from the last ')'.
std::optional<StatFields> parse_stat(std::string_view stat) {
  const size_t close = stat.rfind(')');
  if (close == std::string_view::npos || close + 2 >= stat.size()) return std::nullopt;
  stat.remove_prefix(close + 2);
  StatFields fields;
  fields.state = stat.front();
  constexpr int kStartTimeAfterState = 19;  // field 22, and the state is field 3
  for (int skipped = 0; skipped < kStartTimeAfterState; ++skipped) {
    const size_t space = stat.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    stat.remove_prefix(space + 1);
  }
  if (std::from_chars(stat.data(), stat.data() + stat.size(), fields.start_time).ec != std::errc{}) return std::nullopt;
  return fields;
}

std::optional<StatFields> read_stat(pid_t pid) {
  std::optional<std::string> stat;
  try {
    stat = try_read_file("/proc/" + std::to_string(pid) + "/stat");
  } catch (const Error& error) {
    if (error.errnum() == ESRCH) return std::nullopt;  // ended between open and read
    throw;
  }
  if (!stat) return std::nullopt;
  return parse_stat(*stat);
}

WaitStatus from_siginfo(const siginfo_t& info) {
  return {.signaled = info.si_code != CLD_EXITED, .value = info.si_status};
}

}  // namespace

std::string machine_architecture() {
  utsname machine{};
  ::uname(&machine);
  const std::string_view name = machine.machine;
  if (name == "x86_64") return "amd64";
  if (name == "aarch64") return "arm64";
  return std::string(name);
}

const std::string& boot_id() {
  static const std::string id = [] {
    std::string text = read_file("/proc/sys/kernel/random/boot_id");
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }();
  return id;
}

std::optional<ProcessIdentity> identify(pid_t pid) {
  const std::optional<StatFields> fields = read_stat(pid);
  if (!fields) return std::nullopt;
  return ProcessIdentity{.pid = pid, .start_time = fields->start_time, .boot_id = boot_id()};
}

bool is_running(const ProcessIdentity& identity) {
  if (identity.pid <= 0 || identity.boot_id != boot_id()) return false;
  const std::optional<StatFields> fields = read_stat(identity.pid);
  return fields && fields->start_time == identity.start_time && fields->state != 'Z' && fields->state != 'X';
}

std::optional<Fd> open_process(const ProcessIdentity& identity) {
  Fd pidfd(sys::pidfd_open(identity.pid));
  if (!pidfd.valid()) {
    if (errno == ESRCH || errno == EINVAL) return std::nullopt;
    throw_errno("open process {}", identity.pid);
  }
  // Only now is the number pinned: what it names cannot change any more, so it can be compared.
  if (!is_running(identity)) return std::nullopt;
  return pidfd;
}

void send_signal(FdRef pidfd, int signal_number) {
  if (sys::pidfd_send_signal(pidfd.get(), signal_number) == 0 || errno == ESRCH) return;
  throw_errno("send signal {} to a process of the container", signal_number);
}

bool wait_for_exit(FdRef pidfd, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    int left = -1;
    if (timeout.count() >= 0)
      left = static_cast<int>(std::clamp<int64_t>(
          std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count(), 0,
          std::numeric_limits<int>::max()));
    pollfd ended{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&ended, 1, left);
    if (ready > 0) return true;
    if (ready == 0 && left < std::numeric_limits<int>::max()) return false;
    if (ready == 0) continue;
    if (errno != EINTR) throw_errno("wait for a process to end");
  }
}

ChildProcess::~ChildProcess() {
  if (pid_ <= 0) return;
  const int saved = errno;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, __WALL) == -1 && errno == EINTR) {
  }
  errno = saved;
}

void ChildProcess::signal(int signal_number) const {
  if (pidfd_.valid()) {
    if (sys::pidfd_send_signal(pidfd_.get(), signal_number) == 0 || errno == ESRCH) return;
  } else if (::kill(pid_, signal_number) == 0 || errno == ESRCH) {
    return;  // our own unreaped child: its number cannot have been reused
  }
  throw_errno("send signal {} to process {}", signal_number, pid_);
}

WaitStatus ChildProcess::wait() {
  siginfo_t info{};
  // By number: our own child that nobody else reaps keeps it.
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | __WALL) == -1)
    if (errno != EINTR) throw_errno("wait for process {}", pid_);
  pid_ = 0;
  return from_siginfo(info);
}

}  // namespace myct
