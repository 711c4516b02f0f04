// `myct run -it`: a real controlling terminal, and the user's own as it was before, whatever happens.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "sandbox.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;

class RunTerminal : public ContainerTest {
 protected:
  RunTerminal() : terminal_(30, 100), before_(terminal_.mode()) {}

  /// `myct run --rm -it … busybox WORDS…` in the terminal's foreground.
  void start(const Words& options, const Words& words) {
    Words all = {"run", "--rm", "-it"};
    all.insert(all.end(), options.begin(), options.end());
    all.insert(all.end(), {"--image", "busybox"});
    all.insert(all.end(), words.begin(), words.end());
    terminal_.start(command(all));
  }
  void start_shell() {
    start({"-e", "PS1=prompt> "}, {"sh"});
    ASSERT_TRUE(terminal_.read_until("prompt> ")) << terminal_.shown();
  }
  /// Types a line and reads up to the next prompt; what was shown in between, without the echo.
  std::string ask(const std::string& line) {
    terminal_.type(line + "\r");
    EXPECT_TRUE(terminal_.read_until("prompt> ")) << "asked '" << line << "', shown: " << terminal_.shown();
    const std::string shown = terminal_.shown();
    const size_t end_of_echo = shown.find("\r\n");
    return end_of_echo == std::string::npos ? shown
                                            : shown.substr(end_of_echo + 2, shown.rfind("prompt> ") - end_of_echo - 2);
  }
  void expect_restored() const { EXPECT_TRUE(same_mode(before_, terminal_.mode())); }

  Terminal terminal_;
  termios before_;
};

TEST_F(RunTerminal, is_the_controlling_terminal_of_the_program) {
  start({"-v", probe_path() + ":/probe"}, {"/probe", "terminal"});
  const Result result = terminal_.wait();
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(result.out,
            "controlling yes\r\nleader yes\r\nforeground yes\r\n0 /dev/pts/0\r\n1 /dev/pts/0\r\n2 /dev/pts/0\r\n");
  expect_restored();
}

TEST_F(RunTerminal, is_also_the_console) {
  start_shell();
  EXPECT_EQ(ask("[ $(stat -c %t:%T /dev/console) = $(stat -c %t:%T /dev/pts/0) ] && echo same"), "same\r\n");
  EXPECT_EQ(ask("echo to the console >/dev/console"), "to the console\r\n");
  EXPECT_EQ(ask("ls /dev/pts | xargs echo"), "0 ptmx\r\n");
  ask("stat -c '%a %g' /dev/pts/0");
  terminal_.type("exit 3\r");
  EXPECT_EQ(terminal_.wait().status, 3);
  expect_restored();
}

TEST_F(RunTerminal, is_raw_while_the_program_runs) {
  start_shell();
  EXPECT_TRUE(is_raw(terminal_.mode()));
  terminal_.type("exit\r");
  EXPECT_EQ(terminal_.wait().status, 0);
  expect_restored();
}

TEST_F(RunTerminal, has_the_size_of_the_users_from_the_start) {
  start({}, {"stty", "size"});
  EXPECT_EQ(terminal_.wait().out, "30 100\r\n");
}

TEST_F(RunTerminal, follows_the_users_changes_of_size) {
  start({"-v", probe_path() + ":/probe"}, {"/probe", "resized"});
  ASSERT_TRUE(terminal_.read_until("ready 30 100"));
  terminal_.resize(25, 90);
  EXPECT_THAT(terminal_.wait().out, HasSubstr("now 25 90\r\n"));
}

TEST_F(RunTerminal, follows_changes_of_size_through_an_init) {
  start({"--init", "-v", probe_path() + ":/probe"}, {"/probe", "resized"});
  ASSERT_TRUE(terminal_.read_until("ready 30 100"));
  terminal_.resize(25, 90);
  EXPECT_THAT(terminal_.wait().out, HasSubstr("now 25 90\r\n"));
}

TEST_F(RunTerminal, gives_ctrl_c_to_the_program_and_not_to_myct) {
  start_shell();
  terminal_.type("sh -c 'echo sta''rted; exec sleep 1000'\r");
  ASSERT_TRUE(terminal_.read_until("started"));
  terminal_.type("\x03");
  ASSERT_TRUE(terminal_.read_until("prompt> "));
  EXPECT_EQ(ask("echo status $?"), "status 130\r\n");
  terminal_.type("exit\r");
  EXPECT_EQ(terminal_.wait().status, 0);
  expect_restored();
}

TEST_F(RunTerminal, gives_ctrl_c_to_a_program_under_an_init) {
  start({"--init"}, {"sh", "-c", "echo started; sleep 1000; echo never"});
  ASSERT_TRUE(terminal_.read_until("started"));
  terminal_.type("\x03");
  EXPECT_EQ(terminal_.wait().status, 130);
  expect_restored();
}

TEST_F(RunTerminal, has_job_control) {
  start({"-e", "PS1=prompt> ", "-v", probe_path() + ":/probe"}, {"sh"});
  ASSERT_TRUE(terminal_.read_until("prompt> ")) << terminal_.shown();
  terminal_.type("/probe hold\r");
  ASSERT_TRUE(terminal_.read_until("ready"));
  terminal_.type("\x1a");
  ASSERT_TRUE(terminal_.read_until("prompt> "));
  EXPECT_THAT(ask("jobs"), HasSubstr("Stopped"));
  terminal_.type("fg\r");
  ASSERT_TRUE(terminal_.read_until("continued"));
  terminal_.type("\x03");
  ASSERT_TRUE(terminal_.read_until("prompt> "));
  EXPECT_EQ(ask("jobs"), "");
  terminal_.type("exit\r");
  terminal_.wait();
  expect_restored();
}

TEST_F(RunTerminal, passes_keys_through_unchanged) {
  start({}, {"sh", "-c", "stty raw -echo; echo ready; head -c 5 | od -An -tx1"});
  ASSERT_TRUE(terminal_.read_until("ready"));
  terminal_.type(std::string("\x03\x04\x1a\x1c\x11", 5));
  EXPECT_THAT(terminal_.wait().out, HasSubstr("03 04 1a 1c 11"));
  expect_restored();
}

TEST_F(RunTerminal, gives_the_end_of_input_by_ctrl_d) {
  start_shell();
  terminal_.type("\x04");
  EXPECT_EQ(terminal_.wait().status, 0);
  expect_restored();
}

TEST_F(RunTerminal, shows_all_output_of_a_program_that_ends_at_once) {
  start({}, {"sh", "-c", "seq 1 2000"});
  const Result result = terminal_.wait();
  EXPECT_EQ(lines_of(result.out).size(), 2000U);
  EXPECT_TRUE(result.out.ends_with("2000\r\n"));
}

TEST_F(RunTerminal, takes_a_large_paste) {
  start({}, {"sh", "-c", "stty raw -echo; echo ready; head -c 100000 | wc -c"});
  ASSERT_TRUE(terminal_.read_until("ready"));
  const std::string piece(1000, 'x');
  for (int i = 0; i < 100; ++i) terminal_.type(piece);
  EXPECT_THAT(terminal_.wait().out, HasSubstr("100000"));
  expect_restored();
}

TEST_F(RunTerminal, is_restored_after_a_start_that_failed) {
  start({}, {"/no/such"});
  const Result result = terminal_.wait();
  EXPECT_EQ(result.status, 127) << result;
  EXPECT_THAT(result.out, HasSubstr("myct: run '/no/such': No such file or directory"));
  expect_restored();
}

TEST_F(RunTerminal, is_restored_when_the_program_is_killed) {
  start_shell();
  ::kill(init_pid(), SIGKILL);
  EXPECT_EQ(terminal_.wait().status, 137);
  expect_restored();
}

TEST_F(RunTerminal, is_restored_when_myct_is_killed) {
  start_shell();
  ASSERT_TRUE(is_raw(terminal_.mode()));
  terminal_.signal(SIGKILL);
  EXPECT_EQ(terminal_.wait().signal, SIGKILL);
  EXPECT_TRUE(eventually([&] { return same_mode(before_, terminal_.mode()); }));
  EXPECT_TRUE(eventually([] { return host().processes().empty(); }));
  EXPECT_EQ(myct({"ps"}).status, 0);  // a later command takes away what was left
}

TEST_F(RunTerminal, is_restored_when_myct_is_told_to_end) {
  start({"--init"}, {"sh", "-c", "echo started; sleep 1000"});
  ASSERT_TRUE(terminal_.read_until("started"));
  terminal_.signal(SIGTERM);
  EXPECT_EQ(terminal_.wait().status, 143);
  expect_restored();
}

TEST_F(RunTerminal, ends_the_program_when_the_window_is_closed) {
  start_shell();
  terminal_.close_window();
  const Result result = terminal_.wait();
  EXPECT_FALSE(result.timed_out);
  EXPECT_TRUE(eventually([] { return host().processes().empty(); }));
  (void)myct({"ps"});
}

TEST_F(RunTerminal, is_given_without_input_by_t_alone) {
  // As in Docker: -t without -i works in a pipe, and the program's output is a terminal.
  const Result result = shell({"-t"}, "[ -t 1 ] && echo terminal; echo error >&2");
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(result.out, "terminal\r\nerror\r\n");
  EXPECT_EQ(result.err, "");
}

TEST_F(RunTerminal, is_refused_when_the_input_is_none) {
  EXPECT_TRUE(fails_with(myct({"run", "--rm", "-it", "busybox", "true"}, "text"), 1, "the input device is not a TTY"));
}

TEST_F(RunTerminal, is_not_needed_for_input) {
  // -i alone in a terminal: the program has the user's own, in the mode it is in.
  terminal_.start(command({"run", "--rm", "-i", "busybox", "sh", "-c", "echo ready; read line; echo got $line"}));
  ASSERT_TRUE(terminal_.read_until("ready"));
  EXPECT_TRUE(same_mode(before_, terminal_.mode()));
  terminal_.type("hello\r");
  EXPECT_THAT(terminal_.wait().out, HasSubstr("got hello"));
}

TEST_F(RunTerminal, belongs_to_the_user_in_the_container) {
  start({"-u", "33"}, {"sh", "-c", "tty; echo x >/dev/tty && echo writable"});
  EXPECT_THAT(terminal_.wait().out, HasSubstr("writable"));
}

TEST_F(RunTerminal, shows_the_progress_of_an_import_and_clears_it) {
  terminal_.start(command({"import", busybox_tarball(), "again"}));
  const Result result = terminal_.wait();
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.out, HasSubstr("sha256:"));
}

}  // namespace
}  // namespace myct::test
