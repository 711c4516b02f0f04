// What `myct run` ends with: the program's own status, 128+n, 125, 126, 127, and the line that explains the last three.
#include <signal.h>

#include "sandbox.hpp"

namespace myct::test {
namespace {

class RunExitStatus : public ContainerTest {};

class RunExitStatusOwn : public ContainerTest, public ::testing::WithParamInterface<int> {};

TEST_P(RunExitStatusOwn, is_the_programs) {
  const Result result = probe({}, {"exit", std::to_string(GetParam())});
  EXPECT_EQ(result.status, GetParam()) << result;
  EXPECT_EQ(result.err, "") << result;
}

INSTANTIATE_TEST_SUITE_P(Samples, RunExitStatusOwn,
                         ::testing::Values(0, 1, 2, 42, 100, 124, 125, 126, 127, 128, 130, 254, 255),
                         [](const auto& row) { return "status_" + std::to_string(row.param); });

struct SignalRow {
  const char* name;
  int number;
};
void PrintTo(const SignalRow& row, std::ostream* stream) { *stream << row.name; }

class RunExitStatusFault : public ContainerTest, public ::testing::WithParamInterface<SignalRow> {};

TEST_P(RunExitStatusFault, is_128_plus_the_signal_that_process_1_died_of) {
  const Result result = probe({"--ulimit", "core=0"}, {"die", std::to_string(GetParam().number)});
  EXPECT_EQ(result.status, 128 + GetParam().number) << result;
}

INSTANTIATE_TEST_SUITE_P(Faults, RunExitStatusFault,
                         ::testing::Values(SignalRow{"SEGV", SIGSEGV}, SignalRow{"ILL", SIGILL},
                                           SignalRow{"FPE", SIGFPE}, SignalRow{"TRAP", SIGTRAP}),
                         [](const auto& row) { return row.param.name; });

class RunExitStatusSignal : public ContainerTest, public ::testing::WithParamInterface<SignalRow> {};

TEST_P(RunExitStatusSignal, is_128_plus_the_signal_with_an_init) {
  const Result result = probe({"--init", "--ulimit", "core=0"}, {"die", std::to_string(GetParam().number)});
  EXPECT_EQ(result.status, 128 + GetParam().number) << result;
}

INSTANTIATE_TEST_SUITE_P(Signals, RunExitStatusSignal,
                         ::testing::Values(SignalRow{"HUP", SIGHUP}, SignalRow{"INT", SIGINT},
                                           SignalRow{"QUIT", SIGQUIT}, SignalRow{"ABRT", SIGABRT},
                                           SignalRow{"KILL", SIGKILL}, SignalRow{"USR1", SIGUSR1},
                                           SignalRow{"PIPE", SIGPIPE}, SignalRow{"TERM", SIGTERM},
                                           SignalRow{"RTMAX", 64}),
                         [](const auto& row) { return row.param.name; });

TEST_F(RunExitStatus, is_137_when_process_1_is_killed_from_outside) {
  Process running(probe_command({}, {"hold"}));
  ASSERT_TRUE(running.read_until("ready"));
  ASSERT_NE(init_pid(), 0);
  ::kill(init_pid(), SIGKILL);
  EXPECT_EQ(running.wait().status, 137);
}

TEST_F(RunExitStatus, is_127_when_the_command_is_not_in_path) {
  const Result result = myct({"run", "--rm", "--image", "busybox", "no-such-command"});
  EXPECT_TRUE(fails_with(result, 127, "run 'no-such-command': No such file or directory"));
}

TEST_F(RunExitStatus, is_127_when_the_path_does_not_exist) {
  EXPECT_TRUE(
      fails_with(myct({"run", "--rm", "--image", "busybox", "/no/such/command"}), 127, "run '/no/such/command'"));
}

TEST_F(RunExitStatus, is_127_when_a_component_of_the_path_is_a_file) {
  EXPECT_TRUE(fails_with(myct({"run", "--rm", "--image", "busybox", "/etc/passwd/x"}), 127, "run '/etc/passwd/x'"));
}

TEST_F(RunExitStatus, is_127_when_the_command_is_empty) {
  EXPECT_TRUE(fails_with(myct({"run", "--rm", "--image", "busybox", ""}), 127, "run ''"));
}

TEST_F(RunExitStatus, is_127_and_names_the_interpreter_that_is_missing) {
  const std::string script = write_file("script", "#!/usr/bin/perl6\n", 0755);
  const Result result = myct({"run", "--rm", "-v", script + ":/script", "--image", "busybox", "/script"});
  EXPECT_TRUE(fails_with(result, 127, "/usr/bin/perl6"));
}

TEST_F(RunExitStatus, is_127_and_explains_a_carriage_return_after_the_interpreter) {
  const std::string script = write_file("script", "#!/bin/sh\r\necho hi\r\n", 0755);
  const Result result = myct({"run", "--rm", "-v", script + ":/script", "--image", "busybox", "/script"});
  EXPECT_TRUE(fails_with(result, 127, "carriage return"));
}

TEST_F(RunExitStatus, is_126_when_the_command_is_a_directory) {
  EXPECT_TRUE(fails_with(myct({"run", "--rm", "--image", "busybox", "/etc"}), 126, "run '/etc': Is a directory"));
}

TEST_F(RunExitStatus, is_126_when_the_command_may_not_be_executed) {
  const Result result = myct({"run", "--rm", "--image", "busybox", "/etc/passwd"});
  EXPECT_TRUE(fails_with(result, 126, "run '/etc/passwd': Permission denied"));
}

TEST_F(RunExitStatus, is_126_when_only_another_user_may_execute_the_command) {
  const std::string script = write_file("script", "#!/bin/sh\n", 0700);
  const Result result = myct({"run", "--rm", "-u", "33", "-v", script + ":/script", "--image", "busybox", "/script"});
  EXPECT_TRUE(fails_with(result, 126, "Permission denied"));
}

TEST_F(RunExitStatus, is_126_when_the_file_is_no_program) {
  const std::string file = write_file("file", "no program at all\n", 0755);
  const Result result = myct({"run", "--rm", "-v", file + ":/file", "--image", "busybox", "/file"});
  EXPECT_TRUE(fails_with(result, 126, "Exec format error"));
}

TEST_F(RunExitStatus, is_126_on_a_mount_that_forbids_programs) {
  const Result result = shell({"--tmpfs", "/t"}, "cp /bin/busybox /t/ls; /t/ls; echo $?");
  EXPECT_EQ(result.out, "126\n") << result;
}

TEST_F(RunExitStatus, is_127_of_the_init_when_the_command_is_missing) {
  const Result result = myct({"run", "--rm", "--init", "--image", "busybox", "no-such-command"});
  EXPECT_EQ(result.status, 127) << result;
  EXPECT_THAT(result.err, ::testing::HasSubstr("no-such-command")) << result;
}

TEST_F(RunExitStatus, is_125_for_a_failure_of_myct_itself) {
  EXPECT_TRUE(
      fails_with(myct({"run", "--rm", "--pull", "never", "--image", "no-such-image", "true"}), 125, "no-such-image"));
}

TEST_F(RunExitStatus, is_125_and_not_127_for_a_missing_bind_source) {
  const Result result =
      myct({"run", "--rm", "--mount", "type=bind,source=/no/such,target=/x", "--image", "busybox", "true"});
  EXPECT_TRUE(fails_with(result, 125, "bind source '/no/such' does not exist"));
}

TEST_F(RunExitStatus, is_125_with_step_path_and_errno_for_a_failure_in_the_set_up) {
  // A volume whose place in the image is a file cannot be mounted: the child finds out.
  const Result result = myct({"run", "--rm", "-v", make_directory("d") + ":/etc/passwd", "--image", "busybox", "true"});
  EXPECT_TRUE(fails_with(result, 125, "mount volumes: "));
  EXPECT_THAT(result.err, ::testing::HasSubstr("/etc/passwd"));
  EXPECT_THAT(result.err, ::testing::HasSubstr("Not a directory"));
}

}  // namespace
}  // namespace myct::test
