// The steps of the child, one function each, in the files named after what they deal with. Each throws Error.
#pragma once

#include "child/mount.hpp"
#include "handshake.hpp"
#include "plan.hpp"

namespace myct::engine {

// namespaces.cpp
void join_namespaces(const ChildPlan& plan);
void set_host_names(const ChildPlan& plan);
void bring_up_loopback();
/// Of the user namespace that this process is in.
void become_root();
/// A new one, in which nothing is; an empty name leaves the one there is.
void join_session_keyring(const std::string& name);

// rootfs.cpp: all paths of the container are resolved below `root`, the descriptor of its root directory.
/// The sources of the bind mounts, in their order.
[[nodiscard]] std::vector<BindSource> open_bind_sources(const std::vector<MountPlan>& mounts);
void make_mounts_private();
/// `target` is what rootfs.path leads to.
[[nodiscard]] Fd mount_rootfs(const RootfsPlan& rootfs, FdRef target);
void mount_volumes(FdRef root, const std::vector<MountPlan>& mounts, std::vector<BindSource> sources);
/// Makes `root` this process's root directory and lets go of the host's.
void change_root(FdRef root, const ChildPlan& plan);
void make_root_readonly();

// dev.cpp
void populate_dev(FdRef root, const ChildPlan& plan);

// terminal.cpp: the pty's slave becomes the controlling terminal and, later, 0, 1 and 2.
struct Terminal {
  Fd master;
  Fd slave;
};
/// Whether it is also bound on /dev/console.
enum class IsConsole : uint8_t { No, Yes };
[[nodiscard]] Terminal open_terminal(FdRef root, const TerminalPlan& plan, IsConsole is_console);
/// Of this process, which leads a session that has none.
void set_controlling_terminal(FdRef slave);

// mask.cpp: runs inside the new root.
void mask_paths(const std::vector<std::string>& masked, const std::vector<std::string>& readonly);
void write_sysctls(const std::vector<std::pair<std::string, std::string>>& sysctls);

// limits.cpp
void set_limits(const ChildPlan& plan);
/// Of another process, by one that may (prlimit(2)).
void set_limits_of(pid_t pid, const ChildPlan& plan);
void set_oom_score_of(pid_t pid, const ChildPlan& plan);
/// By /proc/self: a process that the mounted /proc does not show must do it before it enters the container.
void set_oom_score(const ChildPlan& plan);
/// Scheduler and I/O priority.
void set_scheduling(const ChildPlan& plan);
void set_personality(unsigned long personality);

// identity.cpp
void make_working_directory(FdRef root, const std::string& cwd);
/// False when this user may not: another may.
[[nodiscard]] bool try_enter_working_directory(const std::string& cwd);
void enter_working_directory(const std::string& cwd);
/// Makes the user the owner of the pipes among 0, 1 and 2.
void hand_over_pipes(const IdentityPlan& identity);
void set_identity(const IdentityPlan& identity);
/// Of AppArmor and SELinux, from the exec on.
void set_labels(const IdentityPlan& identity);
void set_no_new_privileges(const IdentityPlan& identity);

// exec.cpp
/// Finds args[0] as execvp(3) would in the new root; throws with exit status 127 or 126.
[[nodiscard]] std::string find_program(const ProgramPlan& program);
[[noreturn]] void exec_program(const std::string& path, const ProgramPlan& program);

}  // namespace myct::engine
