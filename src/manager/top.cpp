#include "myct/manager/top.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/units.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

void add_members(const std::string& group, std::set<uint64_t>& pids) {
  const std::optional<std::string> members = try_read_file(group + "/cgroup.procs");
  if (!members) return;  // removed meanwhile
  std::istringstream text(*members);
  for (uint64_t pid = 0; text >> pid;) pids.insert(pid);
  for (const std::string& name : list_directory(group, Hidden::LeaveOut)) {
    struct stat status {};
    const std::string below = fmt::format("{}/{}", group, name);
    if (::lstat(below.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) add_members(below, pids);
  }
}

ino_t pid_namespace_of(const std::string& pid) {
  struct stat status {};
  return ::stat(("/proc/" + pid + "/ns/pid").c_str(), &status) == 0 ? status.st_ino : 0;
}

/// On a host without control groups: everything in the init's pid namespace.
void add_namespace_members(pid_t init, std::set<uint64_t>& pids) {
  const ino_t wanted = pid_namespace_of(std::to_string(init));
  if (wanted == 0) return;
  for (const std::string& name : list_directory("/proc", Hidden::LeaveOut))
    if (const std::optional<uint64_t> pid = parse_unsigned(name); pid && pid_namespace_of(name) == wanted)
      pids.insert(*pid);
}

/// What ps(1) prints. It is the host's own, found in the caller's PATH.
std::string run_ps(const std::vector<std::string>& options) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) == -1) throw_errno("make a pipe");
  const Fd out(ends[0]);
  Fd in(ends[1]);
  std::vector<char*> argv = {const_cast<char*>("ps")};
  for (const std::string& option : options) argv.push_back(const_cast<char*>(option.c_str()));
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in.get(), STDOUT_FILENO);
  pid_t pid = -1;
  const int errnum = ::posix_spawnp(&pid, "ps", &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (errnum != 0) throw Error(kind_of_errno(errnum), "run 'ps'", errnum, "install it (Debian: procps)");
  ChildProcess ps(pid, Fd());
  in.reset();
  std::string text = read_all(out.ref(), "the output of 'ps'");
  const WaitStatus status = ps.wait();
  // Its own complaint is on standard error already.
  if (status.exit_status() != 0) throw_error(ErrorKind::Invalid, "'ps' ended with status {}", status.exit_status());
  return text;
}

/// The words of a line; those beyond `columns` are joined to the last one, which is the command.
std::vector<std::string> cells_of(const std::string& line, size_t columns) {
  std::vector<std::string> cells;
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    if (cells.size() == columns)
      cells.back() += " " + word;
    else
      cells.push_back(std::move(word));
  }
  return cells;
}

}  // namespace

ProcessTable top(const Context& context, const std::string& reference, const std::vector<std::string>& ps_options) {
  const std::optional<ContainerSummary> container = summarize(context, find_container(context, reference));
  if (!container || !container->run ||
      (container->status != state::Status::Running && container->status != state::Status::Paused))
    throw_error(ErrorKind::Conflict, "container '{}' is not running", reference);
  std::istringstream lines(run_ps(ps_options.empty() ? std::vector<std::string>{"-ef"} : ps_options));
  std::set<uint64_t> pids;
  if (container->run->cgroup.empty())
    add_namespace_members(container->run->init.pid, pids);
  else
    add_members(container->run->cgroup, pids);

  ProcessTable table;
  std::string line;
  std::getline(lines, line);
  table.titles = cells_of(line, SIZE_MAX);
  const auto title = std::ranges::find(table.titles, "PID");
  if (title == table.titles.end())
    throw Error(ErrorKind::Usage, "the output of 'ps' has no column 'PID'", 0, "ask for it, e.g. by '-o pid,comm'");
  const auto column = static_cast<size_t>(title - table.titles.begin());
  while (std::getline(lines, line)) {
    std::vector<std::string> cells = cells_of(line, table.titles.size());
    if (cells.size() <= column) continue;
    const std::optional<uint64_t> pid = parse_unsigned(cells[column]);
    if (pid && pids.contains(*pid)) table.rows.push_back(std::move(cells));
  }
  return table;
}

}  // namespace myct::manager
