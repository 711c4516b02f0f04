#include "host.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace myct::test {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<Host> g_host;  // NOLINT: made by main, for the length of the process

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

std::string find_hierarchy() {
  for (const char* path : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    struct statfs status {};
    if (::statfs(path, &status) == 0 && status.f_type == CGROUP2_SUPER_MAGIC) return path;
  }
  return {};
}

/// "0::/a/b" in /proc/self/cgroup.
std::string own_group() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("0::")) return line.substr(3);
  return {};
}

bool join(const std::string& directory) {
  std::ofstream procs(directory + "/cgroup.procs");
  procs << "0" << std::flush;
  return procs.good();
}

void bring_up_loopback() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (::ioctl(fd, SIOCSIFFLAGS, &request) == -1) std::cerr << "the loopback interface stays down\n";
  ::close(fd);
}

void add_mounts(std::set<std::string>& objects) {
  std::ifstream file("/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string id, parent, device, root, target;
    fields >> id >> parent >> device >> root >> target;
    objects.insert("mount " + target + " (" + id + ")");
  }
}

void add_interfaces(std::set<std::string>& objects) {
  struct if_nameindex* const all = ::if_nameindex();
  for (struct if_nameindex* each = all; each != nullptr && each->if_index != 0; ++each)
    if (std::string_view(each->if_name) != "myct0") objects.insert(std::string("interface ") + each->if_name);
  ::if_freenameindex(all);
}

/// The groups below; one that goes meanwhile is no error.
std::vector<std::string> groups_below(const std::string& hierarchy) {
  std::vector<std::string> groups;
  std::error_code gone;
  for (auto entry = fs::recursive_directory_iterator(hierarchy, gone); entry != fs::recursive_directory_iterator();
       entry.increment(gone))
    if (entry->is_directory(gone)) groups.push_back(entry->path().string());
  return groups;
}

void add_groups(const std::string& hierarchy, std::set<std::string>& objects) {
  for (const std::string& group : groups_below(hierarchy)) {
    const std::string name = group.substr(hierarchy.size());
    if (name != "/runner" && name != "/myct" && name != "/myct/supervisors") objects.insert("cgroup " + name);
  }
}

/// Removes the group and those below it. False when one is still busy.
bool remove_groups(int parent, const std::string& name) {
  const int fd = ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd == -1) return errno == ENOENT;
  DIR* const stream = ::fdopendir(fd);
  std::vector<std::string> below;
  while (const dirent* entry = ::readdir(stream))
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.') below.emplace_back(entry->d_name);
  for (const std::string& group : below) remove_groups(::dirfd(stream), group);
  ::closedir(stream);
  return ::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT;
}

void add_members(const std::string& group, std::vector<int>& pids) {
  std::ifstream file(group + "/cgroup.procs");
  for (int pid = 0; file >> pid;)
    if (pid != 0 && pid != ::getpid()) pids.push_back(pid);
}

/// The children of this process, which adopts the orphans below it, and theirs.
void add_descendants(int pid, std::vector<int>& pids) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children");
  for (int child = 0; file >> child;) {
    pids.push_back(child);
    add_descendants(child, pids);
  }
}

std::string name_of(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

}  // namespace

Host::Host() {
  // Orphans come to us instead of to the machine's init, and are seen.
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) == -1) fail("become a subreaper");
  try {
    enter_cgroup();
    enter_namespaces();
  } catch (const std::runtime_error&) {
    leave_cgroup();
    throw;
  }
}

void Host::enter_namespaces() {
  if (::unshare(CLONE_NEWNS | CLONE_NEWNET) == -1) fail("make namespaces (the tests need root)");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == -1) fail("make mounts private");
  bring_up_loopback();
  if (cgroups_.empty()) return;
  // In our mount namespace only. The machine's mount goes first: the kernel refuses the same file system on itself.
  if (::umount2(cgroups_.c_str(), MNT_DETACH) == -1) fail("unmount " + cgroups_);
  if (::mount("cgroup2", cgroups_.c_str(), "cgroup2", 0, nullptr) == -1) fail("mount " + cgroups_);
}

void Host::enter_cgroup() {
  const std::string hierarchy = find_hierarchy();
  if (hierarchy.empty()) {
    std::cerr << "no cgroup v2 hierarchy on this machine: cgroups are not compared\n";
    return;
  }
  const std::string origin = hierarchy + own_group();
  const std::string name = "myct-test-" + std::to_string(::getpid());
  const std::string group = origin + "/" + name;
  if (::mkdir(group.c_str(), 0755) == -1 || ::mkdir((group + "/runner").c_str(), 0755) == -1 || !join(group)) {
    std::cerr << "no cgroup can be made in " << origin << ": cgroups are not compared\n";
    ::rmdir((group + "/runner").c_str());
    ::rmdir(group.c_str());
    return;
  }
  hierarchy_fd_ = ::open(origin.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  namespace_fd_ = ::open("/proc/self/ns/cgroup", O_RDONLY | O_CLOEXEC);
  group_name_ = name;
  if (::unshare(CLONE_NEWCGROUP) == -1) fail("make a cgroup namespace");
  // A group with processes of its own cannot hand out controllers to those below it.
  if (!join(group + "/runner")) fail("enter the runner's cgroup");
  cgroups_ = hierarchy;
}

Host::~Host() { leave_cgroup(); }

void Host::leave_cgroup() {
  if (hierarchy_fd_ == -1) return;
  // Where the hierarchy is mounted with nsdelegate, as systemd does it, nobody leaves the namespace's root from within.
  if (::setns(namespace_fd_, CLONE_NEWCGROUP) == -1) std::cerr << "cannot leave the test's cgroup namespace\n";
  ::close(std::exchange(namespace_fd_, -1));
  const int procs = ::openat(hierarchy_fd_, "cgroup.procs", O_WRONLY | O_CLOEXEC);
  if (procs == -1 || ::write(procs, "0", 1) != 1) std::cerr << "cannot leave the test's cgroup\n";
  ::close(procs);
  // A failed test may have left processes and groups; they were reported, and have to go all the same.
  const int kill = ::openat(hierarchy_fd_, (group_name_ + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC);
  if (kill == -1 || ::write(kill, "1", 1) != 1) std::cerr << "cannot kill what is left in the test's cgroup\n";
  ::close(kill);
  constexpr int kTries = 1000;
  for (int tries = 0; !remove_groups(hierarchy_fd_, group_name_) && tries < kTries; ++tries) ::usleep(1000);
  ::close(std::exchange(hierarchy_fd_, -1));
}

std::vector<int> Host::processes() const {
  // Zombies that have come to us are nobody's leftovers.
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  std::vector<int> pids;
  add_descendants(::getpid(), pids);
  if (cgroups_.empty()) return pids;
  add_members(cgroups_, pids);
  for (const std::string& group : groups_below(cgroups_)) add_members(group, pids);
  return pids;
}

std::set<std::string> Host::kernel_objects() const {
  std::set<std::string> objects;
  add_mounts(objects);
  add_interfaces(objects);
  if (!cgroups_.empty()) add_groups(cgroups_, objects);
  for (const int pid : processes()) objects.insert("process " + std::to_string(pid) + " " + name_of(pid));
  return objects;
}

Host& host() {
  if (!g_host) throw std::runtime_error("no host was made");
  return *g_host;
}

void set_host(std::unique_ptr<Host> made) { g_host = std::move(made); }

}  // namespace myct::test
