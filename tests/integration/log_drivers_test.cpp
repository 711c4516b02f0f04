// `--log-driver`: where the output goes if not to files.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "detached.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;

/// A journal of the test's own: in its mount namespace, over the machine's /run.
class Journal {
 public:
  Journal() {
    if (::mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") == -1)
      throw std::runtime_error("mount /run");
    std::filesystem::create_directories("/run/systemd/journal");
    socket_ = Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const sockaddr_un address{.sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket"};
    if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == -1)
      throw std::runtime_error("bind the journal's socket");
  }
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal() { ::umount2("/run", MNT_DETACH); }

  /// All that has come up to now, an entry after the other.
  const std::string& received() {
    std::string entry(100'000, '\0');
    for (ssize_t size = 0; (size = ::recv(socket_.get(), entry.data(), entry.size(), 0)) > 0;)
      received_.append(entry, 0, static_cast<size_t>(size)) += '\n';
    return received_;
  }

 private:
  Fd socket_;
  std::string received_;
};

class LogDriver : public DetachedTest {};

TEST_F(LogDriver, journald_sends_each_line_with_its_container) {
  Journal journal;
  const std::string id = start("web", "echo hello; echo trouble >&2", {"--log-driver", "journald"});
  EXPECT_EQ(myct({"wait", "web"}).out, "0\n");
  EXPECT_THAT(journal.received(), HasSubstr("MESSAGE=hello\n"));
  EXPECT_THAT(journal.received(), HasSubstr("MESSAGE=trouble\n"));
  EXPECT_THAT(journal.received(), HasSubstr("CONTAINER_ID_FULL=" + id + "\n"));
  EXPECT_THAT(journal.received(), HasSubstr("CONTAINER_NAME=web\n"));
  EXPECT_THAT(journal.received(), HasSubstr("PRIORITY=3\n"));
  EXPECT_FALSE(std::filesystem::exists(root() + "/containers/" + id + "/log.json"));
  EXPECT_TRUE(fails_with(myct({"logs", "web"}), 1, "the log driver 'journald' does not support reading"));
  remove("web");
}

TEST_F(LogDriver, journald_is_refused_where_there_is_none) {
  ASSERT_EQ(::mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755"), 0);
  EXPECT_TRUE(fails_with(myct({"run", "-d", "--log-driver", "journald", "busybox", "true"}), 125, "journal"));
  ::umount2("/run", MNT_DETACH);
  EXPECT_EQ(myct({"ps", "-aq"}).out, "");
}

TEST_F(LogDriver, none_keeps_nothing_and_shows_who_is_attached) {
  const std::string id = start("web", "read go; echo hello", {"-i", "--log-driver", "none"});
  Command attaching = command({"attach", "web"});
  attaching.standard_input = Stdin::Pipe;
  attaching.input = "go\n";
  EXPECT_EQ(run(attaching).out, "hello\n");
  EXPECT_FALSE(std::filesystem::exists(root() + "/containers/" + id + "/log.json"));
  EXPECT_TRUE(fails_with(myct({"logs", "web"}), 1, "the log driver 'none' does not support reading"));
  remove("web");
}

TEST_F(LogDriver, passthrough_is_the_output_of_who_started_it) {
  const Fd out(::open(path("out").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  const Fd err(::open(path("err").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  Command starting = command({"run", "-d", "--name", "web", "--log-driver", "passthrough", "busybox", "sh", "-c",
                              "echo out; echo err >&2; exit 3"});
  starting.streams = {{1, out.get()}, {2, err.get()}};
  EXPECT_EQ(run(starting).status, 0);
  EXPECT_EQ(myct({"wait", "web"}).out, "3\n");
  EXPECT_THAT(read_file(path("out")), HasSubstr("out\n"));
  EXPECT_EQ(read_file(path("err")), "err\n");
  EXPECT_TRUE(fails_with(myct({"logs", "web"}), 1, "the log driver 'passthrough' does not support reading"));
  remove("web");
}

TEST_F(LogDriver, json_file_keeps_what_the_foreground_shows) {
  EXPECT_TRUE(
      prints(myct({"run", "--name", "web", "--log-driver", "json-file", "busybox", "echo", "hello"}), "hello\n"));
  EXPECT_TRUE(prints(myct({"logs", "web"}), "hello\n"));
  remove("web");
}

TEST_F(LogDriver, passes_a_lot_of_input_through_where_it_keeps_the_output) {
  const std::string input(3'000'000, 'x');
  Command through = command({"run", "--rm", "-i", "--log-driver", "json-file", "--log-opt", "max-size=100k", "busybox",
                             "sh", "-c", "tee /dev/null | wc -c"});
  const std::string file = write_file("in", input);
  const Fd in(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  through.streams = {{0, in.get()}};
  EXPECT_TRUE(prints(run(through), "3000000\n"));
}

TEST_F(LogDriver, is_refused_if_there_is_none_of_that_name_or_option) {
  EXPECT_TRUE(
      fails_with(myct({"run", "--log-driver", "syslog", "busybox", "true"}), 125, "unknown log driver 'syslog'"));
  for (const char* option : {"max-size", "max-size=x", "max-file=0", "max-size=-1"})
    EXPECT_TRUE(fails_with(myct({"run", "-d", "--log-opt", option, "busybox", "true"}), 125, "--log-opt")) << option;
  EXPECT_TRUE(fails_with(myct({"run", "-d", "--log-opt", "colour=red", "busybox", "true"}), 125,
                         "unknown log option 'colour'"));
  EXPECT_TRUE(fails_with(myct({"run", "-d", "--log-driver", "none", "--log-opt", "max-file=2", "busybox", "true"}), 125,
                         "the log driver 'none' has none"));
}

}  // namespace
}  // namespace myct::test
