// `myct exec`: one more command in a container that runs.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "detached.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Exec : public DetachedTest {
 protected:
  void SetUp() override {
    DetachedTest::SetUp();
    terminal_before_ = terminal_.mode();
  }
  /// `myct exec OPTIONS… web sh -c SCRIPT`.
  [[nodiscard]] Command exec_command(const Words& options, const std::string& script) const {
    Words words = {"exec"};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {"web", "sh", "-c", script});
    return command(words);
  }
  [[nodiscard]] Result exec(const Words& options, const std::string& script) const {
    return run(exec_command(options, script));
  }
  /// A container that does nothing.
  std::string start_idle(const Words& options = {}) const {  // NOLINT(modernize-use-nodiscard)
    return start_program("web", {"sleep", "1000"}, options);
  }
  /// Whether a process of the container has ended. Those that have lost their myct come to us to be reaped, and until
  /// then the container cannot end.
  [[nodiscard]] bool is_gone(const std::string& pid) const {
    (void)host().processes();
    return exec({}, "kill -0 " + pid + " 2>/dev/null").status != 0;
  }

  Terminal terminal_{30, 100};
  termios terminal_before_{};
};

// --- streams and statuses --------------------------------------------------------------------------------------------

TEST_F(Exec, keeps_output_and_errors_apart) {
  start_idle();
  const Result result = exec({}, "echo out; echo err >&2");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
  remove("web");
}

TEST_F(Exec, gives_input_with_i_only) {
  start_idle();
  EXPECT_TRUE(prints(myct({"exec", "-i", "web", "cat"}, "some text"), "some text"));
  EXPECT_TRUE(prints(myct({"exec", "web", "cat"}, "some text"), ""));
  remove("web");
}

TEST_F(Exec, ends_with_the_status_of_the_command) {
  start_idle();
  for (const int status : {0, 1, 7, 125, 255})
    EXPECT_EQ(exec({}, "exit " + std::to_string(status)).status, status) << status;
  EXPECT_EQ(exec({}, "kill -9 $$").status, 137);
  EXPECT_EQ(exec({}, "kill -TERM $$").status, 143);
  remove("web");
}

TEST_F(Exec, says_why_a_command_cannot_be_run) {
  start_idle();
  EXPECT_TRUE(fails_with(myct({"exec", "web", "/no/such"}), 127, "run '/no/such': No such file or directory"));
  EXPECT_TRUE(fails_with(myct({"exec", "web", "nosuch"}), 127, "run 'nosuch'"));
  EXPECT_TRUE(fails_with(myct({"exec", "web", "/etc"}), 126, "run '/etc': Is a directory"));
  EXPECT_TRUE(fails_with(myct({"exec", "web", "/etc/passwd"}), 126, "run '/etc/passwd': Permission denied"));
  EXPECT_TRUE(fails_with(myct({"exec", "-w", "/no/such", "web", "true"}), 126, "/no/such"));
  EXPECT_TRUE(fails_with(myct({"exec", "-u", "nosuch", "web", "true"}), 126, "nosuch"));
  remove("web");
}

TEST_F(Exec, is_refused_where_nothing_runs) {
  ASSERT_EQ(myct({"create", "--name", "web", "busybox", "true"}).status, 0);
  EXPECT_TRUE(fails_with(myct({"exec", "web", "true"}), 1, "cannot exec in container 'web': it is created"));
  EXPECT_TRUE(fails_with(myct({"exec", "nosuch", "true"}), 1, "no such container: 'nosuch'"));
  EXPECT_TRUE(fails_with(myct({"exec", "web"}), 1, "no command given"));
  EXPECT_TRUE(fails_with(myct({"exec"}), 1, "no container given"));
  EXPECT_TRUE(fails_with(myct({"exec", "--no-such", "web", "true"}), 125, "--no-such"));
  EXPECT_TRUE(fails_with(myct({"exec", "-it", "web", "true"}), 1, "the input device is not a TTY"));
  remove("web");
}

TEST_F(Exec, in_what_is_about_to_be_started_again_has_to_wait) {
  start("web", "exit 1", {"--restart", "always"});
  // It runs for moments, ever more seldom.
  EXPECT_TRUE(eventually([&] {
    return myct({"exec", "web", "true"}).err ==
           "myct: cannot exec in container 'web': it is restarting: wait until it runs\n";
  }));
  EXPECT_EQ(myct({"rm", "-f", "web"}).status, 0);
}

TEST_F(Exec, carries_a_lot_of_data_unchanged) {
  // 100 MB of lines that differ, in and out.
  const std::string in = path("in");
  ASSERT_EQ(run(Command{.argv = {"/bin/sh", "-c", "seq 1 12500000 | head -c 100000000 >" + in}, .env = {}}).status, 0);
  start_idle();
  const Fd input(::open(in.c_str(), O_RDONLY | O_CLOEXEC));
  const Fd output(::open(path("out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  Command through = command({"exec", "-i", "web", "sh", "-c", "cat | cat"});
  through.streams = {{0, input.get()}, {1, output.get()}};
  EXPECT_EQ(run(through).status, 0);
  EXPECT_EQ(std::filesystem::file_size(path("out")), 100'000'000U);
  EXPECT_EQ(run(Command{.argv = {"/usr/bin/cmp", in, path("out")}, .env = {}}).status, 0);
  remove("web");
}

// --- options ---------------------------------------------------------------------------------------------------------

TEST_F(Exec, has_the_containers_environment_and_what_is_added) {
  start_idle({"-e", "A=container", "-e", "B=container"});
  const std::string file = write_file("env", "# comment\nB=file\nC=file\n");
  const Result result = exec({"-e", "C=option", "--env-file", file, "--env", "D=a b"}, "echo $A,$B,$C,$D,$HOME,$TERM");
  EXPECT_TRUE(prints(result, "container,file,option,a b,/root,\n"));
  Command copying = exec_command({"-e", "MINE", "-e", "ABSENT"}, "echo $MINE,${ABSENT-unset}");
  copying.env["MINE"] = "caller's";
  EXPECT_TRUE(prints(run(copying), "caller's,unset\n"));
  remove("web");
}

TEST_F(Exec, is_in_the_containers_directory_or_another) {
  start_idle({"-w", "/var"});
  EXPECT_TRUE(prints(exec({}, "pwd"), "/var\n"));
  EXPECT_TRUE(prints(exec({"-w", "/tmp"}, "pwd"), "/tmp\n"));
  EXPECT_TRUE(fails_with(exec({"-w", "tmp"}, "pwd"), 125, "the working directory 'tmp' is not an absolute path"));
  remove("web");
}

TEST_F(Exec, is_the_containers_user_or_another_of_its_own_files_as_they_are_now) {
  start_idle({"-u", "33:44"});
  EXPECT_TRUE(prints(exec({}, "id -u; id -g"), "33\n44\n"));
  EXPECT_TRUE(prints(exec({"-u", "0"}, "id -u; id -g; echo $HOME"), "0\n0\n/root\n"));
  EXPECT_TRUE(prints(exec({"-u", "1234"}, "id -u; id -g; echo $HOME"), "1234\n0\n/\n"));
  EXPECT_EQ(exec({"-u", "0"},
                 "echo 'late:x:70:71::/home/late:/bin/sh' >>/etc/passwd;"
                 "echo 'more:x:72:late' >>/etc/group; echo 'grp:x:73:' >>/etc/group")
                .status,
            0);
  EXPECT_TRUE(prints(exec({"-u", "late"}, "id -u; id -g; grep Groups /proc/self/status | xargs; echo $HOME"),
                     "70\n71\nGroups: 71 72\n/home/late\n"));
  EXPECT_TRUE(prints(exec({"--user", "late:grp"}, "id -u; id -g; grep Groups /proc/self/status | xargs"),
                     "70\n73\nGroups: 73\n"));
  remove("web");
}

TEST_F(Exec, is_left_running_with_d_and_outlives_its_myct) {
  start_idle({"--init"});  // which reaps it
  EXPECT_TRUE(prints(myct({"exec", "-d", "web", "sh", "-c",
                           "s=$(for n in 0 1 2; do readlink /proc/$$/fd/$n; done); echo \"$s\" >/streams; echo $$ "
                           ">/pid; until [ -e /end "
                           "]; do sleep 0.01;"
                           "done; exit 3"}),
                     ""));
  EXPECT_TRUE(eventually([&] { return !exec({}, "cat /pid 2>/dev/null").out.empty(); }));
  EXPECT_TRUE(prints(exec({}, "kill -0 $(cat /pid) && cat /streams"), "/dev/null\n/dev/null\n/dev/null\n"));
  EXPECT_EQ(exec({}, "touch /end").status, 0);
  EXPECT_TRUE(eventually([&] { return is_gone("$(cat /pid)"); }));
  EXPECT_TRUE(fails_with(myct({"exec", "-d", "web", "/no/such"}), 127, "No such file"));
  remove("web");
}

// --- the container's own world ---------------------------------------------------------------------------------------

TEST_F(Exec, is_in_every_namespace_of_the_container) {
  start_idle();
  const std::string list = "for n in /proc/self/ns/*; do readlink $n; done";
  const std::string init = "for n in /proc/1/ns/*; do readlink $n; done";
  const Result own = exec({}, list);
  EXPECT_EQ(lines_of(own.out).size(), 10U) << own;  // cgroup ipc mnt net pid pid_for_children time(2) user uts
  EXPECT_EQ(exec({}, init).out, own.out);
  EXPECT_TRUE(prints(exec({}, "readlink -f /proc/self/root; ls / | head -1; hostname | wc -c"), "/\nbin\n13\n"));
  remove("web");
}

TEST_F(Exec, is_in_the_control_group_of_the_container) {
  if (host().cgroups().empty()) GTEST_SKIP() << "no cgroup v2 hierarchy on this machine";
  const std::string id = start_idle();
  Process command_inside(exec_command({}, "echo ready; sleep 1000"));
  ASSERT_TRUE(command_inside.read_until("ready"));
  EXPECT_TRUE(prints(exec({}, "[ \"$(cat /proc/1/cgroup)\" = \"$(cat /proc/self/cgroup)\" ] && echo same"), "same\n"));
  EXPECT_THAT(read_file("/proc/" + std::to_string(init_pid()) + "/cgroup"), HasSubstr(id));
  remove("web");
  EXPECT_EQ(command_inside.wait().status, 137);
}

TEST_F(Exec, has_no_descriptor_of_the_host) {
  start_idle({"-v", probe_path() + ":/probe:ro"});
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  Command asking = command({"exec", "web", "/probe", "descriptors"});
  asking.streams = {{7, ends[0]}, {200, ends[1]}};
  const Result result = run(asking);
  ::close(ends[0]);
  ::close(ends[1]);
  const std::vector<std::string> lines = lines_of(result.out);
  ASSERT_EQ(lines.size(), 3U) << result;
  EXPECT_EQ(lines[0], "0 /dev/null");
  EXPECT_THAT(lines[1], StartsWith("1 pipe:"));
  EXPECT_THAT(lines[2], StartsWith("2 pipe:"));
  remove("web");
}

// --- terminals -------------------------------------------------------------------------------------------------------

class ExecTerminal : public Exec {
 protected:
  void start_shell() {
    start_idle();
    terminal_.start(command({"exec", "-it", "-e", "PS1=prompt> ", "web", "sh"}));
    ASSERT_TRUE(terminal_.read_until("prompt> ")) << terminal_.shown();
  }
  void ask(const std::string& line, const std::string& answer) {
    terminal_.type(line + "\r");
    EXPECT_TRUE(terminal_.read_until(answer + "\r\n")) << "asked '" << line << "', shown: " << terminal_.shown();
  }
  [[nodiscard]] bool is_restored() const { return same_mode(terminal_before_, terminal_.mode()); }
};

TEST_F(ExecTerminal, is_one_of_the_containers_own_in_the_users_size) {
  start_shell();
  EXPECT_TRUE(is_raw(terminal_.mode()));
  ask("tty", "/dev/pts/0");
  ask("stty size", "30 100");
  ask("echo $TERM", "xterm");
  terminal_.resize(25, 90);
  terminal_.type("while [ \"$(stty size)\" != '25 90' ]; do sleep 0.01; done; echo resi''zed\r");
  EXPECT_TRUE(terminal_.read_until("resized\r\n")) << terminal_.shown();
  terminal_.type("exit 5\r");
  EXPECT_EQ(terminal_.wait().status, 5);
  EXPECT_TRUE(is_restored());
  remove("web");
}

TEST_F(ExecTerminal, has_job_control) {
  start_shell();
  // It says so when it goes on: only then is it in the foreground again.
  constexpr const char* kJob =
      R"job(sh -c 'trap "echo resumed\$((3+4))" CONT; echo sta""rted; while :; do sleep 0.1; done')job";
  terminal_.type(std::string(kJob) + "\r");
  ASSERT_TRUE(terminal_.read_until("started"));
  terminal_.type("\x1a");
  ASSERT_TRUE(terminal_.read_until("prompt> "));
  ask("jobs | grep -c Stopped", "1");
  terminal_.type("fg\r");
  ASSERT_TRUE(terminal_.read_until("resumed7"));
  terminal_.type("\x03");
  ASSERT_TRUE(terminal_.read_until("prompt> "));
  ask("echo status $?", "status 130");
  terminal_.type("exit 4\r");
  EXPECT_EQ(terminal_.wait().status, 4);
  EXPECT_TRUE(is_restored());
  remove("web");
}

TEST_F(ExecTerminal, killed_leaves_neither_a_raw_terminal_nor_the_command) {
  start_shell();
  ask("echo $$ >/pid; echo no''ted", "noted");
  terminal_.signal(SIGKILL);
  EXPECT_EQ(terminal_.wait().signal, SIGKILL);
  EXPECT_TRUE(eventually([&] { return is_restored(); }));
  EXPECT_TRUE(eventually([&] { return is_gone("$(cat /pid)"); }));
  EXPECT_TRUE(status_of("web").starts_with("Up "));
  remove("web");
}

TEST_F(ExecTerminal, is_left_by_the_keys_and_the_command_goes_on) {
  start_shell();
  // More than a terminal holds, which somebody has to read, and then the end.
  terminal_.type("while [ ! -e /go ]; do sleep 0.1; done; seq 20000; echo $? >/done; exit 7\r");
  terminal_.type("\x10\x11");
  const Result result = terminal_.wait();
  EXPECT_EQ(result.status, 1) << result;
  EXPECT_THAT(result.out, HasSubstr("myct: read escape sequence"));
  EXPECT_TRUE(is_restored());
  EXPECT_EQ(exec({}, "touch /go").status, 0);
  EXPECT_TRUE(eventually([&] { return exec({}, "cat /done").out == "0\n"; }));
  EXPECT_TRUE(eventually([&] {
    const std::string ends = myct({"events", "--since", "1h", "--until", "0s", "--filter", "event=exec_die", "--format",
                                   "{{.Actor.Attributes.exitCode}}"})
                                 .out;
    return ends.find("7\n") != std::string::npos;
  }));
  remove("web");
}

TEST_F(ExecTerminal, is_left_by_other_keys_if_they_are_given) {
  start_idle();
  terminal_.start(command({"exec", "-it", "--detach-keys", "ctrl-x,q", "-e", "PS1=prompt> ", "web", "sh"}));
  ASSERT_TRUE(terminal_.read_until("prompt> ")) << terminal_.shown();
  terminal_.type("\x10\x11");  // means nothing now
  ask("echo $$ >/pid; echo no''ted", "noted");
  terminal_.type("\x18q");
  EXPECT_EQ(terminal_.wait().status, 1);
  EXPECT_EQ(exec({}, "kill -0 $(cat /pid)").status, 0);
  remove("web");
  EXPECT_TRUE(
      fails_with(myct({"exec", "-it", "--detach-keys", "ctrl-1", "web", "sh"}), 125, "invalid detach keys 'ctrl-1'"));
}

TEST_F(ExecTerminal, is_restored_when_the_container_ends) {
  start_shell();
  EXPECT_EQ(myct({"kill", "web"}).status, 0);
  EXPECT_EQ(terminal_.wait().status, 137);
  EXPECT_TRUE(is_restored());
  remove("web");
}

TEST_F(ExecTerminal, is_given_without_input_by_t_alone) {
  start_idle();
  const Result result = exec({"-t"}, "[ -t 1 ] && echo terminal; echo error >&2");
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(result.out, "terminal\r\nerror\r\n");
  remove("web");
}

// --- ends ------------------------------------------------------------------------------------------------------------

TEST_F(Exec, killed_ends_the_command_and_not_the_container) {
  start_idle();
  Process process(exec_command({}, "echo $$ >/pid; echo ready; exec sleep 1000"));
  ASSERT_TRUE(process.read_until("ready"));
  process.signal(SIGKILL);
  process.wait();
  EXPECT_TRUE(eventually([&] { return is_gone("$(cat /pid)"); }));
  EXPECT_TRUE(status_of("web").starts_with("Up "));
  remove("web");
}

TEST_F(Exec, passes_signals_on_to_the_command) {
  start_idle();
  Process process(exec_command({}, "trap 'echo got; exit 6' TERM; echo ready; while :; do sleep 0.02; done"));
  ASSERT_TRUE(process.read_until("ready"));
  process.signal(SIGTERM);
  const Result result = process.wait();
  EXPECT_EQ(result.status, 6) << result;
  EXPECT_THAT(result.out, HasSubstr("got"));
  remove("web");
}

TEST_F(Exec, ends_with_the_container) {
  start_idle();
  Process process(exec_command({}, "echo ready; sleep 1000"));
  ASSERT_TRUE(process.read_until("ready"));
  EXPECT_EQ(myct({"kill", "web"}).status, 0);
  EXPECT_EQ(process.wait().status, 137);
  EXPECT_TRUE(becomes("web", "Exited (137)"));
  remove("web");
}

TEST_F(Exec, tells_that_the_container_has_ended_when_it_does_so_meanwhile) {
  // A path of forty thousand directories keeps it on its way into the container for some milliseconds.
  std::string path;
  for (int count = 0; count < 40'000; ++count) path += "/x:";
  bool told = false;
  for (int round = 0; round < 100 && !told; ++round) {
    start_idle();
    Process entering(command({"exec", "-e", "PATH=" + path + "/bin", "web", "sleep", "1000"}));
    ::usleep(static_cast<useconds_t>(round % 10) * 1000);
    EXPECT_EQ(myct({"kill", "web"}).status, 0);
    const Result result = entering.wait();
    if (result.status == 1) {
      told = result.err.find("it has just ended") != std::string::npos;
      EXPECT_THAT(result.err, HasSubstr("cannot exec in container 'web': it")) << result;
    } else {
      EXPECT_EQ(result.status, 137) << result;  // it ran already
    }
    remove("web");
  }
  EXPECT_TRUE(told) << "no command was on its way";
}

TEST_F(Exec, of_a_user_who_is_not_root_can_open_its_streams_by_name) {
  start_idle();
  const Result result = exec({"-u", "65534"}, "echo out >/dev/stdout; echo err >/dev/stderr");
  EXPECT_EQ(result.out, "out\n") << result;
  EXPECT_EQ(result.err, "err\n");
  remove("web");
}

TEST_F(Exec, works_in_a_container_in_the_foreground) {
  Process running(command({"run", "--rm", "--name", "web", "busybox", "sh", "-c", "echo ready; sleep 1000"}));
  ASSERT_TRUE(running.read_until("ready"));
  ASSERT_TRUE(becomes("web", "Up"));
  EXPECT_TRUE(prints(exec({}, "echo inside"), "inside\n"));
  remove("web");
  running.wait();
}

TEST_F(Exec, many_at_once_each_get_their_own_answer) {
  start_idle();
  std::vector<Process> all;
  all.reserve(20);
  for (int number = 0; number < 20; ++number) all.emplace_back(exec_command({}, "exit " + std::to_string(number)));
  for (int number = 0; number < 20; ++number) EXPECT_EQ(all[static_cast<size_t>(number)].wait().status, number);
  remove("web");
}

}  // namespace
}  // namespace myct::test
