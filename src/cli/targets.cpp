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

/// A process that works on one target; what it prints and its error wait in memory until it is its turn.
struct Worker {
  ChildProcess process;
  Fd output;
  Fd error;
};

Fd make_memory_file() {
  Fd file(::memfd_create("output", MFD_CLOEXEC));
  if (!file.valid()) throw_errno("make a file in memory");
  return file;
}

std::string read_memory_file(const Fd& file) {
  if (::lseek(file.get(), 0, SEEK_SET) == -1) throw_errno("read a file in memory");
  return read_all(file.ref(), "a file in memory");
}

/// In the worker's process; the exit status.
int work_in_memory(const std::string& target, const Work& work, const Worker& worker) {
  int status = 0;
  try {
    work(target);
  } catch (const Error& error) {
    write_all(worker.error.ref(), error.what(), "a file in memory");
    status = kExitFailure;
  }
  write_all(worker.output.ref(), take_output(), "a file in memory");
  return status;
}

Worker start_worker(const std::string& target, const Work& work) {
  Worker worker{.process = {}, .output = make_memory_file(), .error = make_memory_file()};
  const pid_t pid = ::fork();
  if (pid == -1) throw_errno("make a process for '{}'", target);
  if (pid == 0) {
    (void)take_output();  // the parent's
    int status = kExitFailure;
    try {
      status = work_in_memory(target, work, worker);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "myct: %s\n", error.what());
    }
    ::_exit(status);
  }
  worker.process = ChildProcess(pid, Fd());
  return worker;
}

int finish_worker(Worker& worker) {
  const int status = worker.process.wait().exit_status();
  print_text(read_memory_file(worker.output));
  flush_output();
  if (const std::string error = read_memory_file(worker.error); !error.empty()) print_error_line(error);
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
