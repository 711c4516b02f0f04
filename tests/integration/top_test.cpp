// myct top and myct port.
#include <signal.h>

#include "sandbox.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Top : public ContainerTest {
 protected:
  void SetUp() override {
    ContainerTest::SetUp();
    running_.emplace(
        command({"run", "--name", "web", "busybox", "sh", "-c", "sleep 1111 & echo ready; exec sleep 2222"}));
    ASSERT_TRUE(running_->read_until("ready"));
    init_ = init_pid();
  }
  void TearDown() override {
    ::kill(init_, SIGKILL);
    running_->wait();
    EXPECT_EQ(myct({"rm", "web"}).status, 0);
    ContainerTest::TearDown();
  }

  std::optional<Process> running_;
  int init_ = 0;
};

TEST_F(Top, shows_the_processes_of_the_container_and_no_other) {
  const Result result = myct({"top", "web"});
  EXPECT_EQ(result.status, 0) << result;
  const std::vector<std::string> lines = lines_of(result.out);
  ASSERT_EQ(lines.size(), 3U) << result;
  EXPECT_THAT(lines[0], StartsWith("UID                 PID                 PPID                "));
  EXPECT_THAT(lines[0], ::testing::EndsWith("CMD"));
  EXPECT_THAT(result.out, HasSubstr(std::to_string(init_)));
  EXPECT_THAT(result.out, HasSubstr("sleep 1111\n"));
  EXPECT_THAT(result.out, HasSubstr("sleep 2222\n"));
}

TEST_F(Top, gives_options_to_ps) {
  EXPECT_TRUE(prints(myct({"top", "web", "-e", "-o", "pid,comm", "--sort", "-pid"}).status == 0
                         ? myct({"top", "web", "-p", std::to_string(init_), "-o", "pid,args"})
                         : Result{},
                     "PID                 COMMAND\n" + std::to_string(init_) +
                         std::string(20 - std::to_string(init_).size(), ' ') + "sleep 2222\n"));
}

TEST_F(Top, needs_a_pid_column) {
  EXPECT_TRUE(fails_with(myct({"top", "web", "-e", "-o", "comm"}), 1, "no column 'PID'"));
}

TEST_F(Top, fails_with_1_if_ps_fails) {
  const Result result = myct({"top", "web", "--no-such-option"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("'ps' ended with status"));
}

TEST_F(Top, fails_with_1_if_the_container_does_not_run) {
  ASSERT_EQ(myct({"run", "--name", "done", "busybox", "true"}).status, 0);
  EXPECT_TRUE(fails_with(myct({"top", "done"}), 1, "container 'done' is not running"));
  EXPECT_TRUE(fails_with(myct({"top", "none"}), 1, "no such container: 'none'"));
  EXPECT_EQ(myct({"rm", "done"}).status, 0);
}

TEST_F(Top, port_tells_of_no_published_port) {
  EXPECT_TRUE(prints(myct({"port", "web"}), ""));
  EXPECT_TRUE(fails_with(myct({"port", "web", "80"}), 1, "no public port '80/tcp' published for web"));
  EXPECT_TRUE(fails_with(myct({"port", "web", "53/udp"}), 1, "no public port '53/udp' published for web"));
  EXPECT_TRUE(fails_with(myct({"port", "web", "http"}), 1, "invalid port 'http'"));
  EXPECT_TRUE(fails_with(myct({"port", "none"}), 1, "no such container: 'none'"));
}

}  // namespace
}  // namespace myct::test
