// Who the program is: working directory, user, groups and capabilities.
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "child/paths.hpp"
#include "child/steps.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/security/capabilities.hpp"

namespace myct::engine {

void make_working_directory(FdRef root, const std::string& cwd) {
  // As Docker: made with its parents when missing, owned by root, 0755.
  (void)open_or_make_directory(root, cwd);
}

void hand_over_pipes(const IdentityPlan& identity) {
  // Or /dev/stdout and the like could not be opened: a pipe has an owner and a mode, 0600, as a file has. Not one that
  // has a name, nor a terminal: those are somebody's.
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    struct statfs file_system {};
    if (::fstatfs(stream, &file_system) == -1 || file_system.f_type != PIPEFS_MAGIC) continue;
    constexpr gid_t kAsItIs = static_cast<gid_t>(-1);
    // Without CAP_CHOWN it stays as it is: most programs write to what they have open.
    if (::fchown(stream, identity.uid, kAsItIs) == -1) log::debug("standard stream {} stays root's", stream);
  }
}

bool try_enter_working_directory(const std::string& cwd) {
  if (::chdir(cwd.c_str()) == -1) {
    if (errno == EACCES || errno == EPERM) return false;
    throw_errno("change directory to '{}'", cwd);
  }
  // A working directory outside the root would let every relative path escape (CVE-2024-21626).
  char buffer[PATH_MAX];
  if (::getcwd(buffer, sizeof buffer) == nullptr) throw_errno("read the working directory");
  if (buffer[0] != '/') throw_error(ErrorKind::Denied, "working directory '{}' is outside the container", cwd);
  return true;
}

void enter_working_directory(const std::string& cwd) {
  if (try_enter_working_directory(cwd)) return;
  errno = EACCES;
  throw_errno("change directory to '{}'", cwd);
}

void set_labels(const IdentityPlan& identity) {
  const std::string attributes = "/proc/thread-self/attr/";
  if (!identity.apparmor_profile.empty()) {
    const bool stacked = path_exists(attributes + "apparmor/exec");
    try {
      write_proc_file(attributes + (stacked ? "apparmor/exec" : "exec"), "exec " + identity.apparmor_profile);
    } catch (Error& error) {
      if (error.errnum() == ENOENT) error.set_hint("load it first, by apparmor_parser");
      error.add_context(fmt::format("take AppArmor profile '{}'", identity.apparmor_profile));
      throw;
    }
  }
  if (!identity.selinux_label.empty()) write_proc_file(attributes + "exec", identity.selinux_label);
}

void set_no_new_privileges(const IdentityPlan& identity) {
  if (identity.no_new_privileges && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1) throw_errno("set no_new_privs");
}

void set_identity(const IdentityPlan& identity) {
  ::umask(identity.umask);
  if (identity.capabilities) {
    security::drop_bounding_set(*identity.capabilities);
    security::keep_capabilities();
  }
  if (::setgroups(identity.groups.size(), identity.groups.data()) == -1) throw_errno("set the supplementary groups");
  if (::setresgid(identity.gid, identity.gid, identity.gid) == -1) throw_errno("set group {}", identity.gid);
  if (::setresuid(identity.uid, identity.uid, identity.uid) == -1) throw_errno("set user {}", identity.uid);
  if (identity.capabilities) {
    security::apply_capabilities(*identity.capabilities);
    security::raise_ambient(*identity.capabilities);
  }
}

}  // namespace myct::engine
