#include "myct/supervisor/log_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <random>

#include "line_cutter.hpp"
#include "log_directory.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/json.hpp"

namespace myct::supervisor {
namespace {

using test::lines_of;
using test::LogDirectory;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

/// What the records of a file say, read by a JSON library that knows nothing of how they were written.
std::vector<std::string> texts_of(const std::string& content) {
  std::vector<std::string> texts;
  for (const std::string& line : lines_of(content)) texts.push_back(json::parse(line, "log").at("log"));
  return texts;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += text;
  return all;
}

TEST(JsonLog, has_dockers_form_and_mode) {
  const LogDirectory directory;
  const auto log = open_log(directory.target());
  log->write(Stream::Stdout, "hello\n");
  log->write(Stream::Stderr, "oh \"no\"\n");
  const std::string time = R"("time":"2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{9}Z"\})";
  EXPECT_THAT(lines_of(directory.read("log.json")),
              ElementsAre(MatchesRegex(R"(\{"log":"hello\\n","stream":"stdout",)" + time),
                          MatchesRegex(R"(\{"log":"oh \\"no\\"\\n","stream":"stderr",)" + time)));
  struct stat status {};
  ASSERT_EQ(::stat(directory.file("log.json").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0640U);
}

TEST(JsonLog, keeps_lines_whole_that_arrive_in_bytes_between_those_of_the_other_stream) {
  const LogDirectory directory;
  const auto log = open_log(directory.target());
  const std::string out = "one\ntwo\n";
  const std::string err = "ONE\nTWO\n";
  for (size_t index = 0; index < out.size(); ++index) {
    log->write(Stream::Stdout, std::string_view(out).substr(index, 1));
    log->write(Stream::Stderr, std::string_view(err).substr(index, 1));
  }
  EXPECT_THAT(texts_of(directory.read("log.json")), ElementsAre("one\n", "ONE\n", "two\n", "TWO\n"));
}

TEST(JsonLog, writes_a_line_without_a_newline_at_the_end_of_the_stream) {
  const LogDirectory directory;
  const auto log = open_log(directory.target());
  log->write(Stream::Stdout, "prompt> ");
  EXPECT_EQ(directory.read("log.json"), "");
  log->finish();
  log->finish();
  log->write(Stream::Stdout, "after a restart\n");
  EXPECT_THAT(texts_of(directory.read("log.json")), ElementsAre("prompt> ", "after a restart\n"));
}

TEST(JsonLog, splits_a_long_line_at_16_kib_whatever_the_pieces_it_arrives_in) {
  for (const size_t piece :
       {size_t{1}, size_t{1000}, kLongestLine - 1, kLongestLine, kLongestLine + 1, size_t{65536}}) {
    const LogDirectory directory;
    const auto log = open_log(directory.target());
    const std::string text = "short\n" + std::string(40'000, 'x') + "\n" + std::string(kLongestLine - 1, 'y') + "\n" +
                             std::string(kLongestLine, 'z') + "\n";
    for (size_t start = 0; start < text.size(); start += piece)
      log->write(Stream::Stdout, std::string_view(text).substr(start, piece));
    EXPECT_THAT(texts_of(directory.read("log.json")),
                ElementsAre("short\n", std::string(kLongestLine, 'x'), std::string(kLongestLine, 'x'),
                            std::string(40'000 - 2 * kLongestLine, 'x') + "\n",
                            std::string(kLongestLine - 1, 'y') + "\n", std::string(kLongestLine, 'z'), "\n"))
        << piece;
  }
}

TEST(JsonLog, does_not_split_a_character) {
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{65536}}) {
    for (size_t shift = 0; shift < 4; ++shift) {
      const LogDirectory directory;
      const auto log = open_log(directory.target());
      std::string text = std::string(shift, 'x');
      while (text.size() < 3 * kLongestLine) text += "\xf0\x9f\x90\xb3";
      text += '\n';
      for (size_t start = 0; start < text.size(); start += piece)
        log->write(Stream::Stdout, std::string_view(text).substr(start, piece));
      EXPECT_TRUE(joined(texts_of(directory.read("log.json"))) == text) << piece << ' ' << shift;
    }
  }
}

TEST(JsonLog, stays_json_whatever_the_bytes) {
  struct Row {
    std::string_view bytes;
    std::string_view kept;
  };
  for (const Row& row : {Row{"\xff", "\ufffd"}, Row{"a\xc3", "a\ufffd"}, Row{"\xe2\x82x", "\ufffd\ufffdx"},
                         Row{"\xc0\xaf", "\ufffd\ufffd"}, Row{"\xed\xa0\x80", "\ufffd\ufffd\ufffd"},
                         Row{"\xf4\x90\x80\x80", "\ufffd\ufffd\ufffd\ufffd"}, Row{"\xe2\x82\xac", "\u20ac"},
                         Row{"\xf0\x9f\x90\xb3", "\U0001f433"}, Row{"\x1b[31m\t\\\r\x7f", "\x1b[31m\t\\\r\x7f"}}) {
    const LogDirectory directory;
    const auto log = open_log(directory.target());
    log->write(Stream::Stdout, std::string(row.bytes) + "\n");
    EXPECT_THAT(texts_of(directory.read("log.json")), ElementsAre(std::string(row.kept) + "\n"));
  }
  const LogDirectory directory;
  const auto log = open_log(directory.target());
  std::mt19937 random(2);
  std::string noise(300'000, '\0');
  for (char& byte : noise) byte = static_cast<char>(random());
  log->write(Stream::Stdout, noise);
  log->finish();
  EXPECT_EQ(std::ranges::count(joined(texts_of(directory.read("log.json"))), '\n'), std::ranges::count(noise, '\n'));
}

TEST(JsonLog, rotates_whole_records_and_never_takes_more_than_its_bound) {
  const LogDirectory directory;
  constexpr uint64_t kMaxSize = 10'000;
  {
    const auto log = open_log(directory.target(kMaxSize, 3));
    std::string batch;
    for (int number = 0; number < 1000; ++number) {
      batch += "line " + std::to_string(number) + "\n";
      if (number % 7 != 0 && number != 999) continue;  // several records in one write
      log->write(Stream::Stdout, batch);
      batch.clear();
      for (const std::string& name : directory.names())
        ASSERT_LE(std::filesystem::file_size(directory.file(name)), kMaxSize);
    }
    EXPECT_EQ(log->dropped(), 0U);
  }
  EXPECT_THAT(directory.names(), ElementsAre("log.json", "log.json.1", "log.json.2"));
  std::vector<std::string> texts;
  for (const char* name : {"log.json.2", "log.json.1", "log.json"})
    for (std::string& text : texts_of(directory.read(name))) texts.push_back(std::move(text));
  ASSERT_GT(texts.size(), 200U);
  for (size_t index = 0; index < texts.size(); ++index)
    EXPECT_EQ(texts[index], "line " + std::to_string(1000 - texts.size() + index) + "\n");
}

TEST(JsonLog, begins_its_only_file_anew_when_that_is_full) {
  const LogDirectory directory;
  const auto log = open_log(directory.target(200, 1));
  for (const char* text : {"one\n", "two\n", "three\n"}) log->write(Stream::Stdout, text);
  EXPECT_THAT(directory.names(), ElementsAre("log.json"));
  EXPECT_THAT(texts_of(directory.read("log.json")), ElementsAre("three\n"));
}

TEST(JsonLog, gives_a_record_that_is_longer_than_the_bound_a_file_of_its_own) {
  const LogDirectory directory;
  const auto log = open_log(directory.target(100, 3));
  const std::string big(500, 'x');
  log->write(Stream::Stdout, "a\n" + big + "\nb\n");
  EXPECT_THAT(texts_of(directory.read("log.json.2")), ElementsAre("a\n"));
  EXPECT_THAT(texts_of(directory.read("log.json.1")), ElementsAre(big + "\n"));
  EXPECT_THAT(texts_of(directory.read("log.json")), ElementsAre("b\n"));
}

TEST(JsonLog, appends_to_what_an_earlier_supervisor_wrote_and_keeps_to_the_bound) {
  const LogDirectory directory;
  open_log(directory.target())->write(Stream::Stdout, "before\n");
  open_log(directory.target())->write(Stream::Stdout, "after\n");
  EXPECT_THAT(texts_of(directory.read("log.json")), ElementsAre("before\n", "after\n"));
  open_log(directory.target(200, 2))->write(Stream::Stdout, "full\n");
  EXPECT_THAT(texts_of(directory.read("log.json.1")), ElementsAre("before\n", "after\n"));
  EXPECT_THAT(texts_of(directory.read("log.json")), ElementsAre("full\n"));
}

TEST(JsonLog, begins_a_line_of_its_own_after_a_record_that_was_cut) {
  const LogDirectory directory;
  open_log(directory.target())->write(Stream::Stdout, "whole\ncut\n");
  std::filesystem::resize_file(directory.file("log.json"), directory.read("log.json").size() - 10);
  open_log(directory.target())->write(Stream::Stdout, "next\n");
  const std::vector<std::string> lines = lines_of(directory.read("log.json"));
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_THAT(texts_of(lines[0] + "\n" + lines[2]), ElementsAre("whole\n", "next\n"));
  EXPECT_THAT(lines[1], HasSubstr("cut"));
}

/// A bound on the size of files stands for a full disk: write(2) takes a part, and then fails.
class FullDisk {
 public:
  explicit FullDisk(rlim_t room) : handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = room;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  sighandler_t handler_;
};

TEST(JsonLog, drops_and_counts_what_a_full_disk_does_not_take) {
  const LogDirectory directory;
  const auto log = open_log(directory.target());
  {
    const FullDisk full(180);
    log->write(Stream::Stdout, "one\ntwo\nthree\n");
    log->write(Stream::Stdout, "four\n");
  }
  EXPECT_EQ(directory.read("log.json").size(), 180U);
  EXPECT_EQ(log->dropped(), 2U);
  log->write(Stream::Stdout, "five\n");
  const std::vector<std::string> lines = lines_of(directory.read("log.json"));
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_THAT(texts_of(lines[0] + "\n" + lines[1] + "\n" + lines[3]), ElementsAre("one\n", "two\n", "five\n"));
}

TEST(JsonLog, does_not_outlive_its_directory) {
  const LogDirectory directory;
  const std::string inner = directory.file("container");
  make_directories(inner);
  LogTarget target = directory.target(100, 2);
  target.directory = inner;
  const auto log = open_log(target);
  log->write(Stream::Stdout, "one\n");
  remove_tree(inner);
  log->write(Stream::Stdout, "two\n");
  log->write(Stream::Stdout, "three\n");
  EXPECT_EQ(log->dropped(), 2U);
  EXPECT_THAT(directory.names(), IsEmpty());
}

TEST(OpenLog, names_the_file_that_cannot_be_opened) {
  LogTarget target = LogDirectory().target();
  try {
    (void)open_log(target);
    FAIL() << "the directory is gone";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(target.directory));
  }
}

TEST(OpenLog, keeps_nothing_with_the_drivers_none_and_passthrough) {
  for (const state::LogDriver driver : {state::LogDriver::None, state::LogDriver::Passthrough}) {
    const LogDirectory directory;
    LogTarget target = directory.target();
    target.config.driver = driver;
    const auto log = open_log(target);
    log->write(Stream::Stdout, "hello\n");
    log->finish();
    EXPECT_THAT(directory.names(), IsEmpty());
    EXPECT_EQ(log->dropped(), 0U);
  }
}

TEST(UnfinishedCharacter, counts_the_bytes_of_a_character_that_was_cut) {
  EXPECT_EQ(unfinished_character(""), 0U);
  EXPECT_EQ(unfinished_character("a"), 0U);
  EXPECT_EQ(unfinished_character("\xe2\x82\xac"), 0U);
  EXPECT_EQ(unfinished_character("a\xc3"), 1U);
  EXPECT_EQ(unfinished_character("a\xe2\x82"), 2U);
  EXPECT_EQ(unfinished_character("a\xf0\x9f\x90"), 3U);
  EXPECT_EQ(unfinished_character("\x82\x82\x82\x82"), 0U);
}

}  // namespace
}  // namespace myct::supervisor
