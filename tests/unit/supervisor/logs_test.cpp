#include "myct/supervisor/logs.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <thread>

#include "json_record.hpp"
#include "log_directory.hpp"
#include "log_files.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/base/process.hpp"
#include "myct/base/syscall.hpp"
#include "myct/supervisor/log_writer.hpp"

namespace myct::supervisor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::lines_of;
using test::LogDirectory;
using ::testing::HasSubstr;

struct Printed {
  std::string out;
  std::string err;
};

/// What print_logs prints; its descriptors are files beside the log's directory.
Printed print(const LogDirectory& directory, const LogsRequest& request, const Fd* writer = nullptr) {
  const LogDirectory files;
  const Fd out = open_path(files.file("out"), O_WRONLY | O_CREAT, 0600);
  const Fd err = open_path(files.file("err"), O_WRONLY | O_CREAT, 0600);
  print_logs(directory.path(), request, writer, out.ref(), err.ref());
  return {.out = files.read("out"), .err = files.read("err")};
}

/// Record number n says "n\n" at n seconds after 1970.
std::string record(unsigned number, Stream stream = Stream::Stdout) {
  std::string text;
  append_record(text, std::to_string(number), Ending::Newline, stream, format_time(SystemTime(seconds(number))));
  return text;
}

std::string records(unsigned first, unsigned last) {
  std::string text;
  for (unsigned number = first; number <= last; ++number) text += record(number);
  return text;
}

std::string numbers(unsigned first, unsigned last) {
  std::string text;
  for (unsigned number = first; number <= last; ++number) text += std::to_string(number) + "\n";
  return text;
}

/// 1 to 3000 in three files, with rubbish between.
void fill(const LogDirectory& directory) {
  directory.append("log.json.2", records(1, 1000));
  directory.append("log.json.1",
                   records(1001, 1500) + "\n{\"log\":\"torn" + std::string(50'000, '\0') + "\n" + records(1501, 2000));
  directory.append("log.json", records(2001, 3000));
  directory.append("log.json.old", records(5000, 5001));
}

TEST(PrintLogs, keeps_the_streams_apart_and_the_bytes_as_they_were) {
  const LogDirectory directory;
  const auto log = open_log(directory.target());
  log->write(Stream::Stdout, "tab\there \"quoted\" \\ \x1b[0m \u20ac\r\n");
  log->write(Stream::Stderr, "error\n");
  log->write(Stream::Stdout, std::string(40'000, 'x') + "\nno newline");
  log->finish();
  const Printed printed = print(directory, {});
  EXPECT_EQ(printed.out, "tab\there \"quoted\" \\ \x1b[0m \u20ac\r\n" + std::string(40'000, 'x') + "\nno newline");
  EXPECT_EQ(printed.err, "error\n");
}

TEST(PrintLogs, prints_nothing_when_there_is_no_log) {
  const LogDirectory directory;
  EXPECT_FALSE(has_log(directory.path()));
  EXPECT_EQ(print(directory, {}).out, "");
  EXPECT_EQ(print(directory, {.follow = true, .tail = 3}).out, "");
}

TEST(PrintLogs, prints_rotated_files_first_and_leaves_out_what_is_damaged) {
  const LogDirectory directory;
  fill(directory);
  directory.append("log.json", R"({"log":"being writ)");
  EXPECT_TRUE(has_log(directory.path()));
  EXPECT_EQ(print(directory, {}).out, numbers(1, 3000));
}

TEST(PrintLogs, does_without_a_file_that_a_kill_during_rotation_has_left_out) {
  const LogDirectory directory;
  directory.append("log.json.2", records(1, 5));
  directory.append("log.json", records(6, 9));
  EXPECT_EQ(print(directory, {}).out, numbers(1, 9));
}

TEST(PrintLogs, puts_the_time_before_each_line_and_not_before_each_piece_of_one) {
  const LogDirectory directory;
  std::string text = record(1) + record(2, Stream::Stderr);
  const std::string time = format_time(SystemTime(seconds(3)));
  append_record(text, "long", Ending::Cut, Stream::Stdout, time);
  append_record(text, " line", Ending::Newline, Stream::Stdout, time);
  append_record(text, "last", Ending::Newline, Stream::Stdout, time);
  directory.append("log.json", text);
  const Printed printed = print(directory, {.timestamps = true});
  EXPECT_EQ(printed.out,
            "1970-01-01T00:00:01.000000000Z 1\n1970-01-01T00:00:03.000000000Z long line\n"
            "1970-01-01T00:00:03.000000000Z last\n");
  EXPECT_EQ(printed.err, "1970-01-01T00:00:02.000000000Z 2\n");
  EXPECT_EQ(print(directory, {.timestamps = true, .details = true}).err, "1970-01-01T00:00:02.000000000Z  2\n");
  EXPECT_EQ(print(directory, {.details = true}).out, " 1\n long line\n last\n");
}

TEST(PrintLogs, prints_the_last_records_also_across_files) {
  const LogDirectory directory;
  fill(directory);
  for (const unsigned count : {0U, 1U, 2U, 999U, 1000U, 1001U, 1499U, 1500U, 1501U, 2000U, 2001U, 2999U, 3000U, 9999U})
    EXPECT_TRUE(print(directory, {.tail = count}).out == numbers(3001 - std::min(count, 3000U), 3000)) << count;
  directory.append("log.json", R"({"log":"being writ)");
  EXPECT_EQ(print(directory, {.tail = 2}).out, numbers(2999, 3000));
}

TEST(PrintLogs, finds_the_last_records_when_some_are_longer_than_a_block) {
  const LogDirectory directory;
  const auto log = open_log(directory.target());
  std::string text;
  for (int number = 0; number < 20; ++number) text += std::string(kLongestLine - 2, '\x01') + "x\n";
  log->write(Stream::Stdout, text);
  EXPECT_EQ(print(directory, {.tail = 3}).out.size(), 3 * kLongestLine);
}

/// Bytes that this process has read so far.
uint64_t bytes_read() {
  const std::string io = read_file("/proc/self/io");
  return std::stoull(io.substr(io.find("rchar: ") + 7));
}

TEST(PrintLogs, reads_no_more_than_the_end_for_the_last_records) {
  const LogDirectory directory;
  directory.append("log.json.1", records(1, 1000));
  std::string text;
  for (int round = 0; round < 100; ++round) text += records(1, 1000);
  directory.append("log.json", text);
  ASSERT_GT(text.size(), 7'000'000U);
  const uint64_t before = bytes_read();
  EXPECT_EQ(print(directory, {.tail = 10}).out, numbers(991, 1000));
  EXPECT_LT(bytes_read() - before, 60'000U);
}

TEST(PrintLogs, prints_what_was_written_in_a_span_of_time) {
  const LogDirectory directory;
  fill(directory);
  const auto at = [](int64_t time) { return SystemTime(milliseconds(time)); };
  EXPECT_EQ(print(directory, {.since = at(2'999'000)}).out, numbers(2999, 3000));
  EXPECT_EQ(print(directory, {.since = at(2'999'001)}).out, numbers(3000, 3000));
  EXPECT_EQ(print(directory, {.until = at(2'000)}).out, numbers(1, 2));
  EXPECT_EQ(print(directory, {.since = at(999'500), .until = at(1'002'500)}).out, numbers(1000, 1002));
  EXPECT_EQ(print(directory, {.tail = 3, .until = at(2'001'500)}).out, numbers(1999, 2001));
  EXPECT_EQ(print(directory, {.tail = 3, .since = at(2'999'500)}).out, numbers(3000, 3000));
}

TEST(PrintLogs, ends_quietly_when_nobody_reads) {
  const LogDirectory directory;
  fill(directory);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const Fd out(ends[1]);
  ::close(ends[0]);
  const auto handler = ::signal(SIGPIPE, SIG_IGN);
  EXPECT_NO_THROW(print_logs(directory.path(), {}, nullptr, out.ref(), out.ref()));
  ::signal(SIGPIPE, handler);
}

TEST(PrintLogs, reports_that_its_output_cannot_be_written) {
  const LogDirectory directory;
  fill(directory);
  const Fd full = open_path("/dev/full", O_WRONLY);
  try {
    print_logs(directory.path(), {}, nullptr, full.ref(), full.ref());
    FAIL() << "/dev/full takes nothing";
  } catch (const Error& error) {
    EXPECT_EQ(error.errnum(), ENOSPC);
  }
}

/// A process that writes a log, as a supervisor does, and ends.
ChildProcess start_writer(const std::function<void()>& body) {
  const pid_t pid = ::fork();
  if (pid == -1) throw_errno("fork");
  if (pid == 0) {
    body();
    ::_exit(0);
  }
  Fd pidfd(sys::pidfd_open(pid));
  if (!pidfd.valid()) throw_errno("open process {}", pid);
  return {pid, std::move(pidfd)};
}

/// The same process as an Fd of its own.
Fd pidfd_of(const ChildProcess& process) { return duplicate(process.pidfd()); }

/// What is warned of, from here to the end of the scope.
struct Warnings {
  Warnings() {
    log::install_sink([](void* context, log::Level,
                         std::string_view text) { static_cast<Warnings*>(context)->lines.emplace_back(text); },
                      this);
  }
  Warnings(const Warnings&) = delete;
  Warnings& operator=(const Warnings&) = delete;
  ~Warnings() { log::install_sink(nullptr, nullptr); }
  std::vector<std::string> lines;
};

constexpr unsigned kFollowed = 5'000;

void write_numbers(LogWriter& log, unsigned first, unsigned last) {
  const std::string text = numbers(first, last);
  // Pieces that end anywhere, so that the reader meets records of every kind of unfinishedness.
  constexpr size_t kPiece = 97;
  for (size_t start = 0; start < text.size(); start += kPiece)
    log.write(Stream::Stdout, std::string_view(text).substr(start, kPiece));
  log.finish();
}

TEST(FollowLogs, neither_loses_nor_repeats_a_record_while_files_are_rotated) {
  constexpr unsigned kRounds = 8;
  for (unsigned round = 0; round < kRounds; ++round) {
    const LogDirectory directory;
    // As many files as are never rotated out of existence: the reader need not be as fast as the writer.
    const LogTarget target = directory.target(5'000, state::kMostLogFiles);
    ChildProcess writer = start_writer([&] { write_numbers(*open_log(target), 1, kFollowed); });
    const Fd pidfd = pidfd_of(writer);
    Warnings warnings;
    const std::string printed = print(directory, {.follow = true}, &pidfd).out;
    EXPECT_THAT(warnings.lines, ::testing::IsEmpty());
    EXPECT_EQ(writer.wait().exit_status(), 0);
    EXPECT_GT(directory.names().size(), 50U);
    unsigned expected = 0;
    for (const std::string& line : lines_of(printed)) ASSERT_EQ(line, std::to_string(++expected));
    EXPECT_EQ(expected, kFollowed);
  }
}

TEST(FollowLogs, goes_on_from_the_last_records) {
  const LogDirectory directory;
  directory.append("log.json", records(1, 1000));
  const LogTarget target = directory.target(100'000, state::kMostLogFiles);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  Fd go(ends[1]);
  const Fd wait(ends[0]);
  // Writes when the reader has printed what there was: it shares the pipe that is then the reader's standard error.
  ChildProcess writer = start_writer([&] {
    go.reset();
    char byte = 0;
    if (::read(wait.get(), &byte, 1) == 1) write_numbers(*open_log(target), 1001, 3000);
  });
  directory.append("log.json", record(7, Stream::Stderr));
  const Fd pidfd = pidfd_of(writer);
  const LogDirectory files;
  const Fd out = open_path(files.file("out"), O_WRONLY | O_CREAT, 0600);
  print_logs(directory.path(), {.follow = true, .tail = 3}, &pidfd, out.ref(), go.ref());
  EXPECT_TRUE(files.read("out") == numbers(999, 3000));
}

TEST(FollowLogs, prints_what_was_written_last_by_a_writer_that_has_ended) {
  const LogDirectory directory;
  ChildProcess writer = start_writer([&] { write_numbers(*open_log(directory.target()), 1, 10); });
  const Fd pidfd = pidfd_of(writer);
  EXPECT_EQ(writer.wait().exit_status(), 0);
  EXPECT_EQ(print(directory, {.follow = true}, &pidfd).out, numbers(1, 10));
}

TEST(FollowLogs, ends_when_the_time_has_come) {
  const LogDirectory directory;
  directory.append("log.json", records(1, 10));
  const ChildProcess writer = start_writer([] { ::pause(); });
  const Fd pidfd = pidfd_of(writer);
  const SystemTime until = std::chrono::system_clock::now() + milliseconds(150);
  EXPECT_EQ(print(directory, {.follow = true, .until = until}, &pidfd).out, numbers(1, 10));
  EXPECT_GE(std::chrono::system_clock::now(), until);
}

TEST(FollowLogs, ends_when_the_reader_of_its_output_has_gone) {
  const LogDirectory directory;
  const ChildProcess writer = start_writer([] { ::pause(); });
  const Fd pidfd = pidfd_of(writer);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const Fd out(ends[1]);
  ::close(ends[0]);
  print_logs(directory.path(), {.follow = true}, &pidfd, out.ref(), out.ref());
}

/// Rotates 40 files that say the numbers from 1 on until it is told to stop.
void rotate_until(const std::atomic<bool>& stop, const LogDirectory& directory) {
  constexpr unsigned kFiles = 40;
  for (unsigned number = 1; !stop; ++number) {
    for (unsigned index = kFiles - 1; index > 0; --index)
      ::rename(directory.file(log_file_name(index - 1)).c_str(), directory.file(log_file_name(index)).c_str());
    directory.append("log.json", std::to_string(number));
  }
}

TEST(OpenLogFiles, gives_each_once_and_in_order_however_fast_they_are_rotated) {
  const LogDirectory directory;
  std::atomic<bool> stop = false;
  std::thread writer([&] { rotate_until(stop, directory); });
  constexpr int kRounds = 500;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<uint64_t> numbers;
    for (const LogFile& file : open_log_files(directory.path()))
      // A file that nothing was written to yet is the newest, or was it when it was opened.
      if (const auto number = parse_unsigned(read_all(file.fd.ref(), "log"))) numbers.push_back(*number);
    for (size_t index = 1; index < numbers.size(); ++index)
      if (numbers[index] != numbers[index - 1] + 1) {
        ADD_FAILURE() << numbers[index - 1] << " before " << numbers[index];
        round = kRounds;
        break;
      }
  }
  stop = true;
  writer.join();
}

TEST(ParseRecord, takes_what_the_writer_writes_and_nothing_else) {
  std::string line = record(1);
  line.pop_back();
  ASSERT_TRUE(parse_record(line));
  const std::string tail = R"(","stream":"stdout","time":"2024-05-01T10:00:00.123456789Z"})";
  EXPECT_TRUE(parse_record(R"({"log":")" + tail));
  EXPECT_TRUE(parse_record(R"({"log":"\"\\\n\r\t\u001b\ufffd)" + tail));
  for (const std::string& text :
       {std::string("{\"log\":\"raw \" quote"), std::string("{\"log\":\"\\"), std::string("{\"log\":\"\\u0041"),
        std::string("{\"log\":\"\\u00"), std::string("{\"log\":\"\\x"), std::string("{\"log\":\"\0", 9),
        std::string("{\"log\":\"\xff"), std::string("\"log\":\"x"), std::string()})
    EXPECT_FALSE(parse_record(text + tail)) << text;
  for (size_t length = 0; length < line.size(); ++length) EXPECT_FALSE(parse_record(line.substr(0, length))) << length;
  for (size_t damaged = 0; damaged < line.size(); ++damaged) {
    std::string copy = line;
    copy[damaged] = '\0';
    EXPECT_FALSE(parse_record(copy)) << damaged;
  }
}

}  // namespace
}  // namespace myct::supervisor
