// `myct exec` on a machine whose process 1 reaps nobody, as in many containers: what is left to it stays a zombie, and
// one of a container's pid namespace keeps the container from ending.
#include <signal.h>

#include <fstream>

#include "detached.hpp"

namespace myct::test {
namespace {

class ExecOrphans : public DetachedTest {
 protected:
  /// All that follows runs in a pid namespace whose init is a sleep.
  void SetUp() override {
    DetachedTest::SetUp();
    machine_.emplace(Command{.argv = {"/usr/bin/unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "/bin/sh",
                                      "-c", "echo up; exec sleep 1000"},
                             .env = {}});
    ASSERT_TRUE(machine_->read_until("up"));
    const std::string pid = std::to_string(machine_->pid());
    std::ifstream("/proc/" + pid + "/task/" + pid + "/children") >> init_;
    ASSERT_FALSE(init_.empty());
    ASSERT_TRUE(eventually([&] { return read_file("/proc/" + init_ + "/comm") == "sleep\n"; }));
    ASSERT_EQ(run(there({"run", "-d", "--name", "web", "busybox", "sleep", "1000"})).status, 0);
  }
  void TearDown() override {
    // Before the machine goes, or its end would hide that something hangs.
    EXPECT_TRUE(prints(run(there({"rm", "-f", "web"})), "web\n"));
    machine_->signal(SIGKILL);
    machine_->wait();
    EXPECT_TRUE(eventually([] { return host().processes().empty(); }));
    DetachedTest::TearDown();
  }
  [[nodiscard]] Command there(const Words& words) const {
    Command inside = command(words);
    const Words entering = {"/usr/bin/nsenter", "-t", init_, "--pid", "--mount", "--"};
    inside.argv.insert(inside.argv.begin(), entering.begin(), entering.end());
    return inside;
  }
  [[nodiscard]] Result exec(const std::string& script) const { return run(there({"exec", "web", "sh", "-c", script})); }
  void expect_to_stop() const { EXPECT_TRUE(prints(run(there({"stop", "-t", "0", "web"})), "web\n")); }
  /// Kills the first process that the kernel knows by that name; false when there is none.
  [[nodiscard]] static bool kill_named(const std::string& name) {
    for (const int pid : host().processes())
      if (read_file("/proc/" + std::to_string(pid) + "/comm") == name + "\n") return ::kill(pid, SIGKILL) == 0;
    return false;
  }
  /// The myct that nsenter has become the parent of: a signal to nsenter would not reach it.
  [[nodiscard]] static pid_t child_of(const Process& nsenter) {
    const std::string pid = std::to_string(nsenter.pid());
    pid_t child = 0;
    std::ifstream("/proc/" + pid + "/task/" + pid + "/children") >> child;
    return child;
  }

 private:
  std::optional<Process> machine_;
  std::string init_;
};

TEST_F(ExecOrphans, of_a_detached_command_do_not_keep_the_container_from_being_stopped) {
  EXPECT_TRUE(prints(run(there({"exec", "-d", "web", "sh", "-c", "echo $PPID >/parent; exec sleep 1000"})), ""));
  EXPECT_TRUE(eventually([&] { return exec("cat /parent").out == "1\n"; })) << "not the container's init's";
  expect_to_stop();
}

TEST_F(ExecOrphans, of_a_detached_command_that_cannot_be_run_do_not_either) {
  EXPECT_TRUE(fails_with(run(there({"exec", "-d", "web", "/no/such"})), 127, "run '/no/such'"));
  expect_to_stop();
}

TEST_F(ExecOrphans, of_a_killed_exec_do_not_keep_the_container_from_being_stopped) {
  Process process(there({"exec", "web", "sh", "-c", "echo ready; exec sleep 1000"}));
  ASSERT_TRUE(process.read_until("ready"));
  ASSERT_EQ(::kill(child_of(process), SIGKILL), 0);
  process.wait();
  expect_to_stop();
}

TEST_F(ExecOrphans, of_a_health_check_that_is_killed_do_not_either) {
  for (const std::string name : {"myct-health", "myct-keeper"}) {
    ASSERT_EQ(run(there({"run", "-d", "--name", name, "--health-cmd", "echo >/begun; exec sleep 1000",
                         "--health-interval", "50ms", "busybox", "sleep", "1000"}))
                  .status,
              0);
    EXPECT_TRUE(eventually([&] { return run(there({"exec", name, "test", "-e", "/begun"})).status == 0; }));
    EXPECT_TRUE(eventually([&] { return kill_named(name); }));
    EXPECT_TRUE(prints(run(there({"stop", "-t", "0", name})), name + "\n"));
    EXPECT_TRUE(prints(run(there({"rm", name})), name + "\n"));
  }
}

TEST_F(ExecOrphans, of_an_exec_that_is_killed_with_its_process_group_do_not_either) {
  Command grouped = there({"exec", "web", "sh", "-c", "echo ready; exec sleep 1000"});
  grouped.before_exec = [] { ::setpgid(0, 0); };
  Process process(grouped);
  ASSERT_TRUE(process.read_until("ready"));
  ASSERT_EQ(::kill(-process.pid(), SIGKILL), 0);
  process.wait();
  expect_to_stop();
}

TEST_F(ExecOrphans, of_a_killed_exec_are_killed_with_it) {
  Process process(there({"exec", "web", "sh", "-c", "echo $$ >/pid; echo ready; exec sleep 1000"}));
  ASSERT_TRUE(process.read_until("ready"));
  ASSERT_EQ(::kill(child_of(process), SIGKILL), 0);
  process.wait();
  EXPECT_TRUE(eventually([&] { return exec("kill -0 $(cat /pid) 2>/dev/null").status != 0; }));
}

}  // namespace
}  // namespace myct::test
