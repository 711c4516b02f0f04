// `myct prune`: stopped containers go, after a question.
#include "detached.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

constexpr const char* kQuestion =
    "WARNING! This will remove all stopped containers.\nAre you sure you want to continue? [y/N] ";

class Prune : public DetachedTest {
 protected:
  std::string start_ended(const std::string& name,
                          const Words& options = {}) const {  // NOLINT(modernize-use-nodiscard)
    std::string id = start(name, "echo 12345 >/written", options);
    EXPECT_EQ(myct({"wait", name}).out, "0\n");
    return id;
  }
  [[nodiscard]] std::string names() const { return myct({"ps", "-a", "--format", "{{.Names}}"}).out; }
};

TEST_F(Prune, removes_what_does_not_run_and_says_what_that_was) {
  const std::string ended = start_ended("ended");
  const std::string created = myct({"create", "--name", "created", "busybox", "true"}).out;
  start("running", "sleep 1000");
  start("paused", "sleep 1000");
  EXPECT_EQ(myct({"pause", "paused"}).status, 0);
  const Result result = myct({"prune", "-f"});
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out,
              MatchesRegex("Deleted Containers:\n([0-9a-f]{64}\n){2}\nTotal reclaimed space: [0-9.]+k?B\n"));
  EXPECT_THAT(result.out, HasSubstr(ended));
  EXPECT_THAT(result.out, HasSubstr(created));
  EXPECT_EQ(names(), "paused\nrunning\n");
  EXPECT_EQ(myct({"rm", "-f", "paused", "running"}).status, 0);
}

TEST_F(Prune, with_nothing_to_remove_says_so) {
  EXPECT_TRUE(prints(myct({"prune", "--force"}), "Total reclaimed space: 0B\n"));
}

TEST_F(Prune, asks_before_and_takes_only_a_yes_for_one) {
  start_ended("ended");
  for (const char* answer : {"n\n", "\n", "", "no\n", "x", "yellow\n"}) {
    EXPECT_TRUE(prints(myct({"prune"}, answer), kQuestion)) << answer;
    EXPECT_EQ(names(), "ended\n") << answer;
  }
  const Result result = myct({"prune"}, "y\n");
  EXPECT_EQ(result.status, 0);
  EXPECT_TRUE(result.out.starts_with(std::string(kQuestion) + "Deleted Containers:\n")) << result;
  EXPECT_EQ(names(), "");
}

TEST_F(Prune, removes_only_those_that_fit_the_filter) {
  start_ended("plain");
  start_ended("front", {"-l", "tier=front"});
  start_ended("back", {"-l", "tier=back", "-l", "keep"});
  EXPECT_TRUE(prints(myct({"prune", "-f", "--filter", "until=1h"}), "Total reclaimed space: 0B\n"));
  EXPECT_TRUE(prints(myct({"prune", "-f", "--filter", "label=nosuch"}), "Total reclaimed space: 0B\n"));
  EXPECT_EQ(myct({"prune", "-f", "--filter", "label=tier=front"}).status, 0);
  EXPECT_THAT(names(), Not(HasSubstr("front")));
  EXPECT_EQ(myct({"prune", "-f", "--filter", "label!=keep"}).status, 0);
  EXPECT_EQ(names(), "back\n");
  EXPECT_TRUE(prints(myct({"prune", "-f", "--filter", "label=tier", "--filter", "label!=keep"}),
                     "Total reclaimed space: 0B\n"));
  EXPECT_EQ(myct({"prune", "-f", "--filter", "until=0s"}).status, 0);
  EXPECT_EQ(names(), "");
}

TEST_F(Prune, refuses_filters_that_there_are_not) {
  EXPECT_TRUE(fails_with(myct({"prune", "-f", "--filter", "name=x"}), 1, "invalid filter 'name'"));
  EXPECT_TRUE(fails_with(myct({"prune", "-f", "--filter", "until"}), 125, "invalid filter 'until'"));
  EXPECT_TRUE(fails_with(myct({"prune", "-f", "--filter", "until=nonsense"}), 125, "nonsense"));
}

}  // namespace
}  // namespace myct::test
