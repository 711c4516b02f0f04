// The member "process" of an OCI configuration (config.md, "Process").
#include <unistd.h>

#include "oci.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class OciProcess : public OciTest {};

TEST_F(OciProcess, has_the_user_groups_and_umask) {
  const Result result = run_script("id -u; id -g; grep ^Groups: /proc/self/status; umask", [](Json& config) {
    config["process"]["user"] = {{"uid", 5}, {"gid", 6}, {"umask", 63}, {"additionalGids", {7, 8}}};
  });
  EXPECT_TRUE(prints(result, "5\n6\nGroups:\t7 8 \n0077\n"));
}

TEST_F(OciProcess, has_its_environment_and_working_directory) {
  const Result result = run_script("echo $A; pwd; env | wc -l", [](Json& config) {
    config["process"]["env"] = {"PATH=/bin", "A=b"};
    config["process"]["cwd"] = "/made/for/it";
  });
  EXPECT_THAT(result.out, HasSubstr("b\n/made/for/it\n")) << result;
}

TEST_F(OciProcess, has_its_capabilities) {
  const Result result = run_script("grep ^Cap /proc/self/status", [](Json& config) {
    config["process"]["capabilities"] = {{"bounding", {"CAP_CHOWN", "CAP_KILL"}},
                                         {"permitted", {"CAP_CHOWN", "CAP_KILL"}},
                                         {"effective", {"CAP_CHOWN"}},
                                         {"inheritable", {"CAP_KILL"}},
                                         {"ambient", {"CAP_KILL"}}};
  });
  EXPECT_TRUE(prints(result,
                     "CapInh:\t0000000000000020\nCapPrm:\t0000000000000021\nCapEff:\t0000000000000021\n"
                     "CapBnd:\t0000000000000021\nCapAmb:\t0000000000000020\n"))
      << "root's exec makes effective what is permitted";
}

TEST_F(OciProcess, goes_on_without_a_capability_that_is_unknown) {
  const Result result = run_script("echo ran", [](Json& config) {
    for (const char* set : {"bounding", "effective", "permitted"})
      config["process"]["capabilities"][set].push_back("CAP_NO_SUCH");
  });
  EXPECT_EQ(result.out, "ran\n");
  EXPECT_THAT(result.err, HasSubstr("CAP_NO_SUCH"));
}

TEST_F(OciProcess, has_its_rlimits) {
  const Result result = run_script("ulimit -n; ulimit -Hn", [](Json& config) {
    config["process"]["rlimits"] = Json::array({{{"type", "RLIMIT_NOFILE"}, {"soft", 100}, {"hard", 200}}});
  });
  EXPECT_TRUE(prints(result, "100\n200\n"));
  const Result unknown = run_script("true", [](Json& config) {
    config["process"]["rlimits"] = Json::array({{{"type", "RLIMIT_NONE"}, {"soft", 1}, {"hard", 2}}});
  });
  EXPECT_TRUE(fails_with(unknown, 1, "process.rlimits: unknown type 'RLIMIT_NONE'"));
}

TEST_F(OciProcess, gains_no_privileges_where_it_is_not_to) {
  const auto set = [](bool on) { return [on](Json& config) { config["process"]["noNewPrivileges"] = on; }; };
  EXPECT_TRUE(prints(run_script("grep NoNewPrivs /proc/self/status", set(true)), "NoNewPrivs:\t1\n"));
  EXPECT_TRUE(prints(run_script("grep NoNewPrivs /proc/self/status", set(false)), "NoNewPrivs:\t0\n"));
}

TEST_F(OciProcess, has_its_oom_score) {
  EXPECT_TRUE(
      prints(run_script("cat /proc/self/oom_score_adj", [](Json& config) { config["process"]["oomScoreAdj"] = 321; }),
             "321\n"));
}

TEST_F(OciProcess, has_its_scheduler_and_io_priority) {
  const Result result = run_script("cut -d ' ' -f 19,41 /proc/self/stat; ionice", [](Json& config) {
    config["process"]["scheduler"] = {{"policy", "SCHED_BATCH"}, {"nice", 5}};
    config["process"]["ioPriority"] = {{"class", "IOPRIO_CLASS_BE"}, {"priority", 6}};
  });
  EXPECT_TRUE(prints(result, "5 3\nbest-effort: prio 6\n"));
  const Result unknown = run_script("true", [](Json& config) {
    config["process"]["scheduler"] = {{"policy", "SCHED_NONE"}};
  });
  EXPECT_TRUE(fails_with(unknown, 1, "process.scheduler.policy: unknown value 'SCHED_NONE'"));
}

TEST_F(OciProcess, is_refused_without_arguments_or_with_a_relative_directory) {
  EXPECT_TRUE(fails_with(run(config({})), 1, "process.args is empty"));
  EXPECT_TRUE(fails_with(run_script("true", [](Json& config) { config["process"]["cwd"] = "here"; }), 1,
                         "process.cwd 'here' is not an absolute path"));
}

TEST_F(OciProcess, is_refused_a_profile_that_there_cannot_be) {
  const bool apparmor = ::access("/sys/kernel/security/apparmor", F_OK) == 0;
  const Result profile =
      run_script("true", [](Json& config) { config["process"]["apparmorProfile"] = "no-such-profile"; });
  EXPECT_EQ(profile.status, 1);
  EXPECT_THAT(profile.err, HasSubstr("take AppArmor profile 'no-such-profile'"));
  EXPECT_THAT(profile.err, HasSubstr(apparmor ? "load it first" : "this kernel runs without AppArmor"));
  if (::access("/sys/fs/selinux/enforce", F_OK) == 0) return;
  EXPECT_TRUE(fails_with(run_script("true", [](Json& config) { config["process"]["selinuxLabel"] = "a:b:c"; }), 1,
                         "take SELinux label 'a:b:c': this kernel runs without SELinux"));
}

std::string read_terminal(const Fd& master) {
  std::string text;
  char buffer[256];
  for (ssize_t got = 0; (got = ::read(master.get(), buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<size_t>(got));
  return text;
}

TEST_F(OciProcess, has_a_terminal_that_is_given_to_who_waits_for_it) {
  Json wanted = config({"sh", "-c", "tty; stty size; test -t 2 && echo all"});
  wanted["process"]["terminal"] = true;
  wanted["process"]["consoleSize"] = {{"height", 33}, {"width", 77}};
  save(wanted);
  EXPECT_TRUE(fails_with(oci({"create", "--bundle", bundle(), "c"}), 1, "use --console-socket"));
  const DescriptorSocket socket(path("console"));
  ASSERT_EQ(leave({"create", "--bundle", bundle(), "--console-socket", path("console"), "c"}).status, 0);
  const Fd master = socket.receive().fd;
  ASSERT_TRUE(master.valid());
  start();
  EXPECT_EQ(read_terminal(master), "/dev/pts/0\r\n33 77\r\nall\r\n");
}

TEST_F(OciProcess, of_an_exec_has_a_terminal_that_is_given_to_who_waits_for_it) {
  create(config({"sleep", "1000"}));
  start();
  const DescriptorSocket socket(path("console"));
  Process executing(oci_command({"exec", "-t", "--console-socket", path("console"), "c", "tty"}));
  const Fd master = socket.receive().fd;
  ASSERT_TRUE(master.valid());
  EXPECT_EQ(read_terminal(master), "/dev/pts/0\r\n");
  EXPECT_EQ(executing.wait().status, 0);
}

TEST_F(OciProcess, has_the_terminal_of_who_runs_it) {
  Json wanted = config({"sh", "-c", "tty; read line; echo got $line"});
  wanted["process"]["terminal"] = true;
  save(wanted);
  Terminal terminal(24, 80);
  terminal.start(oci_command({"run", "--bundle", bundle(), "c"}));
  ASSERT_TRUE(terminal.read_until("/dev/pts/0"));
  terminal.type("text\n");
  ASSERT_TRUE(terminal.read_until("got text"));
  EXPECT_EQ(terminal.wait().status, 0);
}

}  // namespace
}  // namespace myct::test
