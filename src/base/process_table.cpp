#include "myct/base/process_table.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/process.hpp"
#include "myct/base/units.hpp"

namespace myct {
namespace {

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

ProcessTable list_processes(const std::function<std::set<pid_t>()>& find, const std::vector<std::string>& ps_options) {
  std::istringstream lines(run_ps(ps_options.empty() ? std::vector<std::string>{"-ef"} : ps_options));
  const std::set<pid_t> pids = find();
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
    if (pid && pids.contains(static_cast<pid_t>(*pid))) table.rows.push_back(std::move(cells));
  }
  return table;
}

}  // namespace myct
