// Leaving a container that goes on, and coming back to it, with a terminal.
#include <signal.h>
#include <unistd.h>

#include "detached.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kLeave = "\x10\x11";  // ctrl-p ctrl-q

class Attach : public DetachedTest {
 protected:
  Attach() : terminal_(30, 100), before_(terminal_.mode()) {}

  void start_shell(const Words& options = {}) {
    Words words = {"run", "-it", "--name", "web", "-e", "PS1=prompt> "};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {"busybox", "sh"});
    terminal_.start(command(words));
    ASSERT_TRUE(terminal_.read_until("prompt> ")) << terminal_.shown();
  }
  void leave() {
    terminal_.type(kLeave);
    (void)terminal_.wait();
  }
  /// What a shell in the terminal answers.
  static void ask(Terminal& terminal, const std::string& line, const std::string& answer) {
    terminal.type(line + "\r");
    EXPECT_TRUE(terminal.read_until(answer + "\r\n")) << "asked '" << line << "', shown: " << terminal.shown();
  }
  void expect_restored() const { EXPECT_TRUE(same_mode(before_, terminal_.mode())); }

  Terminal terminal_;
  termios before_;
};

// --- with a terminal ------------------------------------------------------------------------------------------------

TEST_F(Attach, is_left_by_the_keys_and_the_container_goes_on) {
  start_shell();
  terminal_.type(kLeave);
  EXPECT_EQ(terminal_.wait().status, 0);
  expect_restored();
  EXPECT_TRUE(status_of("web").starts_with("Up "));
  remove("web");
}

TEST_F(Attach, comes_back_with_input_output_size_and_status) {
  start_shell();
  ask(terminal_, "answer=$((6*7))", "answer=$((6*7))");
  leave();
  Terminal again(25, 90);
  const termios before = again.mode();
  again.start(command({"attach", "web"}));
  ask(again, "echo answer $answer", "answer 42");
  EXPECT_TRUE(is_raw(again.mode()));
  ask(again, "stty size", "25 90");
  again.resize(33, 77);
  again.type("while [ \"$(stty size)\" != '33 77' ]; do sleep 0.01; done; echo resi''zed\r");
  EXPECT_TRUE(again.read_until("resized")) << again.shown();
  again.type("exit 7\r");
  EXPECT_EQ(again.wait().status, 7);
  EXPECT_TRUE(same_mode(before, again.mode()));
  EXPECT_TRUE(status_of("web").starts_with("Exited (7)"));
  remove("web");
}

TEST_F(Attach, is_left_by_the_keys_again_and_says_so) {
  start_shell();
  leave();
  Terminal again(25, 90);
  const termios before = again.mode();
  again.start(command({"attach", "web"}));
  ask(again, "echo in''side", "inside");
  again.type(kLeave);
  const Result result = again.wait();
  EXPECT_EQ(result.status, 1) << result;
  EXPECT_THAT(result.out, HasSubstr("myct: read escape sequence"));
  EXPECT_TRUE(same_mode(before, again.mode()));
  EXPECT_TRUE(status_of("web").starts_with("Up "));
  remove("web");
}

TEST_F(Attach, is_left_by_other_keys_if_they_are_given) {
  start_shell({"--detach-keys", "ctrl-x,q"});
  terminal_.type("\x10\x11");  // means nothing now
  ask(terminal_, "echo st''ill", "still");
  terminal_.type("\x18q");
  EXPECT_EQ(terminal_.wait().status, 0);
  EXPECT_TRUE(status_of("web").starts_with("Up "));
  Terminal again(25, 90);
  again.start(command({"attach", "--detach-keys=DEL", "web"}));
  ask(again, "echo in''side", "inside");
  again.type("\x7f");
  EXPECT_EQ(again.wait().status, 1);
  remove("web");
}

TEST_F(Attach, refuses_keys_that_there_are_not) {
  EXPECT_TRUE(fails_with(myct({"run", "-it", "--detach-keys", "ctrl-1", "busybox", "true"}), 125,
                         "invalid detach keys 'ctrl-1'"));
  EXPECT_TRUE(fails_with(myct({"attach", "--detach-keys", "x,", "web"}), 125, "invalid detach keys 'x,'"));
}

TEST_F(Attach, passes_a_sequence_on_that_breaks_off) {
  terminal_.start(
      command({"run", "-it", "--rm", "busybox", "sh", "-c", "stty raw -echo; echo ready; head -c 4 | od -An -tx1"}));
  ASSERT_TRUE(terminal_.read_until("ready"));
  terminal_.type("\x10");
  terminal_.type("a");
  terminal_.type("\x10\x10z");
  EXPECT_THAT(terminal_.wait().out, HasSubstr("10 61 10 10"));
}

TEST_F(Attach, lets_the_container_go_on_when_its_own_window_is_closed) {
  start_shell();
  leave();
  Terminal again(25, 90);
  again.start(command({"attach", "web"}));
  ask(again, "echo in''side", "inside");
  again.close_window();
  EXPECT_FALSE(again.wait().timed_out);
  EXPECT_TRUE(status_of("web").starts_with("Up "));
  remove("web");
}

TEST_F(Attach, lets_the_container_go_on_when_it_is_killed_and_restores_the_terminal) {
  start_shell();
  leave();
  Terminal again(25, 90);
  const termios before = again.mode();
  again.start(command({"attach", "web"}));
  ask(again, "echo in''side", "inside");
  again.signal(SIGKILL);
  EXPECT_EQ(again.wait().signal, SIGKILL);
  EXPECT_TRUE(eventually([&] { return same_mode(before, again.mode()); }));
  EXPECT_TRUE(status_of("web").starts_with("Up "));
  remove("web");
}

TEST_F(Attach, by_a_signal_ends_with_it_and_not_as_if_by_keys) {
  start_shell();
  leave();
  Terminal again(25, 90);
  again.start(command({"attach", "web"}));
  ask(again, "echo in''side", "inside");
  again.signal(SIGTERM);
  const Result result = again.wait();
  EXPECT_EQ(result.status, 143) << result;
  EXPECT_THAT(result.out, Not(HasSubstr("escape")));
  EXPECT_TRUE(status_of("web").starts_with("Up "));
  remove("web");
}

TEST_F(Attach, shows_several_the_same_and_takes_what_each_types) {
  start_shell();
  leave();
  Terminal one(25, 90);
  Terminal two(25, 90);
  one.start(command({"attach", "web"}));
  ask(one, "echo fi''rst", "first");
  two.start(command({"attach", "web"}));
  ask(two, "echo sec''ond", "second");
  EXPECT_TRUE(one.read_until("second\r\n")) << one.shown();
  ask(one, "echo thi''rd", "third");
  EXPECT_TRUE(two.read_until("third\r\n")) << two.shown();
  one.type(kLeave);
  EXPECT_EQ(one.wait().status, 1);
  two.type("exit 4\r");
  EXPECT_EQ(two.wait().status, 4);
  remove("web");
}

TEST_F(Attach, hangs_the_program_up_when_the_starter_is_killed_with_input_that_nobody_reads) {
  terminal_.start(command(
      {"run", "-it", "--name", "web", "--init", "busybox", "sh", "-c", "stty raw -echo; echo ready; sleep 1000"}));
  ASSERT_TRUE(terminal_.read_until("ready"));
  for (int piece = 0; piece < 100; ++piece) terminal_.type(std::string(1000, 'x'));
  terminal_.signal(SIGKILL);
  terminal_.wait();
  EXPECT_TRUE(becomes("web", "Exited"));
  remove("web");
}

TEST_F(Attach, start_with_a_terminal_is_like_run) {
  ASSERT_EQ(
      myct({"create", "-it", "--name", "web", "busybox", "sh", "-c", "stty size; read x; echo got $x; exit 5"}).status,
      0);
  terminal_.start(command({"start", "-ai", "web"}));
  ASSERT_TRUE(terminal_.read_until("30 100\r\n")) << terminal_.shown();
  EXPECT_TRUE(is_raw(terminal_.mode()));
  terminal_.type("hello\r");
  ASSERT_TRUE(terminal_.read_until("got hello\r\n")) << terminal_.shown();
  EXPECT_EQ(terminal_.wait().status, 5);
  expect_restored();
  remove("web");
}

TEST_F(Attach, start_can_be_left_by_the_keys) {
  ASSERT_EQ(myct({"create", "-it", "--name", "web", "busybox", "sh"}).status, 0);
  terminal_.start(command({"start", "-ai", "web"}));
  ask(terminal_, "echo in''side", "inside");
  terminal_.type(kLeave);
  EXPECT_EQ(terminal_.wait().status, 0);
  expect_restored();
  EXPECT_TRUE(status_of("web").starts_with("Up "));
  remove("web");
}

TEST_F(Attach, needs_a_terminal_to_start_one_with_input) {
  ASSERT_EQ(myct({"create", "-it", "--name", "web", "busybox", "sh"}).status, 0);
  EXPECT_TRUE(fails_with(myct({"start", "-ai", "web"}), 1, "the input device is not a TTY"));
  EXPECT_EQ(status_of("web"), "Created");
  remove("web");
}

TEST_F(Attach, finds_a_terminal_that_was_started_without_one) {
  start_program("web", {"sh"}, {"-it"});
  ASSERT_EQ(myct({"create", "-it", "--name", "later", "busybox", "sh"}).status, 0);
  ASSERT_EQ(myct({"start", "later"}).status, 0);
  for (const char* name : {"web", "later"}) {
    Terminal terminal(25, 90);
    terminal.start(command({"attach", name}));
    ask(terminal, "echo in''side", "inside");
    terminal.type("exit 3\r");
    EXPECT_EQ(terminal.wait().status, 3);
  }
  EXPECT_EQ(myct({"rm", "web", "later"}).status, 0);
}

// --- refusals -------------------------------------------------------------------------------------------------------

TEST_F(Attach, is_refused_where_there_is_nothing_to_come_back_to) {
  start("stopped", "exit 0");
  EXPECT_EQ(myct({"wait", "stopped"}).out, "0\n");
  start("web", "sleep 1000");
  EXPECT_EQ(myct({"pause", "web"}).status, 0);
  EXPECT_TRUE(fails_with(myct({"attach", "nosuch"}), 1, "no such container: 'nosuch'"));
  EXPECT_TRUE(fails_with(myct({"attach", "stopped"}), 1, "cannot attach to container 'stopped': it is exited"));
  EXPECT_TRUE(fails_with(myct({"attach", "web"}), 1, "cannot attach to container 'web': it is paused"));
  EXPECT_TRUE(fails_with(myct({"attach"}), 1, "CONTAINER"));
  EXPECT_EQ(myct({"rm", "-f", "stopped", "web"}).status, 0);
}

TEST_F(Attach, is_refused_to_a_container_in_the_foreground) {
  Process running(command({"run", "--name", "web", "busybox", "sh", "-c", "echo ready; sleep 1000"}));
  ASSERT_TRUE(running.read_until("ready"));
  ASSERT_TRUE(becomes("web", "Up"));
  EXPECT_TRUE(fails_with(myct({"attach", "web"}), 1,
                         "cannot attach to container 'web': it runs in another terminal's foreground"));
  remove("web");
  running.wait();
}

}  // namespace
}  // namespace myct::test
