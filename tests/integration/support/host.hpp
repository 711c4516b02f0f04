// A host of a test's own: mount, network and cgroup namespaces apart from the machine's, so that tests neither meet
// one another nor what else runs there, and whatever is left behind in them is this test's.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace myct::test {

class Host {
 public:
  /// Moves this process, which must be single-threaded, into the new namespaces; the destructor takes the cgroup away.
  Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  ~Host();

  /// The cgroup v2 hierarchy, rooted at a group that only this process and what it starts are in; empty on a machine
  /// that has none to write to.
  [[nodiscard]] const std::string& cgroups() const noexcept { return cgroups_; }

  /// What the kernel holds for us: "mount /x", "interface lo", "cgroup /myct/…", "process 12 sleep".
  [[nodiscard]] std::set<std::string> kernel_objects() const;
  /// Ids of processes other than this one.
  [[nodiscard]] std::vector<int> processes() const;

 private:
  void enter_cgroup();
  void enter_namespaces();
  void leave_cgroup();

  std::string cgroups_;
  std::string group_name_;
  int hierarchy_fd_ = -1;  ///< the machine's group that we came from
  int namespace_fd_ = -1;  ///< the cgroup namespace that we came from
};

/// The one that main has made. Throws when there is none.
Host& host();
void set_host(std::unique_ptr<Host> host);

}  // namespace myct::test
