// `myct stats`. What of a container is not known without its controllers is tested where there are some.
#include <signal.h>

#include "detached.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

class Stats : public DetachedTest {
 protected:
  void TearDown() override {
    for (const std::string& id : lines_of(myct({"ps", "-aq"}).out)) (void)myct({"rm", "-f", id});
    DetachedTest::TearDown();
  }
  [[nodiscard]] std::string once(const std::string& format, const std::string& name) const {
    const Result result = myct({"stats", "--no-stream", "--format", format, name});
    EXPECT_EQ(result.status, 0) << result;
    return result.out;
  }
};

TEST_F(Stats, prints_a_table_of_what_runs) {
  const std::string id = start("web", "sleep 1000");
  ASSERT_EQ(myct({"create", "--name", "idle", "busybox", "true"}).status, 0);
  const Result result = myct({"stats", "--no-stream"});
  EXPECT_EQ(result.status, 0) << result;
  const std::vector<std::string> lines = lines_of(result.out);
  ASSERT_EQ(lines.size(), 2U) << result;
  EXPECT_THAT(lines[0], MatchesRegex("CONTAINER ID   NAME +CPU % +MEM USAGE / LIMIT +MEM % +NET I/O +BLOCK I/O +PIDS +"
                                     "PRESSURE CPU / MEM / IO"));
  EXPECT_THAT(lines[1], StartsWith(id.substr(0, 12) + "   web "));
  EXPECT_THAT(myct({"stats", "--no-stream", "-a"}).out, HasSubstr("   idle "));
  EXPECT_THAT(myct({"stats", "--no-stream", "--no-trunc"}).out, HasSubstr(id));
}

TEST_F(Stats, shows_what_is_not_known_as_dashes) {
  ASSERT_EQ(myct({"create", "--name", "idle", "busybox", "true"}).status, 0);
  EXPECT_EQ(
      once("{{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.MemPerc}} {{.NetIO}} {{.BlockIO}} {{.PIDs}} {{.Pressure}}", "idle"),
      "idle -- -- / -- -- -- / -- -- / -- -- -- / -- / --\n");
}

TEST_F(Stats, counts_processes_and_sees_no_network_where_there_is_none) {
  start("web", "sleep 1000 & sleep 1000 & echo started; wait", {"--network", "none"});
  ASSERT_TRUE(logs("web", "started\n"));
  EXPECT_EQ(once("{{.PIDs}} {{.NetIO}}", "web"), "3 0B / 0B\n");
}

TEST_F(Stats, does_not_take_the_hosts_network_for_the_containers) {
  start("web", "sleep 1000", {"--network", "host"});
  EXPECT_EQ(once("{{.NetIO}}", "web"), "-- / --\n");
}

TEST_F(Stats, measures_what_a_busy_program_takes_of_a_processor) {
  start("busy", "while :; do :; done");
  const std::string percent = once("{{.CPUPerc}}", "busy");
  EXPECT_THAT(percent, MatchesRegex("[0-9]+\\.[0-9][0-9]%\n"));
  EXPECT_GT(std::stod(percent), 5.0) << "of one processor, on a machine that others use as well";
  EXPECT_LT(std::stod(percent), 130.0);
}

TEST_F(Stats, prints_json_with_dockers_members_and_the_numbers_themselves) {
  start("web", "sleep 1000", {"--network", "none"});
  const std::string json = once("json", "web");
  EXPECT_THAT(
      json, MatchesRegex("\\{\"BlockIO\":\"[^\"]*\",\"CPUPerc\":\"[^\"]*\",\"Container\":\"web\",\"ID\":\"[0-9a-f]{12}"
                         "\",\"MemPerc\":\"[^\"]*\",\"MemUsage\":\"[^\"]*\",\"Name\":\"web\",\"NetIO\":\"0B / 0B\","
                         "\"PIDs\":\"1\",.*\"Raw\":\\{\"CPUMicroseconds\":[0-9]+,.*\"NetReceivedBytes\":0,"
                         "\"NetSentBytes\":0,.*\"PIDs\":1,\"Pressure\":\\{\"CPU\":.*\\}\\}\\}\n"));
  EXPECT_EQ(once("{{.Raw.PIDs}}", "web"), "1\n");
}

TEST_F(Stats, names_a_container_that_does_not_exist) {
  EXPECT_TRUE(fails_with(myct({"stats", "--no-stream", "none"}), 1, "no such container: 'none'"));
  EXPECT_EQ(myct({"stats", "--no-stream", "--format", "{{.ID", "none"}).status, 64);
}

TEST_F(Stats, prints_again_and_again_until_it_is_interrupted) {
  start("web", "sleep 1000");
  Process stats(command({"stats", "--format", "{{.Name}}"}));
  ASSERT_TRUE(stats.read_until("web\nweb\n"));
  stats.signal(SIGINT);
  const Result result = stats.wait();
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(result.err, "");
}

TEST_F(Stats, ends_when_all_that_were_named_are_gone) {
  start("web", "sleep 1000");
  Process stats(command({"stats", "--format", "{{.Name}}", "web"}));
  ASSERT_TRUE(stats.read_until("web\n"));
  remove("web");
  EXPECT_EQ(stats.wait().status, 0);
}

TEST_F(Stats, ends_when_nobody_reads) {
  start("web", "sleep 1000");
  Process stats(command({"stats", "--format", "{{.Name}}"}));
  ASSERT_TRUE(stats.read_until("web\n"));
  stats.close_stdout();
  EXPECT_EQ(stats.wait().signal, SIGPIPE);
}

TEST_F(Stats, follows_containers_that_come_and_go_on_a_terminal) {
  start("first", "sleep 1000");
  Terminal terminal(24, 100);
  terminal.start(command({"stats"}));
  ASSERT_TRUE(terminal.read_until("first"));
  EXPECT_THAT(terminal.shown(), HasSubstr("\x1b[HCONTAINER ID")) << "drawn from the top";
  start("second", "sleep 1000");
  ASSERT_TRUE(terminal.read_until("second"));
  remove("first");
  ASSERT_TRUE(terminal.read_until("IO\x1b[K\r\n"));
  ASSERT_TRUE(terminal.read_until("second"));
  ASSERT_TRUE(terminal.read_until("IO\x1b[K\r\n"));
  ASSERT_TRUE(terminal.read_until("second"));
  EXPECT_THAT(terminal.shown(), Not(HasSubstr("first")));
  terminal.type("\x03");
  EXPECT_EQ(terminal.wait().status, 0);
}

}  // namespace
}  // namespace myct::test
