// Standard streams without a terminal: apart, transparent, of any size, and quiet when the other end goes.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "sandbox.hpp"

namespace myct::test {
namespace {

constexpr const char* kGigabyte = "1073741824";

class RunStreams : public ContainerTest {
 protected:
  /// A line of the host's shell in which $MYCT is the program.
  [[nodiscard]] Result host_shell(const std::string& script) const {
    Command command = this->command({});
    command.env["MYCT"] = myct_path();
    command.env["PROBE"] = probe_path();
    command.argv = {"/bin/bash", "-c", "set -o pipefail; " + script};
    return run(command);
  }
};

TEST_F(RunStreams, stay_apart) {
  const Result result = shell({}, "echo out; echo err >&2");
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
}

TEST_F(RunStreams, are_not_changed_on_the_way) {
  const std::string bytes("\0\1\r\n\n\x7f\x80\xff\x1b[0m", 13);
  EXPECT_TRUE(prints(myct({"run", "--rm", "-i", "busybox", "cat"}, bytes), bytes));
}

TEST_F(RunStreams, give_an_empty_input_unless_interactive) {
  EXPECT_TRUE(prints(myct({"run", "--rm", "busybox", "cat"}, "not for you"), ""));
  EXPECT_TRUE(prints(myct({"run", "--rm", "-i", "busybox", "cat"}, "for you"), "for you"));
}

TEST_F(RunStreams, carry_a_gigabyte_out) {
  EXPECT_TRUE(prints(
      host_shell("$MYCT run --rm -v $PROBE:/probe busybox /probe write " + std::string(kGigabyte) + " | $PROBE count"),
      std::string(kGigabyte) + "\n"));
}

TEST_F(RunStreams, carry_a_gigabyte_through_cat) {
  EXPECT_TRUE(
      prints(host_shell("$PROBE write " + std::string(kGigabyte) + " | $MYCT run --rm -i busybox cat | $PROBE count"),
             std::string(kGigabyte) + "\n"));
}

TEST_F(RunStreams, end_quietly_when_nobody_reads_any_more) {
  EXPECT_TRUE(prints(
      host_shell("$MYCT run --rm busybox sh -c 'yes; echo $? >&2' 2>" + path("status") + " | head -n 1; true"), "y\n"));
  EXPECT_EQ(read_file(path("status")), "141\n");
}

TEST_F(RunStreams, end_process_1_by_the_error_of_its_write) {
  // The kernel spares process 1 the SIGPIPE; what it says about EPIPE is its own.
  const Result result =
      host_shell("$MYCT run --rm busybox yes 2>" + path("said") + " | head -n 1; echo ${PIPESTATUS[0]}");
  EXPECT_EQ(result.out, "y\n1\n") << result;
  EXPECT_THAT(read_file(path("said")), ::testing::Not(::testing::HasSubstr("myct")));
}

TEST_F(RunStreams, end_myct_quietly_when_nobody_reads_its_own_output) {
  EXPECT_EQ(host_shell("$MYCT images | true; $MYCT ps | true; $MYCT run --help | true").err, "");
}

TEST_F(RunStreams, reach_the_end_of_input_with_the_callers_pipe) {
  Command command = this->command({"run", "--rm", "-i", "busybox", "sh", "-c", "echo ready; cat; echo end"});
  command.standard_input = Stdin::Pipe;
  Process running(command);
  ASSERT_TRUE(running.read_until("ready\n"));
  running.write("one\n");
  ASSERT_TRUE(running.read_until("one\n"));
  running.close_stdin();
  EXPECT_TRUE(prints(running.wait(), "ready\none\nend\n"));
}

TEST_F(RunStreams, may_be_files) {
  write_file("in", "content\n");
  EXPECT_TRUE(prints(host_shell("$MYCT run --rm -i busybox sh -c 'cat; echo e >&2' <" + path("in") + " >" +
                                path("out") + " 2>>" + path("err")),
                     ""));
  EXPECT_EQ(read_file(path("out")), "content\n");
  EXPECT_EQ(read_file(path("err")), "e\n");
}

TEST_F(RunStreams, may_be_the_same_file) {
  EXPECT_TRUE(prints(host_shell("$MYCT run --rm busybox sh -c 'echo a; echo b >&2; echo c' 2>&1"), "a\nb\nc\n"));
}

TEST_F(RunStreams, are_terminals_of_nobody) {
  const Result result = probe({}, {"terminal"});
  EXPECT_EQ(lines_of(result.out).at(0), "controlling No such device or address") << result;
}

struct ClosedRow {
  const char* name;
  std::vector<int> closed;
};
void PrintTo(const ClosedRow& row, std::ostream* stream) { *stream << row.name; }

class RunClosedStreams : public ContainerTest, public ::testing::WithParamInterface<ClosedRow> {};

TEST_P(RunClosedStreams, are_the_null_device_and_nothing_else) {
  // A file that myct opens must never end up as the program's standard output.
  Command command =
      shell_command({"-i", "-v", make_directory("d") + ":/d"},
                    "for fd in 0 1 2; do readlink /proc/self/fd/$fd; done >/d/fds; echo text; echo error >&2");
  const std::vector<int> closed = GetParam().closed;
  command.before_exec = [closed] {
    for (const int fd : closed) ::close(fd);
  };
  const Result result = run(command);
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(container_count(), 0U);
  const bool out_closed = std::find(closed.begin(), closed.end(), 1) != closed.end();
  const bool err_closed = std::find(closed.begin(), closed.end(), 2) != closed.end();
  EXPECT_EQ(result.out, out_closed ? "" : "text\n");
  EXPECT_EQ(result.err, err_closed ? "" : "error\n");
}

INSTANTIATE_TEST_SUITE_P(Table, RunClosedStreams,
                         ::testing::Values(ClosedRow{"stdin", {0}}, ClosedRow{"stdout", {1}}, ClosedRow{"stderr", {2}},
                                           ClosedRow{"stdin_stdout", {0, 1}}, ClosedRow{"all", {0, 1, 2}}),
                         [](const auto& row) { return row.param.name; });

TEST_F(RunStreams, report_an_error_with_all_of_them_closed) {
  Command command = this->command({"run", "--rm", "no-such-image", "true"});
  command.before_exec = [] {
    for (int fd = 0; fd < 3; ++fd) ::close(fd);
  };
  EXPECT_EQ(run(command).status, 125);
}

TEST_F(RunStreams, can_be_opened_by_name_by_a_user_who_is_not_root) {
  const std::string script = "echo out >/dev/stdout; echo err >/dev/stderr; cat /dev/stdin";
  Command piped = shell_command({"-i", "-u", "65534"}, script);
  piped.standard_input = Stdin::Pipe;
  piped.input = "in\n";
  const Result result = run(piped);
  EXPECT_EQ(result.out, "out\nin\n") << result;
  EXPECT_EQ(result.err, "err\n");
}

TEST_F(RunStreams, stay_the_owners_where_they_are_files_or_named_pipes) {
  const std::string file = write_file("file", "");
  const std::string fifo = path("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  for (const std::string& name : {file, fifo}) {
    const Fd stream(::open(name.c_str(), O_RDWR | O_CLOEXEC));
    Command writing = shell_command({"-u", "65534"}, "echo text");
    writing.streams = {{1, stream.get()}};
    EXPECT_EQ(run(writing).status, 0);
    struct stat status {};
    ASSERT_EQ(::stat(name.c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 0U) << name;
  }
}

}  // namespace
}  // namespace myct::test
