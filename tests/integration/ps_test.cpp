// `myct ps`: columns, --format, --filter.
#include <signal.h>

#include "sandbox.hpp"

namespace myct::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class Ps : public ContainerTest {
 protected:
  void TearDown() override {
    for (const std::string& id : lines_of(myct({"ps", "-aq"}).out)) (void)myct({"rm", "-f", id});
    ContainerTest::TearDown();
  }
  void make(const std::string& name, const Words& options, const std::string& script) const {
    Words words = {"run", "--name", name};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {"busybox", "sh", "-c", script});
    (void)myct(words);
  }
  [[nodiscard]] std::vector<std::string> names(Words words) const {
    words.insert(words.begin(), {"ps", "--format", "{{.Names}}"});
    return lines_of(myct(words).out);
  }
};

TEST_F(Ps, prints_docker_s_columns) {
  make("first", {}, "exit 3");
  const std::vector<std::string> lines = lines_of(myct({"ps", "-a"}).out);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].substr(0, 12 + 3 + 10), "CONTAINER ID   IMAGE     ");
  EXPECT_THAT(lines[0], MatchesRegex("CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES"));
  EXPECT_THAT(lines[1],
              MatchesRegex("[0-9a-f]+ +busybox +\"sh -c 'exit 3'\" +[^ ].* ago +Exited \\(3\\) .* ago +first"));
  EXPECT_EQ(lines[0].find("NAMES"), lines[1].find("first"));
  EXPECT_EQ(lines_of(myct({"ps"}).out).size(), 1U) << "it does not run";
}

TEST_F(Ps, shows_sizes_when_asked_to) {
  make("writer", {}, "printf 123456789012 > /file");
  EXPECT_THAT(myct({"ps", "-as"}).out,
              MatchesRegex("CONTAINER ID.* +NAMES +SIZE\n.* writer +12B \\(virtual .*MB\\)\n"));
  EXPECT_THAT(myct({"ps", "-a", "--format", "{{.Size}}"}).out, HasSubstr("12B (virtual "));
}

TEST_F(Ps, prints_what_the_template_says) {
  make("first", {"-l", "tier=front"}, "true");
  EXPECT_THAT(myct({"ps", "-a", "--format", "{{.ID}}\\t{{.Names}}"}).out, MatchesRegex("[0-9a-f]+\tfirst\n"));
  EXPECT_TRUE(prints(myct({"ps", "-a", "--format", "{{.Image}} {{.State}} {{.Label \"tier\"}} {{upper .Names}}"}),
                     "busybox exited front FIRST\n"));
  EXPECT_TRUE(
      prints(myct({"ps", "-a", "--format", "table {{.Names}}\\t{{.State}}"}), "NAMES     STATE\nfirst     exited\n"));
  EXPECT_TRUE(prints(myct({"ps", "-a", "--format", "{{.Names}}|{{.HealthStatus}}|"}), "first||\n"));
  EXPECT_THAT(
      myct({"ps", "-a", "--format", "json"}).out,
      MatchesRegex("\\{\"Command\":\"\\\\\"sh -c true\\\\\"\",.*\"ID\":\"[0-9a-f]+\",.*\"Status\":\"Exited.*\"\\}\n"));
  EXPECT_THAT(myct({"ps", "-aq", "--no-trunc", "--format", "json"}).out, MatchesRegex("[0-9a-f]+\n"));
}

TEST_F(Ps, refuses_templates_that_cannot_be) {
  make("first", {}, "true");
  EXPECT_TRUE(fails_with(myct({"ps", "--format", "{{.ID"}), 64, "unclosed action"));
  EXPECT_TRUE(fails_with(myct({"ps", "-a", "--format", "{{.Nope}}"}), 1, "can't evaluate field Nope"));
}

TEST_F(Ps, filters) {
  make("web", {"-l", "tier=front"}, "exit 3");
  make("db", {"-l", "tier=back"}, "true");
  EXPECT_THAT(names({"-a"}), ElementsAre("db", "web"));
  EXPECT_THAT(names({"-a", "--filter", "name=^we"}), ElementsAre("web"));
  EXPECT_THAT(names({"-a", "-f", "label=tier=back"}), ElementsAre("db"));
  EXPECT_THAT(names({"-a", "-f", "exited=3"}), ElementsAre("web"));
  EXPECT_THAT(names({"-f", "status=exited"}), ElementsAre("db", "web")) << "a status asks for all";
  EXPECT_THAT(names({"-a", "-f", "ancestor=busybox", "-f", "since=web"}), ElementsAre("db"));
  EXPECT_THAT(names({"-a", "-f", "name=web", "-f", "name=db", "-f", "label=tier"}), ElementsAre("db", "web"));
  EXPECT_TRUE(fails_with(myct({"ps", "-f", "colour=red"}), 1, "unknown key"));
  EXPECT_TRUE(fails_with(myct({"ps", "-f", "colour"}), 125, "no '='"));
}

TEST_F(Ps, shows_the_last_ones_in_any_state) {
  for (const char* name : {"one", "two", "three"}) make(name, {}, "true");
  EXPECT_THAT(names({"-l"}), ElementsAre("three"));
  EXPECT_THAT(names({"-n", "2"}), ElementsAre("three", "two"));
  EXPECT_THAT(names({"--last=1", "-f", "name=o"}), ElementsAre("two"));
  EXPECT_THAT(names({"-n", "0", "-a"}), ElementsAre("three", "two", "one"));
  EXPECT_THAT(names({"-n", "0"}), ElementsAre()) << "as without it: only what runs";
  EXPECT_THAT(names({"-n", "-1", "-a"}), ElementsAre("three", "two", "one"));
}

TEST_F(Ps, gives_a_number_for_what_was_cut_short) {
  {
    Process running(probe_command({"--name", "cut", "--rm=false"}, {"hold"}));
    ASSERT_TRUE(running.read_until("ready"));
    ASSERT_NE(init_pid(), 0);
    running.signal(SIGKILL);
  }
  ASSERT_TRUE(eventually([&] { return names({}).empty(); }));
  EXPECT_EQ(myct({"ps", "-a", "--format", "{{.Status}}"}).out, "Exited (255)\n") << "nobody knows when";
}

}  // namespace
}  // namespace myct::test
