#include "myct/manager/top.hpp"

#include <sys/stat.h>

#include <set>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/units.hpp"
#include "myct/cgroup/cgroup.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

ino_t pid_namespace_of(const std::string& pid) {
  struct stat status {};
  return ::stat(("/proc/" + pid + "/ns/pid").c_str(), &status) == 0 ? status.st_ino : 0;
}

/// On a host without control groups: everything in the init's pid namespace.
void add_namespace_members(pid_t init, std::set<pid_t>& pids) {
  const ino_t wanted = pid_namespace_of(std::to_string(init));
  if (wanted == 0) return;
  for (const std::string& name : list_directory("/proc", Hidden::LeaveOut))
    if (const std::optional<uint64_t> pid = parse_unsigned(name); pid && pid_namespace_of(name) == wanted)
      pids.insert(static_cast<pid_t>(*pid));
}

}  // namespace

ProcessTable top(const Context& context, const std::string& reference, const std::vector<std::string>& ps_options) {
  const std::optional<ContainerSummary> container = summarize(context, find_container(context, reference));
  if (!container || !container->run ||
      (container->status != state::Status::Running && container->status != state::Status::Paused))
    throw_error(ErrorKind::Conflict, "container '{}' is not running", reference);
  const auto find = [&] {
    std::set<pid_t> pids;
    if (container->run->cgroup.empty())
      add_namespace_members(container->run->init.pid, pids);
    else
      for (const pid_t pid : cgroup::processes_in(container->run->cgroup)) pids.insert(pid);
    return pids;
  };
  return list_processes(find, ps_options);
}

}  // namespace myct::manager
