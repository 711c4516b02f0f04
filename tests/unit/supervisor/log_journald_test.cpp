#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <map>

#include "line_cutter.hpp"
#include "log_directory.hpp"
#include "myct/base/error.hpp"
#include "myct/base/fd.hpp"
#include "myct/base/file.hpp"
#include "myct/supervisor/log_writer.hpp"

namespace myct::supervisor {
namespace {

using test::LogDirectory;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

using Fields = std::map<std::string, std::string>;

/// The fields of a datagram in the journal's native protocol.
Fields parse_datagram(std::string_view text) {
  Fields fields;
  while (!text.empty()) {
    const size_t end = text.find_first_of("=\n");
    const std::string name(text.substr(0, end));
    const bool binary = text[end] == '\n';
    text.remove_prefix(end + 1);
    uint64_t length = text.find('\n');
    if (binary) {
      std::memcpy(&length, text.data(), sizeof length);
      text.remove_prefix(sizeof length);
    }
    fields[name] = text.substr(0, length);
    EXPECT_EQ(text.at(length), '\n') << name;
    text.remove_prefix(length + 1);
  }
  return fields;
}

class Journal {
 public:
  explicit Journal(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == -1)
      throw_errno("bind '{}'", path);
  }

  /// What has come; nothing when nothing has.
  [[nodiscard]] Fields receive() const {
    std::string datagram(100'000, '\0');
    const ssize_t size = ::recv(socket_.get(), datagram.data(), datagram.size(), 0);
    if (size == -1) return {};
    datagram.resize(static_cast<size_t>(size));
    return parse_datagram(datagram);
  }

 private:
  Fd socket_;
};

LogTarget journald(const LogDirectory& directory) {
  LogTarget target = directory.target();
  target.config.driver = state::LogDriver::Journald;
  return target;
}

TEST(JournaldLog, sends_each_line_with_dockers_fields) {
  const LogDirectory directory;
  const LogTarget target = journald(directory);
  const Journal journal(target.journal_socket);
  const auto log = open_log(target);
  log->write(Stream::Stdout, "hello\nworld");
  log->write(Stream::Stderr, "oh\tno\n");
  log->finish();
  EXPECT_EQ(journal.receive(), (Fields{{"MESSAGE", "hello"},
                                       {"PRIORITY", "6"},
                                       {"CONTAINER_ID", std::string(12, 'a')},
                                       {"CONTAINER_ID_FULL", std::string(64, 'a')},
                                       {"CONTAINER_NAME", "web"},
                                       {"CONTAINER_TAG", std::string(12, 'a')},
                                       {"IMAGE_NAME", "alpine:latest"},
                                       {"SYSLOG_IDENTIFIER", std::string(12, 'a')}}));
  const Fields error = journal.receive();
  EXPECT_THAT(error, Contains(Pair("MESSAGE", "oh\tno")));
  EXPECT_THAT(error, Contains(Pair("PRIORITY", "3")));
  const Fields rest = journal.receive();
  EXPECT_THAT(rest, Contains(Pair("MESSAGE", "world")));
  EXPECT_THAT(rest, Not(Contains(Key("CONTAINER_PARTIAL_MESSAGE"))));
  EXPECT_EQ(journal.receive(), Fields());
}

TEST(JournaldLog, marks_the_pieces_of_a_long_line) {
  const LogDirectory directory;
  const LogTarget target = journald(directory);
  const Journal journal(target.journal_socket);
  open_log(target)->write(Stream::Stdout, std::string(kLongestLine, 'x') + "rest\n");
  const Fields first = journal.receive();
  EXPECT_THAT(first, Contains(Pair("CONTAINER_PARTIAL_MESSAGE", "true")));
  EXPECT_THAT(first, Contains(Pair("MESSAGE", std::string(kLongestLine, 'x'))));
  const Fields second = journal.receive();
  EXPECT_THAT(second, Contains(Pair("MESSAGE", "rest")));
  EXPECT_THAT(second, Not(Contains(Key("CONTAINER_PARTIAL_MESSAGE"))));
}

TEST(JournaldLog, is_refused_where_there_is_no_journal) {
  const LogDirectory directory;
  const LogTarget target = journald(directory);
  try {
    (void)open_log(target);
    FAIL() << "there is no such socket";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Unsupported);
    EXPECT_THAT(error.what(), HasSubstr(target.journal_socket));
    EXPECT_THAT(error.what(), HasSubstr("No such file"));
    EXPECT_THAT(error.what(), HasSubstr("--log-driver"));
  }
}

TEST(JournaldLog, finds_a_journal_that_was_started_anew) {
  const LogDirectory directory;
  const LogTarget target = journald(directory);
  std::optional<Journal> journal(target.journal_socket);
  const auto log = open_log(target);
  journal.reset();
  log->write(Stream::Stdout, "nobody hears\n");
  EXPECT_EQ(log->dropped(), 1U);
  remove_file(target.journal_socket);
  journal.emplace(target.journal_socket);
  log->write(Stream::Stdout, "here again\n");
  EXPECT_THAT(journal->receive(), Contains(Pair("MESSAGE", "here again")));
}

TEST(JournaldLog, does_not_wait_for_a_journal_that_does_not_read) {
  const LogDirectory directory;
  const LogTarget target = journald(directory);
  const Journal journal(target.journal_socket);
  const auto log = open_log(target);
  constexpr uint64_t kLines = 10'000;
  const auto start = std::chrono::steady_clock::now();
  for (uint64_t line = 0; line < kLines; ++line) log->write(Stream::Stdout, "line\n");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  uint64_t received = 0;
  while (!journal.receive().empty()) ++received;
  EXPECT_GT(received, 0U);
  EXPECT_EQ(received + log->dropped(), kLines);
  log->write(Stream::Stdout, "reads again\n");
  EXPECT_THAT(journal.receive(), Contains(Pair("MESSAGE", "reads again")));
}

}  // namespace
}  // namespace myct::supervisor
