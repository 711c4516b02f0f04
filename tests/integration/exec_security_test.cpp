// What `myct exec` brings into a container: no more rights than the container has, and nothing of the host's.
#include <signal.h>
#include <unistd.h>

#include "detached.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;

class ExecSecurity : public DetachedTest {
 protected:
  std::string start_idle(const Words& options = {}) const {  // NOLINT(modernize-use-nodiscard)
    Words all = {"-v", probe_path() + ":/probe:ro"};
    all.insert(all.end(), options.begin(), options.end());
    return start_program("web", {"sleep", "1000"}, all);
  }
  [[nodiscard]] Result exec(const Words& options, const Words& words) const {
    Words all = {"exec"};
    all.insert(all.end(), options.begin(), options.end());
    all.emplace_back("web");
    all.insert(all.end(), words.begin(), words.end());
    return myct(all);
  }
  /// Lines of a process's status that begin with one of these, as the container sees them.
  [[nodiscard]] std::string status_lines(const Words& options, const std::string& pid,
                                         const std::string& fields) const {
    return exec(options, {"grep", "-E", "^(" + fields + "):", "/proc/" + pid + "/status"}).out;
  }
};

constexpr const char* kCapabilities = "CapInh|CapPrm|CapEff|CapBnd|CapAmb";

TEST_F(ExecSecurity, has_the_capabilities_of_the_containers_program) {
  for (const Words& options : {Words{}, Words{"--cap-drop", "ALL"}, Words{"--cap-drop", "CHOWN", "--cap-drop", "KILL"},
                               Words{"--cap-add", "SYS_ADMIN"}, Words{"--cap-drop", "ALL", "--cap-add", "NET_RAW"},
                               Words{"-u", "33"}, Words{"--privileged"}}) {
    start_idle(options);
    const std::string own = status_lines({}, "self", kCapabilities);
    EXPECT_EQ(lines_of(own).size(), 5U) << own;
    EXPECT_EQ(own, status_lines({}, "1", kCapabilities)) << ::testing::PrintToString(options);
    remove("web");
  }
}

TEST_F(ExecSecurity, gives_an_unprivileged_user_no_capabilities) {
  start_idle();
  EXPECT_EQ(status_lines({"-u", "33"}, "self", "CapPrm|CapEff|CapAmb"),
            "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapAmb:\t0000000000000000\n");
  EXPECT_EQ(status_lines({"-u", "33"}, "self", "CapBnd"), status_lines({}, "1", "CapBnd"));
  remove("web");
}

TEST_F(ExecSecurity, has_the_system_call_filter_of_the_container) {
  start_idle({"--cap-add", "SYS_ADMIN"});
  EXPECT_EQ(status_lines({}, "self", "Seccomp|Seccomp_filters"), "Seccomp:\t2\nSeccomp_filters:\t1\n");
  EXPECT_TRUE(prints(exec({}, {"/probe", "call", "add_key"}), "EPERM\n"));
  EXPECT_TRUE(prints(exec({}, {"/probe", "call", "io_uring_setup"}), "EPERM\n"));
  EXPECT_TRUE(prints(exec({}, {"/probe", "call", "unshare-mount"}), "ok\n")) << "allowed by the container's capability";
  remove("web");
  start_idle({"--security-opt", "seccomp=unconfined"});
  EXPECT_EQ(status_lines({}, "self", "Seccomp"), "Seccomp:\t0\n");
  remove("web");
}

TEST_F(ExecSecurity, may_gain_no_privileges_where_the_container_may_not) {
  start_idle({"--security-opt", "no-new-privileges"});
  EXPECT_EQ(status_lines({}, "self", "NoNewPrivs|Seccomp"), "NoNewPrivs:\t1\nSeccomp:\t2\n");
  EXPECT_EQ(status_lines({"-u", "33"}, "self", "NoNewPrivs|Seccomp"), "NoNewPrivs:\t1\nSeccomp:\t2\n");
  remove("web");
  start_idle();
  EXPECT_EQ(status_lines({}, "self", "NoNewPrivs"), "NoNewPrivs:\t0\n");
  remove("web");
}

TEST_F(ExecSecurity, has_the_limits_of_the_container) {
  start_idle({"--ulimit", "nofile=123:456"});
  EXPECT_TRUE(prints(exec({}, {"/probe", "rlimit", "7"}), "123 456\n"));
  remove("web");
}

TEST_F(ExecSecurity, privileged_has_everything) {
  start_idle({"--cap-drop", "ALL", "--security-opt", "no-new-privileges"});
  const Result machine = run(Command{.argv = {"/bin/grep", "CapBnd", "/proc/self/status"}, .env = {}});
  const std::string all = machine.out.substr(machine.out.find('\t'));
  EXPECT_EQ(status_lines({"--privileged"}, "self", "CapPrm|CapEff|CapBnd"),
            "CapPrm:" + all + "CapEff:" + all + "CapBnd:" + all);
  EXPECT_EQ(status_lines({"--privileged"}, "self", "NoNewPrivs|Seccomp"), "NoNewPrivs:\t0\nSeccomp:\t0\n");
  EXPECT_EQ(exec({"--privileged"}, {"/probe", "call", "unshare-mount"}).out, "ok\n");
  EXPECT_TRUE(prints(exec({}, {"/probe", "call", "unshare-mount"}), "EPERM\n")) << "and nobody else";
  remove("web");
}

TEST_F(ExecSecurity, refuses_to_execute_the_runtime_itself) {
  start_idle();
  EXPECT_TRUE(fails_with(exec({}, {"/proc/self/exe"}), 126, "it is the container runtime itself"));
  EXPECT_EQ(
      exec({}, {"sh", "-c", "ln -s /proc/self/exe /link; printf '#!/proc/self/exe\\n' >/script; chmod +x /script"})
          .status,
      0);
  EXPECT_TRUE(fails_with(exec({}, {"/link"}), 126, "it is the container runtime itself"));
  EXPECT_TRUE(fails_with(exec({}, {"/script"}), 126, "it is the container runtime itself"));
  remove("web");
}

TEST_F(ExecSecurity, is_led_to_no_file_of_the_host_by_the_containers_passwd) {
  // A link is followed within the container, and a pipe that nobody writes to is not waited for.
  start_idle();
  EXPECT_EQ(exec({}, {"sh", "-c",
                      "mkdir /host; echo 'trap:x:70:70::/trap:/bin/sh' >/host/passwd;"
                      "ln -sf ../../../../../../host/passwd /etc/passwd"})
                .status,
            0);
  EXPECT_TRUE(prints(exec({"-u", "trap"}, {"id", "-u"}), "70\n"));
  EXPECT_EQ(exec({}, {"sh", "-c", "rm /etc/passwd; mkfifo /etc/passwd"}).status, 0);
  EXPECT_EQ(exec({"-u", "trap"}, {"id", "-u"}).status, 126);
  EXPECT_EQ(exec({}, {"sh", "-c", "rm /etc/passwd; ln -s /dev/zero /etc/passwd"}).status, 0);
  EXPECT_EQ(exec({"-u", "trap"}, {"id", "-u"}).status, 126);
  EXPECT_EQ(exec({}, {"sh", "-c", "rm /etc/passwd; truncate -s 1G /etc/passwd"}).status, 0);
  EXPECT_TRUE(fails_with(exec({"-u", "trap"}, {"id", "-u"}), 126, "'/etc/passwd'"));
  remove("web");
}

TEST_F(ExecSecurity, keeps_the_working_directory_inside) {
  start_idle();
  EXPECT_EQ(exec({}, {"ln", "-s", "/proc/self/fd/3", "/link"}).status, 0);
  for (const char* directory : {"/link", "/proc/self/fd/3", "/proc/self/fd/7"})
    EXPECT_EQ(exec({"-w", directory}, {"ls"}).status, 126) << directory;
  EXPECT_TRUE(prints(exec({"-w", "/.."}, {"pwd"}), "/\n"));
  remove("web");
}

TEST_F(ExecSecurity, shows_nothing_of_its_own_to_who_looks_while_it_enters) {
  start_idle();
  Command spying = command({"exec", "-i", "web", "/probe", "spy"});
  spying.standard_input = Stdin::Pipe;
  Process spy(spying);
  ASSERT_TRUE(spy.read_until("ready\n"));
  // A path of forty thousand directories keeps each one for some milliseconds at its most delicate moment: with the
  // capabilities of the container already, and its own program still.
  std::string path;
  for (int count = 0; count < 40'000; ++count) path += "/x:";
  for (int round = 0; round < rounds_at_this_pace(20); ++round)
    EXPECT_EQ(exec({"-e", "PATH=" + path + "/"}, {"probe", "exit", "7"}).status, 7);
  spy.close_stdin();
  EXPECT_TRUE(prints(spy.wait(), "ready\nrefused some read 0\n"));
  remove("web");
}

/// A program in a container with CAP_SYS_PTRACE, against which being undumpable is no help.
class ExecRaided : public ExecSecurity {
 protected:
  [[nodiscard]] Result raid(const std::string& what) const {
    start_idle({"--cap-add", "SYS_PTRACE"});
    Command raiding = command({"exec", "-i", "web", "/probe", "raid", what, secret()});
    raiding.standard_input = Stdin::Pipe;
    Process raider(raiding);
    EXPECT_TRUE(raider.read_until("ready\n"));
    Command victim = command({"exec", "web", "/probe", "exit", "7"});
    victim.argv.front() = own_copy();
    victim.env["HOST_SECRET"] = "1";
    for (int round = 0; round < rounds_at_this_pace(200); ++round) EXPECT_EQ(run(victim).status, 7);
    raider.close_stdin();
    return raider.wait();
  }
  [[nodiscard]] std::string secret() const { return path("secret"); }
  /// Of myct: no other process executes it, so that the kernel does not refuse to write to it.
  [[nodiscard]] std::string own_copy() const { return path("own-myct"); }
  void SetUp() override {
    ExecSecurity::SetUp();
    write_file("secret", "of the host\n");
    write_file("own-myct", read_file(myct_path()), 0755);
  }
};

TEST_F(ExecRaided, has_nothing_of_the_hosts_to_open) {
  EXPECT_TRUE(prints(raid("open"), "ready\nsecrets 0 descriptors 0 environments 0 programs some writable 0\n"));
  EXPECT_TRUE(read_file(own_copy()) == read_file(myct_path())) << "it was written to";
  remove("web");
}

TEST_F(ExecRaided, has_no_more_capabilities_than_the_container_when_it_is_traced) {
  EXPECT_TRUE(prints(raid("trace"), "ready\ntraced some more-capable 0\n"));
  remove("web");
}

}  // namespace
}  // namespace myct::test
