// `myct logs`, from the program's write to the reader's line.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "detached.hpp"

namespace myct::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class Logs : public DetachedTest {
 protected:
  [[nodiscard]] Process follow(const Words& options = {}) const {
    Words words = {"logs", "-f"};
    words.insert(words.end(), options.begin(), options.end());
    words.emplace_back("web");
    return Process(command(words));
  }
  [[nodiscard]] Result read(const Words& options) const {
    Words words = {"logs"};
    words.insert(words.end(), options.begin(), options.end());
    words.emplace_back("web");
    return myct(words);
  }
  [[nodiscard]] std::string directory(const std::string& id) const { return root() + "/containers/" + id; }
  /// Bytes in log files now. They may be rotated while we look.
  [[nodiscard]] uintmax_t size_on_disk(const std::string& id) const {
    uintmax_t size = 0;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory(id))) {
      std::error_code gone;
      const uintmax_t one = fs::file_size(entry.path(), gone);
      if (entry.path().filename().string().starts_with("log.json") && !gone) size += one;
    }
    return size;
  }
};

/// "1\n2\n…": what seq(1) prints.
std::string numbers(int first, int last) {
  std::string text;
  for (int number = first; number <= last; ++number) text.append(std::to_string(number)) += '\n';
  return text;
}

TEST_F(Logs, followed_give_every_line_once_up_to_the_end) {
  start("web", "while [ ! -e /go ]; do sleep 0.01; done; seq 1 50000; exit 3");
  Process before = follow();
  EXPECT_EQ(myct({"exec", "web", "touch", "/go"}).status, 0);
  Process amid = follow();
  EXPECT_EQ(before.wait().out, numbers(1, 50000));
  EXPECT_EQ(amid.wait().out, numbers(1, 50000));
  const Result after = follow().wait();
  EXPECT_EQ(after.status, 0) << after.err;
  EXPECT_EQ(after.out, numbers(1, 50000));
  remove("web");
}

TEST_F(Logs, followed_show_lines_as_they_come) {
  start("web", "echo first; while [ ! -e /go ]; do sleep 0.01; done; echo second; sleep 1000");
  Process following = follow();
  EXPECT_TRUE(following.read_until("first\n"));
  EXPECT_EQ(myct({"exec", "web", "touch", "/go"}).status, 0);
  EXPECT_TRUE(following.read_until("second\n"));
  remove("web");
  EXPECT_EQ(following.wait().out, "first\nsecond\n");
}

TEST_F(Logs, followed_go_on_over_restarts_by_the_policy) {
  start("web", "echo run; exit 1", {"--restart", "on-failure:2"});
  EXPECT_EQ(follow().wait().out, "run\nrun\nrun\n");
  remove("web");
}

TEST_F(Logs, end_quietly_when_nobody_reads_them_any_more) {
  start("web", "echo first; sleep 1000");
  Process following = follow();
  ASSERT_TRUE(following.read_until("first\n"));
  following.close_stdout();
  const Result result = following.wait();
  EXPECT_FALSE(result.timed_out);
  EXPECT_EQ(result.err, "");
  remove("web");
}

TEST_F(Logs, keep_streams_apart) {
  start("web", "echo out 1; echo err 1 >&2; echo out 2; echo err 2 >&2");
  const Result result = follow().wait();
  EXPECT_EQ(result.out, "out 1\nout 2\n");
  EXPECT_EQ(result.err, "err 1\nerr 2\n");
  remove("web");
}

TEST_F(Logs, are_cut_by_number_and_by_time) {
  const std::string id = start("web", "seq 1 5; echo mark; sleep 1.1; seq 6 10");
  EXPECT_EQ(myct({"wait", "web"}).out, "0\n");
  EXPECT_EQ(read({"--tail", "3"}).out, numbers(8, 10));
  EXPECT_EQ(read({"-n", "0"}).out, "");
  EXPECT_EQ(read({"-n", "100"}).out, numbers(1, 5) + "mark\n" + numbers(6, 10));
  EXPECT_EQ(read({"--tail", "all"}).out, numbers(1, 5) + "mark\n" + numbers(6, 10));
  EXPECT_EQ(read({"-f", "--tail", "1"}).out, "10\n");
  // The time of the last line of the first half, as -t shows it.
  const std::string stamped = read({"-t"}).out;
  std::string mark;
  for (const std::string& line : lines_of(stamped)) {
    EXPECT_THAT(line, MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{9}Z [a-z0-9]+"));
    if (line.ends_with(" mark")) mark = line.substr(0, line.find(' '));
  }
  EXPECT_EQ(read({"--until", mark}).out, numbers(1, 5) + "mark\n");
  EXPECT_EQ(read({"--since", mark, "--tail", "5"}).out, numbers(6, 10));
  EXPECT_EQ(read({"--since", "1h"}).out, numbers(1, 5) + "mark\n" + numbers(6, 10));
  EXPECT_EQ(read({"--since", "2100-01-01"}).out, "");
  EXPECT_EQ(read({"--until", "2000-01-01"}).out, "");
  EXPECT_TRUE(fails_with(read({"--since", "nonsense"}), 125, "invalid value 'nonsense' for '--since'"));
  EXPECT_TRUE(fails_with(myct({"logs", "nosuch"}), 1, "no such container: 'nosuch'"));
  remove("web");
}

TEST_F(Logs, followed_end_at_a_time_that_comes) {
  start("web", "echo first; sleep 1000");
  ASSERT_TRUE(logs("web", "first\n"));
  const auto soon = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now().time_since_epoch() + std::chrono::seconds(1));
  const Result result = follow({"--until", std::to_string(soon.count())}).wait();
  EXPECT_FALSE(result.timed_out);
  EXPECT_EQ(result.out, "first\n");
  EXPECT_TRUE(status_of("web").starts_with("Up "));
  remove("web");
}

TEST_F(Logs, have_one_record_for_a_line_that_comes_byte_by_byte) {
  const std::string id = start("web", "for c in a b c d e f; do printf $c; sleep 0.02; done; echo; printf partial");
  EXPECT_EQ(myct({"wait", "web"}).out, "0\n");
  const std::vector<std::string> records = lines_of(read_file(directory(id) + "/log.json"));
  ASSERT_EQ(records.size(), 2U);
  EXPECT_THAT(records[0], MatchesRegex(R"(\{"log":"abcdef\\n","stream":"stdout","time":"[0-9TZ:.-]+"\})"));
  EXPECT_THAT(records[1], HasSubstr(R"("log":"partial",)"));
  EXPECT_EQ(read({}).out, "abcdef\npartial");
  EXPECT_EQ(fs::status(directory(id) + "/log.json").permissions(), fs::perms(0640));
  remove("web");
}

TEST_F(Logs, keep_any_bytes_and_long_lines) {
  start("web",
        "printf 'quote \" backslash \\\\ tab \\t bell \\a utf \\303\\244\\n'; head -c 40000 /dev/zero | tr '\\0' x;"
        "echo end");
  EXPECT_EQ(myct({"wait", "web"}).out, "0\n");
  EXPECT_EQ(read({}).out, "quote \" backslash \\ tab \t bell \a utf \303\244\n" + std::string(40000, 'x') + "end\n");
  remove("web");
}

TEST_F(Logs, of_a_terminal_are_one_stream) {
  start("web", "echo out; echo err >&2", {"-t"});
  EXPECT_EQ(myct({"wait", "web"}).out, "0\n");
  EXPECT_TRUE(prints(read({}), "out\r\nerr\r\n"));
  remove("web");
}

TEST_F(Logs, keep_what_the_user_of_a_terminal_saw) {
  Terminal terminal(30, 100);
  terminal.start(command({"run", "-it", "--name", "web", "busybox", "sh", "-c", "read line; echo got $line"}));
  terminal.type("hello\r");
  EXPECT_EQ(terminal.wait().status, 0);
  EXPECT_TRUE(prints(read({}), "hello\r\ngot hello\r\n"));
  remove("web");
}

// --- rotation --------------------------------------------------------------------------------------------------------

TEST_F(Logs, stay_within_their_bound_on_the_disk) {
  const std::string id =
      start("web", "seq 1 50000; echo done; sleep 1000", {"--log-opt", "max-size=100k", "--log-opt", "max-file=2"});
  uintmax_t largest = 0;
  EXPECT_TRUE(eventually([&] {
    largest = std::max(largest, size_on_disk(id));
    return read({"--tail", "1"}).out == "done\n";
  }));
  largest = std::max(largest, size_on_disk(id));
  EXPECT_LE(largest, 200'000U);
  EXPECT_GT(largest, 100'000U) << "nothing was rotated";
  // What is kept is the end, without a gap.
  const std::string kept = read({}).out;
  const int first = std::atoi(kept.c_str());
  EXPECT_EQ(kept, numbers(first, 50000) + "done\n");
  EXPECT_EQ(read({"--tail", "1001"}).out, numbers(49001, 50000) + "done\n");
  remove("web");
}

TEST_F(Logs, with_the_smallest_bound_have_a_file_for_each_record) {
  start("web", "seq 1 9", {"--log-opt", "max-size=1", "--log-opt", "max-file=2"});
  EXPECT_EQ(myct({"wait", "web"}).out, "0\n");
  EXPECT_TRUE(prints(read({}), "8\n9\n"));
  remove("web");
}

TEST_F(Logs, followed_across_rotations_miss_nothing) {
  // As slow as a reader can be expected to follow: what is rotated away before it was read is lost to anybody.
  start("web", "n=1; while [ $n -le 2000 ]; do seq $n $((n + 99)); n=$((n + 100)); sleep 0.03; done",
        {"--log-opt", "max-size=20k", "--log-opt", "max-file=3"});
  EXPECT_TRUE(prints(follow().wait(), numbers(1, 2000)));
  remove("web");
}

TEST_F(Logs, followed_say_that_they_have_missed_something) {
  start("web", "echo ready; while [ ! -e /go ]; do sleep 0.01; done; seq 1 100000",
        {"--log-opt", "max-size=100k", "--log-opt", "max-file=2"});
  Process following = follow();
  ASSERT_TRUE(following.read_until("ready\n"));
  EXPECT_EQ(myct({"exec", "web", "touch", "/go"}).status, 0);
  EXPECT_EQ(myct({"wait", "web"}).out, "0\n");  // which nobody has read but for what a pipe holds
  const Result result = following.wait();
  EXPECT_TRUE(result.out.ends_with("\n100000\n"));
  EXPECT_LT(lines_of(result.out).size(), 100000U);
  EXPECT_THAT(result.err, MatchesRegex("myct: warning: records are missing here: [0-9]+ of the log's files .*\n"));
  remove("web");
}

TEST_F(Logs, of_a_program_that_writes_as_fast_as_it_can_neither_stop_it_nor_fill_the_disk) {
  const std::string id = start("web", "yes 0123456789012345678 | head -c 40000000; exit 3",
                               {"--log-opt", "max-size=1m", "--log-opt", "max-file=2"});
  uintmax_t largest = 0;
  EXPECT_TRUE(eventually([&] {
    largest = std::max(largest, size_on_disk(id));
    return status_of("web").starts_with("Exited (3)");
  }));
  EXPECT_LE(std::max(largest, size_on_disk(id)), 2'000'000U);
  EXPECT_GT(largest, 0U);
  remove("web");
}

TEST_F(Logs, has_what_a_user_who_is_not_root_writes_by_the_streams_names) {
  start("web", "echo out >/dev/stdout; echo err >/dev/stderr", {"-u", "65534"});
  EXPECT_TRUE(becomes("web", "Exited (0)"));
  const Result result = myct({"logs", "web"});
  EXPECT_EQ(result.out, "out\n") << result;
  EXPECT_EQ(result.err, "err\n");
  remove("web");
}

}  // namespace
}  // namespace myct::test
