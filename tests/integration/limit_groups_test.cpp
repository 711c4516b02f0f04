// Where the control groups of containers are made, and what else is in them.
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "limits.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
namespace fs = std::filesystem;

class LimitGroups : public LimitsTest {};

TEST_F(LimitGroups, hold_limits_below_a_group_that_the_user_names_which_stays) {
  NEEDS_CONTROLLER("memory");
  const std::string parent = host().cgroups() + "/pool";
  fs::create_directory(parent);
  EXPECT_TRUE(prints(shell({"--cgroup-parent", "/pool", "-m", "32m"}, "cat /sys/fs/cgroup/memory.max"), "33554432\n"));
  EXPECT_TRUE(fs::is_directory(parent));
  fs::remove(parent);
}

TEST_F(LimitGroups, go_with_the_parents_that_were_made_for_them) {
  if (host().cgroups().empty()) GTEST_SKIP() << "no cgroup v2 hierarchy to write to";
  EXPECT_TRUE(prints(shell({"--cgroup-parent", "/pool/of/mine"}, "echo fine"), "fine\n"));
  EXPECT_FALSE(fs::exists(host().cgroups() + "/pool"));
}

TEST_F(LimitGroups, cannot_hold_limits_below_a_group_with_processes) {
  NEEDS_CONTROLLER("memory");
  EXPECT_TRUE(fails_with(shell({"--cgroup-parent", "/runner", "-m", "32m"}, "true"), 125, "processes are in it"));
  EXPECT_FALSE(fs::exists(host().cgroups() + "/runner/myct"));
}

TEST_F(LimitGroups, let_exec_join_a_container_that_has_groups_of_its_own) {
  NEEDS_CONTROLLER("pids");
  start("web",
        "cd /sys/fs/cgroup; mkdir a; echo $$ >a/cgroup.procs; echo +pids >cgroup.subtree_control; echo ready; "
        "exec sleep 1000",
        {"--privileged"});
  ASSERT_TRUE(logs("web", "ready\n"));
  EXPECT_TRUE(prints(myct({"exec", "web", "grep", "^0::", "/proc/self/cgroup"}), "0::/a\n"));
}

TEST_F(LimitGroups, may_be_made_inside_by_whoever_is_given_the_containers_own_to_write_to) {
  if (host().cgroups().empty()) GTEST_SKIP() << "no cgroup v2 hierarchy to write to";
  const std::string script =
      "cd /sys/fs/cgroup && mkdir a 2>/dev/null && echo $$ >a/cgroup.procs && cat /proc/self/cgroup";
  EXPECT_EQ(shell({}, script).status, 1);
  EXPECT_THAT(shell({"--security-opt", "writable-cgroups=true"}, script).out, HasSubstr("0::/a\n"));
  // Those of the host would be the host's.
  EXPECT_TRUE(fails_with(shell({"--security-opt", "writable-cgroups", "--cgroupns", "host"}, "true"), 125,
                         "--security-opt writable-cgroups needs --cgroupns private"));
}

TEST_F(LimitGroups, made_inside_share_what_the_container_has) {
  NEEDS_CONTROLLER("pids");
  // As systemd in a container does: processes to a leaf, controllers to the groups below.
  EXPECT_TRUE(prints(shell({"--security-opt", "writable-cgroups", "--pids-limit", "20"},
                           "cd /sys/fs/cgroup && mkdir init job && echo $$ >init/cgroup.procs && "
                           "echo +pids >cgroup.subtree_control && echo 3 >job/pids.max && cat job/pids.max; "
                           "echo max >pids.max 2>/dev/null; cat pids.max"),
                     "3\n20\n"));
}

TEST_F(LimitGroups, are_killed_with_all_that_is_in_them) {
  if (host().cgroups().empty()) GTEST_SKIP() << "no cgroup v2 hierarchy to write to";
  const std::string id = start("web", "sleep 1000", {});
  // Not in the container's process namespace, whose end ends all else.
  Process guest({.argv = {"/bin/sh", "-c", "echo $$ >" + group(id) + "/cgroup.procs; echo ready; exec sleep 1000"}});
  ASSERT_TRUE(guest.read_until("ready"));
  EXPECT_TRUE(prints(myct({"kill", "web"}), "web\n"));
  EXPECT_EQ(guest.wait().signal, SIGKILL);
  EXPECT_EQ(state("web", "ExitCode"), "137");
}

/// Prints "0::" and the group, as the host sees it. It has a limit where there can be one.
Words tell_group() {
  Words words = {"run", "--rm", "--cgroupns", "host"};
  if (has_controller("memory")) words.insert(words.end(), {"-m", "32m"});
  words.insert(words.end(), {"busybox", "grep", "^0::", "/proc/self/cgroup"});
  return words;
}

TEST_F(LimitGroups, are_made_in_what_systemd_has_delegated) {
  if (host().cgroups().empty()) GTEST_SKIP() << "no cgroup v2 hierarchy to write to";
  const OwnGroup service("service");
  ASSERT_EQ(::setxattr(service.path().c_str(), "trusted.delegate", "1", 1, 0), 0);
  Command started = command(tell_group());
  started.before_exec = service.enter();
  const Result result = run(started);
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.out, StartsWith("0::/service/myct/"));
  // With controllers, what was started in it has made way.
  EXPECT_EQ(fs::exists(service.path() + "/init"), has_controller("memory"));
}

TEST_F(LimitGroups, are_made_in_what_systemd_has_delegated_for_any_limit_and_for_none) {
  NEEDS_CONTROLLER("pids");
  for (const Words& options : {Words{}, Words{"--pids-limit", "10"}}) {
    const OwnGroup service("service");
    ASSERT_EQ(::setxattr(service.path().c_str(), "trusted.delegate", "1", 1, 0), 0);
    Command started = shell_command(options, "echo it runs");
    started.before_exec = service.enter();
    EXPECT_TRUE(prints(run(started), "it runs\n"));
    EXPECT_EQ(fs::exists(service.path() + "/init"), !options.empty());
  }
}

/// Of the program that `myct inspect` names, from the root.
class Delegation : public LimitGroups {
 protected:
  [[nodiscard]] std::string group_of(const std::string& name) const {
    return read_file("/proc/" + state(name, "Pid") + "/cgroup");
  }
  /// `myct WORDS…` by a process in that group.
  [[nodiscard]] Result in_group(const OwnGroup& place, const Words& words) const {
    Command started = command(words);
    started.before_exec = place.enter();
    return run(started);
  }
  static void delegate(const OwnGroup& place) {
    ASSERT_EQ(::setxattr(place.path().c_str(), "trusted.delegate", "1", 1, 0), 0);
  }
};

/// It ends with status 3 as soon as there is a file /go, the first time.
Words detached(const std::string& name, Words options) {
  Words words = {"run", "-d", "--name", name};
  words.insert(words.end(), options.begin(), options.end());
  if (has_controller("memory")) words.insert(words.end(), {"-m", "32m"});
  words.insert(words.end(),
               {"busybox", "sh", "-c",
                "[ -e /went ] && exec sleep 1000; until [ -e /go ]; do sleep 0.05; done; touch /went; exit 3"});
  return words;
}

TEST_F(Delegation, is_kept_to_by_supervisors) {
  if (host().cgroups().empty()) GTEST_SKIP() << "no cgroup v2 hierarchy to write to";
  const OwnGroup service("service");
  delegate(service);
  EXPECT_EQ(in_group(service, detached("plain", {})).status, 0);
  const OwnGroup moved("service/init");  // as the service's own processes are by now
  EXPECT_EQ(in_group(moved, detached("typed", {"-t"})).status, 0);
  EXPECT_EQ(in_group(moved, {"create", "--name", "made", "busybox", "sleep", "1000"}).status, 0);
  EXPECT_EQ(in_group(moved, {"start", "made"}).status, 0);
  for (const char* name : {"plain", "typed", "made"}) {
    EXPECT_THAT(group_of(name), HasSubstr("0::/service/myct/")) << name;
    remove(name);
  }
}

TEST_F(Delegation, is_kept_to_by_a_restart_policy) {
  if (host().cgroups().empty()) GTEST_SKIP() << "no cgroup v2 hierarchy to write to";
  const OwnGroup service("service");
  delegate(service);
  ASSERT_EQ(in_group(service, detached("web", {"--restart", "always"})).status, 0);
  const std::string first = state("web", "Pid");
  ASSERT_EQ(myct({"exec", "web", "touch", "/go"}).status, 0);
  ASSERT_TRUE(eventually([&] {
    const std::string now = state("web", "Pid");
    return now != first && now != "0" && group_of("web").find("/myct/") != std::string::npos;
  }));
  EXPECT_THAT(group_of("web"), HasSubstr("0::/service/myct/"));
  remove("web");
}

TEST_F(Delegation, is_known_in_a_group_below) {
  if (host().cgroups().empty()) GTEST_SKIP() << "no cgroup v2 hierarchy to write to";
  const OwnGroup service("service");
  delegate(service);
  const OwnGroup below("service/main");  // systemd.resource-control(5), DelegateSubgroup=
  EXPECT_THAT(in_group(below, tell_group()).out, StartsWith("0::/service/myct/"));
}

TEST_F(Delegation, to_a_users_systemd_is_not_to_what_it_runs) {
  if (host().cgroups().empty()) GTEST_SKIP() << "no cgroup v2 hierarchy to write to";
  const OwnGroup manager("user@1000.service");
  delegate(manager);
  const OwnGroup terminal("user@1000.service/terminal.scope");
  EXPECT_THAT(in_group(terminal, tell_group()).out, StartsWith("0::/myct/"));
}

constexpr int kOtherNamespaces = 99;
/// For Command::before_exec: back from the test's namespaces to those of the machine, as to control groups and mounts.
void enter_the_machines_namespaces() {
  for (const auto& [path, type] : {std::pair{"/proc/1/ns/cgroup", CLONE_NEWCGROUP}, {"/proc/1/ns/mnt", CLONE_NEWNS}}) {
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1 || ::setns(fd, type) == -1) ::_exit(kOtherNamespaces);
  }
}

TEST_F(LimitGroups, of_the_host_are_shown_without_a_change_to_how_they_are_mounted) {
  if (host().cgroups().empty()) GTEST_SKIP() << "no cgroup v2 hierarchy to write to";
  // nsdelegate and memory_recursiveprot are those of all mounts of the hierarchy.
  const auto options = [] {
    for (const std::string& line : lines_of(read_file("/proc/1/mounts")))
      if (line.find(" cgroup2 ") != std::string::npos) return line;
    return std::string();
  };
  const std::string before = options();
  Command started =
      shell_command({"--cgroupns", "host"}, "ls -d /sys/fs/cgroup/myct; mkdir /sys/fs/cgroup/a; cat /proc/self/mounts");
  started.before_exec = enter_the_machines_namespaces;
  const Result result = run(started);
  if (result.status == kOtherNamespaces) GTEST_SKIP() << "the namespaces of process 1 cannot be entered here";
  EXPECT_THAT(result.out, StartsWith("/sys/fs/cgroup/myct\n")) << result;
  EXPECT_THAT(result.out, HasSubstr(" /sys/fs/cgroup cgroup2 ro,nosuid,nodev,noexec"));
  EXPECT_THAT(result.err, HasSubstr("Read-only file system"));
  EXPECT_EQ(options(), before);
}

TEST_F(LimitGroups, are_not_made_in_a_group_that_was_not_delegated) {
  if (host().cgroups().empty()) GTEST_SKIP() << "no cgroup v2 hierarchy to write to";
  const OwnGroup session("session");
  Command started = command(tell_group());
  started.before_exec = session.enter();
  const Result result = run(started);
  EXPECT_THAT(result.out, StartsWith("0::/myct/")) << result;
  EXPECT_FALSE(fs::exists(session.path() + "/init"));
}

TEST_F(LimitGroups, are_made_in_a_cgroup_namespace_whose_root_has_processes) {
  NEEDS_CONTROLLER("memory");
  const OwnGroup box("box");
  Command started = shell_command({"-m", "32m"}, "cat /sys/fs/cgroup/memory.max");
  started.before_exec = entering_as_root(box.path());
  EXPECT_TRUE(prints(run(started), "33554432\n"));
  EXPECT_TRUE(fs::exists(box.path() + "/init"));
}

TEST_F(LimitGroups, are_apart_for_supervisors) {
  if (host().cgroups().empty()) GTEST_SKIP() << "no cgroup v2 hierarchy to write to";
  start("web", "sleep 1000");
  EXPECT_FALSE(read_file(host().cgroups() + "/myct/supervisors/cgroup.procs").empty());
}

}  // namespace
}  // namespace myct::test
