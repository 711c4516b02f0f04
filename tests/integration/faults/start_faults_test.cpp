// Each step of a start × {it fails, the child is killed in it}: the step is named, and nothing is
// left behind. Uses the binary that has fault injection compiled in.
#include <unistd.h>

#include "myct/base/step.hpp"
#include "sandbox.hpp"

namespace myct::test {
namespace {

std::vector<Step> all_steps() {
  std::vector<Step> steps;
  const auto last = static_cast<uint32_t>(Step::ExecProcess);
  for (uint32_t step = static_cast<uint32_t>(Step::None) + 1; step <= last; ++step) steps.push_back(static_cast<Step>(step));
  return steps;
}

class StartFault : public ContainerTest, public ::testing::WithParamInterface<Step> {
 protected:
  /// A run that has something to undo of every kind.
  [[nodiscard]] Command faulty(const char* variable) const {
    Command command = this->command({"run", "--name", "victim", "-v", "/anonymous", "-v", "named:/data", "-v",
                                     path("source") + ":/bound", "--tmpfs", "/t", "--cidfile", path("cid"), "-w", "/new",
                                     "--ulimit", "core=0", "-t", "busybox", "true"});
    command.argv[0] = faulty_myct_path();
    command.env[variable] = std::string(step_name(GetParam()));
    return command;
  }
  void expect_nothing_left_behind() const {
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
  const Result result = run(faulty("MYCT_KILL_AT"));
  EXPECT_TRUE(fails_with(result, 125, "killed by signal 9 during: " + std::string(step_text(GetParam()))));
  expect_nothing_left_behind();
}

TEST_P(StartFault, frees_the_name) {
  ASSERT_EQ(run(faulty("MYCT_KILL_AT")).status, 125);
  EXPECT_TRUE(prints(myct({"run", "--rm", "--name", "victim", "busybox", "echo", "again"}), "again\n"));
}

INSTANTIATE_TEST_SUITE_P(Steps, StartFault, ::testing::ValuesIn(all_steps()),
                         [](const auto& row) { return std::string(step_name(row.param)); });

}  // namespace
}  // namespace myct::test
