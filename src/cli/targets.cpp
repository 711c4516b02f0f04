// Doing one thing to several containers at once.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "command.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/process.hpp"
#include "output.hpp"

namespace myct::cli {
namespace {

/// As docker: enough to hide waiting, few enough to start at once.
constexpr size_t kMostAtOnce = 50;

using Work = std::function<void(const std::string&)>;

int try_target(const std::string& target, const Work& work) {
  try {
    work(target);
    return 0;
  } catch (const Error& error) {
    print_error(error);
    return 1;
  }
}

/// A process that works on one target; what it prints waits in memory until it is its turn.
struct Worker {
  ChildProcess process;
  Fd output;
};

Worker start_worker(const std::string& target, const Work& work) {
  Fd output(::memfd_create("output", MFD_CLOEXEC));
  if (!output.valid()) throw_errno("make a file in memory");
  const pid_t pid = ::fork();
  if (pid == -1) throw_errno("make a process for '{}'", target);
  if (pid == 0) {
    (void)take_output();  // the parent's
    int status = kExitFailure;
    try {
      status = try_target(target, work);
      write_all(output.ref(), take_output(), "a file in memory");
    } catch (const std::exception& error) {
      std::fprintf(stderr, "myct: %s\n", error.what());
    }
    ::_exit(status);
  }
  return {.process = ChildProcess(pid, Fd()), .output = std::move(output)};
}

int finish_worker(Worker& worker) {
  const int status = worker.process.wait().exit_status();
  if (::lseek(worker.output.get(), 0, SEEK_SET) == -1) throw_errno("read a file in memory");
  print_text(read_all(worker.output.ref(), "a file in memory"));
  flush_output();
  return status == 0 ? 0 : kExitFailure;
}

}  // namespace

int for_each_target(const std::vector<std::string>& targets, const Work& work) {
  int status = 0;
  for (const std::string& target : targets) status = std::max(status, try_target(target, work));
  return status;
}

int for_all_targets_at_once(const std::vector<std::string>& targets, const Work& work) {
  if (targets.size() == 1) return try_target(targets.front(), work);
  int status = 0;
  std::vector<Worker> workers;
  for (size_t next = 0, done = 0; done < targets.size(); ++done) {
    for (; next < targets.size() && next - done < kMostAtOnce; ++next)
      workers.push_back(start_worker(targets[next], work));
    status = std::max(status, finish_worker(workers[done]));
  }
  return status;
}

}  // namespace myct::cli
