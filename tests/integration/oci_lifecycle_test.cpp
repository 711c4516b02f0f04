// The life of a container by the OCI runtime specification (runtime.md): its operations, states, errors, and hooks.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oci.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class OciLifecycle : public OciTest {};

TEST_F(OciLifecycle, runs_a_bundle_and_ends_with_its_status) {
  EXPECT_TRUE(prints(run_script("echo hello; hostname"), "hello\nbundle\n"));
  EXPECT_EQ(run_script("exit 7").status, 7);
  EXPECT_EQ(run_script("kill -TERM $$; sleep 10").status, 0) << "process 1 ignores what it has no handler for";
  EXPECT_EQ(oci({"list", "-q"}).out, "");
}

TEST_F(OciLifecycle, is_created_started_and_deleted) {
  create(config({"sh", "-c", "echo started > /out; exec sleep 1000"}));
  EXPECT_EQ(status(), "created");
  EXPECT_EQ(std::to_string(state()["pid"].get<int>()), read_file(path("pid")));
  EXPECT_EQ(::access((rootfs() + "/out").c_str(), F_OK), -1) << "the program must not run before start";
  start();
  EXPECT_EQ(status(), "running");
  EXPECT_TRUE(eventually([&] { return ::access((rootfs() + "/out").c_str(), F_OK) == 0; }));
  EXPECT_TRUE(fails_with(oci({"start", "c"}), 1, "cannot start container 'c': it is running"));
  EXPECT_TRUE(fails_with(oci({"delete", "c"}), 1, "cannot delete container 'c': it is running"));
  EXPECT_EQ(oci({"kill", "c", "KILL"}).status, 0);
  EXPECT_TRUE(eventually([&] { return status() == "stopped"; }));
  EXPECT_FALSE(state().contains("pid") && state()["pid"] != 0);
  EXPECT_TRUE(fails_with(oci({"kill", "c", "KILL"}), 1, "container not running"));
  EXPECT_TRUE(fails_with(oci({"start", "c"}), 1, "cannot start container 'c': it is stopped"));
  EXPECT_EQ(oci({"delete", "c"}).status, 0);
  EXPECT_TRUE(fails_with(oci({"state", "c"}), 1, "container 'c' does not exist"));
  EXPECT_TRUE(fails_with(oci({"delete", "c"}), 1, "container 'c' does not exist"));
  EXPECT_EQ(oci({"delete", "--force", "c"}).status, 0);
}

TEST_F(OciLifecycle, refuses_an_id_that_is_taken_or_none) {
  create(config({"sleep", "1000"}));
  EXPECT_TRUE(fails_with(oci({"create", "--bundle", bundle(), "c"}), 1, "container 'c' exists already"));
  EXPECT_EQ(status(), "created");
  EXPECT_TRUE(fails_with(oci({"create", "--bundle", bundle(), "../c"}), 1, "invalid container id '../c'"));
  EXPECT_TRUE(fails_with(oci({"create", "--bundle", bundle(), ".."}), 1, "invalid container id '..'"));
  EXPECT_EQ(oci({"create", "--bundle", bundle()}).status, 1);
}

TEST_F(OciLifecycle, goes_by_the_configuration_that_it_was_created_with) {
  Json first = config({"sh", "-c", "echo first > /out"});
  create(first);
  save(config({"sh", "-c", "echo second > /out"}));
  start();
  EXPECT_TRUE(eventually([&] { return status() == "stopped"; }));
  EXPECT_EQ(read_file(rootfs() + "/out"), "first\n");
}

TEST_F(OciLifecycle, tells_its_state) {
  Json wanted = config({"sleep", "1000"});
  wanted["annotations"] = {{"org.example.key", "value"}};
  create(wanted);
  const Json state = this->state();
  EXPECT_EQ(state["ociVersion"], "1.2.0");
  EXPECT_EQ(state["id"], "c");
  EXPECT_EQ(state["bundle"], bundle());
  EXPECT_EQ(state["rootfs"], rootfs());
  EXPECT_EQ(state["annotations"]["org.example.key"], "value");
  const Json list = Json::parse(oci({"list", "--format", "json"}).out);
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0]["id"], "c");
  EXPECT_THAT(oci({"list"}).out, HasSubstr("created"));
}

TEST_F(OciLifecycle, leaves_nothing_where_it_cannot_be_created) {
  Json wanted = config({"/no/such/program"});
  save(wanted);
  const Result missing = oci({"create", "--bundle", bundle(), "c"});
  EXPECT_EQ(missing.status, 127);
  EXPECT_THAT(missing.err, HasSubstr("run '/no/such/program': No such file or directory"));
  wanted = config({"true"});
  wanted["mounts"].push_back({{"destination", "/x"}, {"type", "bind"}, {"source", "/no/such"}, {"options", {"bind"}}});
  save(wanted);
  EXPECT_TRUE(fails_with(oci({"create", "--bundle", bundle(), "c"}), 1, "bind '/no/such': No such file or directory"));
  EXPECT_EQ(oci({"list", "-q"}).out, "");
}

TEST_F(OciLifecycle, is_content_with_a_program_that_fails_only_at_its_exec) {
  write_file("bundle/rootfs/damaged", "no program", 0755);
  create(config({"/damaged"}));
  const Result started = oci({"start", "c"});
  EXPECT_EQ(started.status, 126);
  EXPECT_THAT(started.err, HasSubstr("run '/damaged': Exec format error"));
  EXPECT_TRUE(eventually([&] { return status() == "stopped"; }));
  EXPECT_EQ(oci({"delete", "c"}).status, 0);
}

TEST_F(OciLifecycle, is_gone_when_create_is_killed_before_its_end) {
  Json wanted = config({"sleep", "1000"});
  wanted["hooks"]["createRuntime"] = Json::array({{{"path", "/bin/sleep"}, {"args", {"sleep", "1000"}}}});
  save(wanted);
  Process creating(oci_command({"create", "--bundle", bundle(), "c"}));
  ASSERT_TRUE(eventually([&] { return status() == "creating"; }));
  creating.signal(SIGKILL);
  creating.wait();
  EXPECT_TRUE(eventually([&] { return status() == "stopped"; }));
  EXPECT_EQ(oci({"delete", "--force", "c"}).status, 0);
  // The hook is the user's, and outlives who ran it.
  (void)Process(Command{.argv = {"/usr/bin/pkill", "-f", "^sleep 1000$"}}).wait();
}

TEST_F(OciLifecycle, executes_more_processes) {
  create(config({"sleep", "1000"}));
  EXPECT_THAT(oci({"exec", "c", "true"}).err, HasSubstr("cannot exec in container 'c': it is created"));
  start();
  EXPECT_TRUE(
      prints(oci({"exec", "--env", "A=b", "--cwd", "/tmp", "c", "sh", "-c", "echo $A; pwd; id -u"}), "b\n/tmp\n0\n"));
  EXPECT_TRUE(prints(oci({"exec", "--user", "7:8", "c", "sh", "-c", "id -u; id -g"}), "7\n8\n"));
  EXPECT_EQ(oci({"exec", "c", "sh", "-c", "exit 9"}).status, 9);
  EXPECT_EQ(oci({"exec", "c", "nosuch"}).status, 255);
  write_file("process.json", R"({"args": ["sh", "-c", "echo $X; exit 3"], "env": ["PATH=/bin", "X=y"], "cwd": "/"})");
  const Result by_file = oci({"exec", "--process", path("process.json"), "c"});
  EXPECT_EQ(by_file.out, "y\n");
  EXPECT_EQ(by_file.status, 3);
  // An orphan has to be reaped by somebody, or its pid namespace never ends.
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  EXPECT_EQ(leave({"exec", "--detach", "--pid-file", path("exec.pid"), "c", "sleep", "1001"}).status, 0);
  const Json pids = Json::parse(oci({"ps", "--format", "json", "c"}).out);
  EXPECT_EQ(pids.size(), 2U);
  EXPECT_EQ(std::to_string(pids[0] == state()["pid"] ? pids[1].get<int>() : pids[0].get<int>()),
            read_file(path("exec.pid")));
  EXPECT_THAT(oci({"ps", "c"}).out, HasSubstr("sleep 1001"));
  ASSERT_EQ(oci({"kill", "c", "KILL"}).status, 0);
  int status = 0;
  EXPECT_EQ(::waitpid(std::atoi(read_file(path("exec.pid")).c_str()), &status, 0) > 0 && WIFSIGNALED(status), true);
}

TEST_F(OciLifecycle, is_paused_and_resumed) {
  create(config({"sleep", "1000"}));
  start();
  if (!Sandbox::read_file("/proc/self/cgroup").starts_with("0::")) SUCCEED() << "by the v2 hierarchy beside others";
  ASSERT_EQ(oci({"pause", "c"}).status, 0);
  EXPECT_EQ(status(), "paused");
  EXPECT_EQ(oci({"exec", "c", "true"}).status, 255);
  ASSERT_EQ(oci({"resume", "c"}).status, 0);
  EXPECT_EQ(status(), "running");
  EXPECT_THAT(oci({"resume", "c"}).err, HasSubstr("cannot resume container 'c': it is running"));
}

TEST_F(OciLifecycle, writes_errors_into_the_log_as_well) {
  const Words start = {"oci", "--root", records(), "--log", path("log"), "--log-format", "json", "start", "none"};
  EXPECT_EQ(myct(start).status, 1);
  const Json line = Json::parse(read_file(path("log")));
  EXPECT_EQ(line["level"], "error");
  EXPECT_EQ(line["msg"], "container 'none' does not exist");
}

TEST_F(OciLifecycle, runs_hooks_at_their_points) {
  const std::string log = write_file("hooks", "", 0666);
  const auto hook = [&](const std::string& name, const std::string& where) {
    // The state on standard input, the status and the namespace it runs in.
    return Json::array({{{"path", "/bin/sh"},
                         {"args",
                          {"sh", "-c",
                           "read -r s; case $s in *\\\"status\\\":\\\"$2\\\"*) f=fits;; *) f=$s;; esac; "
                           "echo $1 $f $(hostname) >> " +
                               where,
                           "sh", name, ""}},
                         {"env", {"PATH=/bin:/usr/bin"}}}});
  };
  const std::string inside = "/hooks";
  Json wanted = config({"sh", "-c", "echo program >> /hooks"});
  wanted["mounts"].push_back({{"destination", "/hooks"}, {"type", "bind"}, {"source", log}, {"options", {"bind"}}});
  const std::vector<std::tuple<std::string, std::string, std::string>> hooks = {
      {"prestart", log, "creating"},         {"createRuntime", log, "creating"}, {"createContainer", log, "creating"},
      {"startContainer", inside, "created"}, {"poststart", log, "running"},      {"poststop", log, "stopped"}};
  for (const auto& [name, where, expected] : hooks) {
    wanted["hooks"][name] = hook(name, where);
    wanted["hooks"][name][0]["args"][5] = expected;
  }
  char own[256] = {};
  ::gethostname(own, sizeof own - 1);
  ASSERT_TRUE(prints(run(wanted), ""));
  const std::string host = own;
  const std::string text = read_file(log);
  const std::string before = "prestart fits " + host + "\ncreateRuntime fits " + host +
                             "\ncreateContainer fits bundle\n" + "startContainer fits bundle\n";
  EXPECT_TRUE(text.starts_with(before)) << text;
  EXPECT_TRUE(text.ends_with("poststop fits " + host + "\n")) << text;
  EXPECT_THAT(text, HasSubstr("poststart fits " + host + "\n"));
  EXPECT_THAT(text, HasSubstr("program\n"));
}

TEST_F(OciLifecycle, fails_with_a_hook_that_fails) {
  for (const char* name : {"prestart", "createRuntime", "createContainer"}) {
    Json wanted = config({"true"});
    wanted["hooks"][name] = Json::array({{{"path", "/bin/sh"}, {"args", {"sh", "-c", "exit 3"}}}});
    wanted["hooks"]["poststop"] = Json::array({{{"path", "/bin/touch"}, {"args", {"touch", path("stopped")}}}});
    const Result failed = run(wanted);
    EXPECT_EQ(failed.status, 1) << name;
    EXPECT_THAT(failed.err, HasSubstr("hook '/bin/sh' failed with status 3")) << name;
    EXPECT_EQ(oci({"list", "-q"}).out, "");
    EXPECT_EQ(::unlink(path("stopped").c_str()), 0) << name << ": poststop was not run";
  }
  Json wanted = config({"sh", "-c", "echo never"});
  wanted["hooks"]["startContainer"] = Json::array({{{"path", "/bin/sh"}, {"args", {"sh", "-c", "exit 4"}}}});
  const Result failed = run(wanted);
  EXPECT_EQ(failed.status, 1);
  EXPECT_EQ(failed.out, "");
  EXPECT_THAT(failed.err, HasSubstr("hook '/bin/sh' failed with status 4"));
}

TEST_F(OciLifecycle, warns_of_hooks_that_fail_afterwards) {
  Json wanted = config({"echo", "ran"});
  const Json failing = Json::array({{{"path", "/bin/sh"}, {"args", {"sh", "-c", "exit 3"}}}});
  wanted["hooks"] = {{"poststart", failing}, {"poststop", failing}};
  const Result result = run(wanted);
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, "ran\n");
  EXPECT_THAT(result.err, HasSubstr("poststart: hook '/bin/sh' failed with status 3"));
  EXPECT_THAT(result.err, HasSubstr("poststop: hook '/bin/sh' failed with status 3"));
}

TEST_F(OciLifecycle, does_not_wait_longer_for_a_hook_than_it_may_take) {
  Json wanted = config({"true"});
  wanted["hooks"]["createRuntime"] =
      Json::array({{{"path", "/bin/sleep"}, {"args", {"sleep", "1000"}}, {"timeout", 1}}});
  EXPECT_THAT(run(wanted).err, HasSubstr("hook '/bin/sleep' took longer than its 1 seconds"));
  wanted["hooks"]["createRuntime"][0]["timeout"] = 0;
  EXPECT_THAT(run(wanted).err, HasSubstr("has a timeout of 0 seconds"));
  wanted["hooks"]["createRuntime"][0] = {{"path", "relative"}};
  EXPECT_THAT(run(wanted).err, HasSubstr("'relative' is not an absolute path"));
}

TEST_F(OciLifecycle, is_an_orphan_of_who_created_it) {
  create(config({"sh", "-c", "exit 0"}));
  const std::string stat = read_file("/proc/" + read_file(path("pid")) + "/status");
  EXPECT_THAT(stat, Not(HasSubstr("PPid:\t0\n")));
  start();
  EXPECT_TRUE(eventually([&] { return status() == "stopped"; }));
}

TEST_F(OciLifecycle, keeps_descriptors_that_it_is_told_to) {
  save(config({"sh", "-c", "ls /proc/self/fd | tr '\\n' ' '; cat <&3"}));
  const std::string file = write_file("kept", "text\n");
  Command command = oci_command({"run", "--bundle", bundle(), "--preserve-fds", "1", "c"});
  const int fd = ::open(file.c_str(), O_RDONLY);
  command.streams[3] = fd;
  const Result result = Process(command).wait();
  ::close(fd);
  EXPECT_THAT(result.out, HasSubstr("text\n")) << result;
  const Result none = run_script("ls /proc/self/fd | tr '\\n' ' '");
  EXPECT_EQ(none.out, "0 1 2 3 ") << "3 is ls's own";
}

}  // namespace
}  // namespace myct::test
