// Namespaces: entering existing ones, and the names and interfaces of the new ones.
#include <grp.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

#include "child/steps.hpp"
#include "myct/base/log.hpp"

namespace myct::engine {

void join_namespaces(const ChildPlan& plan) {
  for (const JoinPlan& join : plan.joins)
    if (::setns(join.fd.get(), join.type) == -1) throw_errno("enter namespace '{}'", join.path);
  if (plan.late_namespaces != 0 && ::unshare(static_cast<int>(plan.late_namespaces)) == -1)
    throw_errno("make namespaces in the user namespace");
  // Not by clone3: with CLONE_INTO_CGROUP the new namespace would be rooted at the parent's group, because the kernel
  // makes it before it moves the child (copy_cgroup_ns).
  if (plan.new_cgroup_namespace && ::unshare(CLONE_NEWCGROUP) == -1) throw_errno("make a cgroup namespace");
}

void become_root() {
  if (::setgroups(0, nullptr) == -1 && errno != EPERM) throw_errno("drop the supplementary groups");
  if (::setresgid(0, 0, 0) == -1) throw_errno("become group 0 of the user namespace");
  if (::setresuid(0, 0, 0) == -1) throw_errno("become user 0 of the user namespace");
}

void join_session_keyring(const std::string& name) {
  if (name.empty()) return;
  if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name.c_str()) != -1) return;
  // Kernels without keys, a sandbox around us that allows no keyctl, and a quota of keys that is used up: what the
  // container could read there is the caller's, and no more than before.
  log::debug("no session keyring of its own: {}", errno_text(errno));
}

void set_host_names(const ChildPlan& plan) {
  if (!plan.hostname.empty() && ::sethostname(plan.hostname.data(), plan.hostname.size()) == -1)
    throw_errno("set the host name to '{}'", plan.hostname);
  if (!plan.domainname.empty() && ::setdomainname(plan.domainname.data(), plan.domainname.size()) == -1)
    throw_errno("set the domain name to '{}'", plan.domainname);
}

void bring_up_loopback() {
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) throw_errno("make a socket for the loopback interface");
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) == -1) throw_errno("set interface 'lo' up");
}

}  // namespace myct::engine
