// Leaving a container that goes on, and coming back to it: with a terminal, with pipes, and with several at once.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

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
  EXPECT_TRUE(fails_with(myct({"start", "-ai", "web"}), 125, "the input device is not a TTY"));
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

// --- with pipes -----------------------------------------------------------------------------------------------------

constexpr const char* kEcho = "while read line; do echo out $line; echo err $line >&2; done; exit 3";

class AttachPipes : public Attach {
 protected:
  [[nodiscard]] std::unique_ptr<Process> attach(const Words& options = {}) const {
    Words words = {"attach"};
    words.insert(words.end(), options.begin(), options.end());
    words.emplace_back("web");
    Command attaching = command(words);
    attaching.standard_input = Stdin::Pipe;
    return std::make_unique<Process>(attaching);
  }
};

TEST_F(AttachPipes, gives_input_and_keeps_output_and_errors_apart) {
  start("web", kEcho, {"-i"});
  const std::unique_ptr<Process> client = attach();
  client->write("one\n");
  ASSERT_TRUE(client->read_until("out one\n"));
  ASSERT_TRUE(client->read_error_until("err one\n"));
  EXPECT_EQ(client->out(), "out one\n");
  EXPECT_EQ(client->err(), "err one\n");
  client->signal(SIGKILL);
  client->wait();
  remove("web");
}

TEST_F(AttachPipes, ends_with_the_status_of_the_program) {
  start("web", "read line; exit $line", {"-i"});
  const std::unique_ptr<Process> client = attach();
  client->write("9\n");
  EXPECT_EQ(client->wait().status, 9);
  remove("web");
}

TEST_F(AttachPipes, does_not_end_the_input_of_a_program_that_it_has_not_started) {
  start("web", kEcho, {"-i"});
  const std::unique_ptr<Process> client = attach();
  client->write("one\n");
  client->close_stdin();
  ASSERT_TRUE(client->read_until("out one\n"));
  const std::unique_ptr<Process> second = attach();
  second->write("two\n");
  EXPECT_TRUE(client->read_until("out two\n"));
  EXPECT_TRUE(second->read_until("out two\n"));
  EXPECT_TRUE(status_of("web").starts_with("Up "));
  remove("web");
  EXPECT_EQ(client->wait().status, 137);
}

TEST_F(AttachPipes, gives_no_input_with_no_stdin) {
  start("web", kEcho, {"-i"});
  const std::unique_ptr<Process> silent = attach({"--no-stdin"});
  const std::unique_ptr<Process> typing = attach();
  silent->write("silent\n");
  typing->write("typed\n");
  ASSERT_TRUE(silent->read_until("out typed\n"));
  EXPECT_EQ(silent->out(), "out typed\n");
  remove("web");
}

TEST_F(AttachPipes, gives_no_input_to_a_program_that_has_none) {
  start("web", "cat; echo ended; sleep 1000");
  const std::unique_ptr<Process> client = attach();
  client->write("text\n");
  ASSERT_TRUE(logs("web", "ended\n"));
  remove("web");
  EXPECT_THAT(client->wait().out, Not(HasSubstr("text")));
}

TEST_F(AttachPipes, loses_no_input_of_two_who_write_more_than_fits) {
  // A pipe holds 64 KiB: with a program that does not read yet, the input of both has to wait.
  constexpr size_t kEach = 300'000;
  start("web", "while [ ! -e /go ]; do sleep 0.01; done; head -c 600000 | tr -d '\\n' | sed 's/a*//g' | wc -c", {"-i"});
  Command giving = command({"attach", "web"});
  giving.standard_input = Stdin::Pipe;
  Process one(giving);
  Process two(giving);
  const pid_t writer = ::fork();
  if (writer == 0) {
    two.write(std::string(kEach, 'b'));
    ::_exit(0);
  }
  const pid_t other = ::fork();
  if (other == 0) {
    one.write(std::string(kEach, 'a'));
    ::_exit(0);
  }
  ::usleep(300'000);  // so that both meet a pipe that is full
  EXPECT_EQ(myct({"exec", "web", "touch", "/go"}).status, 0);
  EXPECT_TRUE(logs("web", "300000\n")) << myct({"logs", "web"});
  ::kill(writer, SIGKILL);
  ::kill(other, SIGKILL);
  remove("web");
}

TEST_F(AttachPipes, follows_a_program_that_writes_as_fast_as_it_can) {
  start("web", "read go; seq 1 5000000", {"-i"});  // 39 MB
  const std::unique_ptr<Process> client = attach();
  client->write("go\n");
  const Result result = client->wait();
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 5'000'000);
  EXPECT_TRUE(result.out.ends_with("\n5000000\n"));
  remove("web");
}

TEST_F(AttachPipes, one_that_stops_reading_holds_up_neither_the_program_nor_others) {
  start("web", "read go; seq 1 300000; echo done; sleep 1000", {"-i"});
  const std::unique_ptr<Process> stopped = attach();
  const std::unique_ptr<Process> reading = attach();
  // Both are known to the supervisor when they have been heard.
  stopped->signal(SIGSTOP);
  reading->write("go\n");
  EXPECT_TRUE(reading->read_until("\n300000\ndone\n"));
  EXPECT_EQ(lines_of(reading->out()).size(), 300001U);
  EXPECT_TRUE(eventually([&] { return myct({"logs", "--tail", "1", "web"}).out == "done\n"; }));
  stopped->signal(SIGCONT);
  stopped->signal(SIGKILL);
  stopped->wait();
  remove("web");
}

// --- signals --------------------------------------------------------------------------------------------------------

constexpr const char* kTraps = "trap 'echo usr1' USR1; echo ready; while :; do sleep 0.02; done";

TEST_F(AttachPipes, passes_signals_on) {
  start("web", kTraps, {"-i"});
  ASSERT_TRUE(logs("web", "ready\n"));
  for (const Words& options : {Words{}, Words{"--sig-proxy"}, Words{"--sig-proxy=true"}}) {
    const std::unique_ptr<Process> client = attach(options);
    ASSERT_TRUE(eventually([&] {  // it collects signals from the start on
      return read_file("/proc/" + std::to_string(client->pid()) + "/status").find("SigBlk:\t0000000000000000") ==
             std::string::npos;
    }));
    client->signal(SIGUSR1);
    EXPECT_TRUE(client->read_until("usr1\n"));
    client->signal(SIGKILL);
    client->wait();
  }
  remove("web");
}

TEST_F(AttachPipes, ends_by_a_signal_that_is_not_passed_on) {
  start("web", kTraps, {"-i"});
  ASSERT_TRUE(logs("web", "ready\n"));
  const std::unique_ptr<Process> client = attach({"--sig-proxy=false"});
  ASSERT_TRUE(eventually([&] {
    return read_file("/proc/" + std::to_string(client->pid()) + "/status").find("SigBlk:\t0000000000000000") ==
           std::string::npos;
  }));
  client->signal(SIGTERM);
  const Result result = client->wait();
  EXPECT_EQ(result.status, 143) << result;
  EXPECT_EQ(result.err, "");
  EXPECT_TRUE(status_of("web").starts_with("Up "));
  remove("web");
}

TEST_F(Attach, run_ends_by_a_signal_that_is_not_passed_on_and_the_container_goes_on) {
  Process running(command({"run", "--name", "web", "--sig-proxy=false", "busybox", "sh", "-c", kTraps}));
  ASSERT_TRUE(running.read_until("ready\n"));
  running.signal(SIGTERM);
  const Result result = running.wait();
  EXPECT_EQ(result.status, 143) << result;
  EXPECT_EQ(result.err, "");
  EXPECT_TRUE(status_of("web").starts_with("Up "));
  remove("web");
}

TEST_F(Attach, start_passes_signals_on_unless_it_is_told_not_to) {
  ASSERT_EQ(myct({"create", "--name", "web", "busybox", "sh", "-c", kTraps}).status, 0);
  Process first(command({"start", "-a", "--sig-proxy=false", "web"}));
  ASSERT_TRUE(first.read_until("ready\n"));
  first.signal(SIGTERM);
  EXPECT_EQ(first.wait().status, 143);
  EXPECT_TRUE(status_of("web").starts_with("Up "));
  EXPECT_EQ(myct({"kill", "web"}).status, 0);
  Process second(command({"start", "-a", "web"}));
  ASSERT_TRUE(second.read_until("ready\n"));
  second.signal(SIGUSR1);
  EXPECT_TRUE(second.read_until("usr1\n"));
  remove("web");
  EXPECT_EQ(second.wait().status, 137);
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
