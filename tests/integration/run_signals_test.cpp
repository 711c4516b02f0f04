// Signals sent to myct reach the program.
#include <unistd.h>

#include <signal.h>

#include "sandbox.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;

struct SignalRow {
  const char* name;
  int number;
};
void PrintTo(const SignalRow& row, std::ostream* stream) { *stream << row.name; }

class RunSignals : public ContainerTest {};

class RunSignal : public ContainerTest, public ::testing::WithParamInterface<SignalRow> {};

TEST_P(RunSignal, reaches_the_program) {
  Process running(probe_command({}, {"signals", "1"}));
  ASSERT_TRUE(running.read_until("ready\n"));
  running.signal(GetParam().number);
  EXPECT_TRUE(prints(running.wait(), "ready\n" + std::to_string(GetParam().number) + "\n"));
}

TEST_P(RunSignal, reaches_the_program_through_an_init) {
  Process running(probe_command({"--init"}, {"signals", "1"}));
  ASSERT_TRUE(running.read_until("ready\n"));
  running.signal(GetParam().number);
  EXPECT_TRUE(prints(running.wait(), "ready\n" + std::to_string(GetParam().number) + "\n"));
}

INSTANTIATE_TEST_SUITE_P(All, RunSignal,
                         ::testing::Values(SignalRow{"HUP", SIGHUP}, SignalRow{"INT", SIGINT},
                                           SignalRow{"QUIT", SIGQUIT}, SignalRow{"TERM", SIGTERM},
                                           SignalRow{"USR1", SIGUSR1}, SignalRow{"USR2", SIGUSR2},
                                           SignalRow{"ALRM", SIGALRM}, SignalRow{"WINCH", SIGWINCH},
                                           SignalRow{"RTMIN_plus_3", 37}, SignalRow{"RTMAX", 64}),
                         [](const auto& row) { return row.param.name; });

TEST_F(RunSignals, end_a_program_that_has_no_handler_with_an_init) {
  Process running(probe_command({"--init"}, {"hold"}));
  ASSERT_TRUE(running.read_until("ready\n"));
  running.signal(SIGTERM);
  EXPECT_EQ(running.wait().status, 143);
}

TEST_F(RunSignals, mean_myct_itself_without_a_proxy) {
  Process running(shell_command({"--name", "web", "--sig-proxy=false"}, "echo ready; exec sleep 1000"));
  ASSERT_TRUE(running.read_until("ready\n"));
  running.signal(SIGTERM);
  EXPECT_EQ(running.wait().status, 143);
  EXPECT_EQ(myct({"ps", "--format", "{{.Names}}"}).out, "web\n");
  EXPECT_TRUE(prints(myct({"rm", "-f", "web"}), "web\n"));
}

TEST_F(RunSignals, leave_the_status_to_the_program) {
  Process running(shell_command({}, "trap 'echo caught; exit 7' TERM; echo ready; while :; do sleep 0.01; done"));
  ASSERT_TRUE(running.read_until("ready\n"));
  running.signal(SIGTERM);
  const Result result = running.wait();
  EXPECT_EQ(result.status, 7);
  EXPECT_EQ(result.out, "ready\ncaught\n");
}

TEST_F(RunSignals, do_not_end_myct_before_the_program) {
  // Process 1 without a handler is spared them by the kernel, as in Docker; a third one would kill it.
  Command command = shell_command({"-i"}, "echo ready; read word; echo got $word");
  command.standard_input = Stdin::Pipe;
  Process running(command);
  ASSERT_TRUE(running.read_until("ready\n"));
  running.signal(SIGTERM);
  running.signal(SIGHUP);
  running.write("word\n");
  EXPECT_TRUE(prints(running.wait(), "ready\ngot word\n"));
}

TEST_F(RunSignals, of_the_child_and_of_pipes_are_not_passed_on) {
  Process running(probe_command({}, {"signals", "1"}));
  ASSERT_TRUE(running.read_until("ready\n"));
  running.signal(SIGCHLD);
  running.signal(SIGURG);
  running.signal(SIGUSR1);
  EXPECT_TRUE(prints(running.wait(), "ready\n10\n"));
}

TEST_F(RunSignals, ignored_by_the_caller_still_reach_the_program) {
  // As nohup(1) and background jobs of a script start programs.
  Command command = probe_command({}, {"signals", "1"});
  command.before_exec = [] {
    ::signal(SIGINT, SIG_IGN);
    ::signal(SIGTERM, SIG_IGN);
  };
  Process running(command);
  ASSERT_TRUE(running.read_until("ready\n"));
  running.signal(SIGTERM);
  EXPECT_TRUE(prints(running.wait(), "ready\n15\n"));
}

// The kernel drops them, because process 1 has no handler: without this, Ctrl-C could never end "myct run IMAGE sleep".
TEST_F(RunSignals, that_process_1_ignores_kill_it_at_the_third_time) {
  Process running(probe_command({}, {"hold"}));
  ASSERT_TRUE(running.read_until("ready\n"));
  // Of three kinds: two of one kind at once would be one.
  running.signal(SIGINT);
  running.signal(SIGTERM);
  running.signal(SIGHUP);
  const Result result = running.wait();
  EXPECT_EQ(result.status, 137) << result;
  EXPECT_THAT(result.err, HasSubstr("--init avoids this"));
}

}  // namespace
}  // namespace myct::test
