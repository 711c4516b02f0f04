// Each step of a start × {it fails, the child is killed in it, myct is killed in it}: the step is named, and nothing is
// left behind. Uses the binary that has fault injection compiled in.
#include <signal.h>
#include <unistd.h>

#include <fstream>

#include "myct/base/step.hpp"
#include "sandbox.hpp"

namespace myct::test {
namespace {

std::vector<Step> all_steps() {
  std::vector<Step> steps;
  const auto last = static_cast<uint32_t>(Step::ExecProcess);
  for (uint32_t step = static_cast<uint32_t>(Step::None) + 1; step <= last; ++step)
    steps.push_back(static_cast<Step>(step));
  return steps;
}

class StartFault : public ContainerTest, public ::testing::WithParamInterface<Step> {
 protected:
  [[nodiscard]] Command faulty(const char* variable, const Words& options) const {
    Words words = {"run", "--name", "victim"};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {"busybox", "true"});
    Command command = this->command(words);
    command.argv[0] = faulty_myct_path();
    command.env[variable] = std::string(step_name(GetParam()));
    return command;
  }
  /// A run that has something to undo of every kind.
  [[nodiscard]] Command faulty(const char* variable) const {
    return faulty(variable, {"-v", "/anonymous", "-v", "named:/data", "-v", path("source") + ":/bound", "--tmpfs", "/t",
                             "--cidfile", path("cid"), "-w", "/new", "--ulimit", "core=0", "-t"});
  }
  [[nodiscard]] static int child_of(int parent) {
    const std::string pid = std::to_string(parent);
    int child = 0;
    std::ifstream("/proc/" + pid + "/task/" + pid + "/children") >> child;
    return child;
  }
  /// The container's init, as soon as it has stopped in its step; 0 when it never does.
  [[nodiscard]] static int paused_child(const Process& starting) {
    int child = 0;
    const bool paused = eventually([&] {
      // With a terminal the starter's child is the supervisor, and the init is the supervisor's.
      for (int parent = child_of(starting.pid()); parent != 0; parent = child_of(parent)) {
        std::string name;
        std::getline(std::ifstream("/proc/" + std::to_string(parent) + "/comm"), name);
        if (name == "paused") child = parent;
      }
      return child != 0;
    });
    EXPECT_TRUE(paused) << "the child never came to the step";
    return paused ? child : 0;
  }
  [[nodiscard]] static Result kill_child(const Command& command) {
    Process starting(command);
    if (const int child = paused_child(starting); child != 0) ::kill(child, SIGKILL);
    return starting.wait();
  }
  void expect_nothing_left_behind() const {
    // A supervisor that has told of the failure may still be on its way out.
    (void)eventually([] { return host().processes().empty(); });
    EXPECT_EQ(leftovers(), std::set<std::string>());
    EXPECT_NE(::access(path("cid").c_str(), F_OK), 0) << "the id file is left behind";
    EXPECT_NE(::access(path("source").c_str(), F_OK), 0) << "the bind source is left behind";
  }
};

TEST_P(StartFault, is_reported_with_the_step_when_it_fails) {
  const Result result = run(faulty("MYCT_FAIL_AT"));
  EXPECT_TRUE(fails_with(result, 125, "injected failure: Input/output error"));
  // "run 'true': …" is all that there is to say of the last.
  const std::string step = GetParam() == Step::ExecProcess ? "" : std::string(step_text(GetParam())) + ": ";
  EXPECT_THAT(result.err, ::testing::HasSubstr(step));
  expect_nothing_left_behind();
}

TEST_P(StartFault, is_reported_with_the_step_when_the_child_is_killed) {
  EXPECT_TRUE(fails_with(kill_child(faulty("MYCT_KILL_AT")), 125,
                         "killed by signal 9 during: " + std::string(step_text(GetParam()))));
  expect_nothing_left_behind();
}

TEST_P(StartFault, frees_the_name) {
  ASSERT_EQ(kill_child(faulty("MYCT_KILL_AT")).status, 125);
  EXPECT_TRUE(prints(myct({"run", "--rm", "--name", "victim", "busybox", "echo", "again"}), "again\n"));
}

TEST_P(StartFault, leaves_nothing_that_the_next_command_does_not_remove_when_myct_is_killed) {
  if (GetParam() == Step::WaitForParent) GTEST_SKIP() << "the child waits before it has asked to die with its parent";
  Process starting(faulty("MYCT_KILL_AT", {"--rm", "-v", "/anonymous", "--tmpfs", "/t", "-t"}));
  ASSERT_NE(paused_child(starting), 0);
  starting.signal(SIGKILL);
  EXPECT_EQ(starting.wait().signal, SIGKILL);
  ASSERT_TRUE(eventually([] { return host().processes().empty(); })) << "the child outlives its parent";
  EXPECT_EQ(myct({"ps", "-a"}).status, 0);
  EXPECT_EQ(leftovers(), std::set<std::string>());
}

INSTANTIATE_TEST_SUITE_P(Steps, StartFault, ::testing::ValuesIn(all_steps()),
                         [](const auto& row) { return std::string(step_name(row.param)); });

}  // namespace
}  // namespace myct::test
