// Coming back to a container that goes on, with pipes: input, output, and signals.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "detached.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kEcho = "while read line; do echo out $line; echo err $line >&2; done; exit 3";

class AttachPipes : public DetachedTest {
 protected:
  [[nodiscard]] std::unique_ptr<Process> attach(const Words& options = {}) const {
    Words words = {"attach"};
    words.insert(words.end(), options.begin(), options.end());
    words.emplace_back("web");
    Command attaching = command(words);
    attaching.standard_input = Stdin::Pipe;
    return std::make_unique<Process>(attaching);
  }

  /// Waits until the container has been attached to; nothing that it prints tells of that.
  [[nodiscard]] bool is_attached() const {
    return eventually([&] {
      return myct({"events", "--since", "0", "--until", "0s"}).out.find("attach") != std::string::npos;
    });
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
  ASSERT_TRUE(is_attached());
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
  start("web", "while [ ! -e /go ]; do sleep 0.01; done; head -c 600000 | tr -d 'a\\n' | wc -c", {"-i"});
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

TEST_F(AttachPipes, run_ends_by_a_signal_that_is_not_passed_on_and_the_container_goes_on) {
  Process running(command({"run", "--name", "web", "--sig-proxy=false", "busybox", "sh", "-c", kTraps}));
  ASSERT_TRUE(running.read_until("ready\n"));
  running.signal(SIGTERM);
  const Result result = running.wait();
  EXPECT_EQ(result.status, 143) << result;
  EXPECT_EQ(result.err, "");
  EXPECT_TRUE(status_of("web").starts_with("Up "));
  remove("web");
}

TEST_F(AttachPipes, start_passes_signals_on_unless_it_is_told_not_to) {
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

constexpr const char* kCounting =
    "n=0; trap 'n=$((n+1)); echo got$n' TERM INT; echo ready; while :; do sleep 0.02; done";

/// The third is for the client alone.
void insist(Process& client) {
  client.signal(SIGTERM);
  ASSERT_TRUE(client.read_until("got1\n"));
  client.signal(SIGINT);
  ASSERT_TRUE(client.read_until("got2\n"));
  client.signal(SIGTERM);
  const Result result = client.wait();
  EXPECT_EQ(result.status, 1) << result;
  EXPECT_THAT(result.err, ::testing::HasSubstr("got 3 SIGTERM/SIGINTs, forcefully exiting"));
}

TEST_F(AttachPipes, leaves_the_container_running_at_the_third_request_to_end) {
  start("web", kCounting);
  ASSERT_TRUE(logs("web", "ready\n"));
  Process attached(command({"attach", "web"}));
  ASSERT_TRUE(is_attached());
  insist(attached);
  EXPECT_TRUE(status_of("web").starts_with("Up ")) << status_of("web");
  EXPECT_TRUE(logs("web", "ready\ngot1\ngot2\n"));
  remove("web");
}

TEST_F(AttachPipes, of_a_start_leaves_the_container_running_at_the_third_request_to_end) {
  ASSERT_EQ(myct({"create", "--name", "web", "-i", "busybox", "sh", "-c", kCounting}).status, 0);
  Command starting = command({"start", "-ai", "web"});
  starting.standard_input = Stdin::Pipe;
  Process client(starting);
  ASSERT_TRUE(client.read_until("ready\n"));
  insist(client);
  EXPECT_TRUE(status_of("web").starts_with("Up ")) << status_of("web");
  remove("web");
}

}  // namespace
}  // namespace myct::test
