// myct cp while a program in the container exchanges a directory and a link to a directory of the host as fast as it
// can (CVE-2018-15664 and its later relatives). The link's target exists in the container, too, with other content: a
// copy that resolves names where it should finds that one. Every test first shows that the trap works.
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "sandbox.hpp"

namespace myct::test {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;
using ::testing::Not;

const int kRounds = rounds_at_this_pace(150);
constexpr const char* kSecret = "secret of the host";

class CopyAttack : public ContainerTest {
 protected:
  void SetUp() override {
    ContainerTest::SetUp();
    secret_ = make_directory("secret");
    write_file("secret/file", kSecret, 0600);
    before_ = look();
    const std::string script = "mkdir -p /play/dir " + secret_ + " && echo plain >/play/dir/file && echo linked >" +
                               secret_ + "/file && ln -s " + secret_ +
                               " /play/link && exec /probe swap /play/dir /play/link";
    attacker_.emplace(
        command({"run", "--rm", "--name", "evil", "-v", probe_path() + ":/probe:ro", "busybox", "sh", "-c", script}));
    ASSERT_TRUE(attacker_->read_until("ready")) << attacker_->wait();
    inside_ = "/proc/" + std::to_string(init_pid()) + "/root";
  }

  void TearDown() override {
    EXPECT_EQ(look(), before_) << "the host's directory was changed";
    ::kill(init_pid(), SIGKILL);
    attacker_->wait();
    ContainerTest::TearDown();
  }

  /// Everything about the host's directory and file that a copy could change.
  [[nodiscard]] std::string look() const {
    std::string text;
    for (const char* name : {"", "/file"}) {
      struct stat status {};
      if (::stat((secret_ + name).c_str(), &status) == -1) return "gone";
      text += std::to_string(status.st_ino) + " " + std::to_string(status.st_mode) + " " +
              std::to_string(status.st_uid) + " " + std::to_string(status.st_mtim.tv_nsec) + " ";
    }
    for (const fs::directory_entry& entry : fs::directory_iterator(secret_)) text += entry.path().string() + " ";
    return text + read_file(secret_ + "/file");
  }

  /// Whether a program that trusts names would be led to the host's file: the trap is set and sprung.
  [[nodiscard]] bool naive_reader_is_fooled() const {
    return eventually([&] { return read_file(inside_ + "/play/dir/file") == kSecret; });
  }

  /// The content of every regular file below; none if there is no such directory.
  static std::string all_content(const std::string& directory) {
    std::string text;
    std::error_code absent;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(directory, absent))
      if (entry.is_regular_file() && !entry.is_symlink()) text += read_file(entry.path().string());
    return text;
  }

  std::string secret_;
  std::string before_;
  std::string inside_;
  std::optional<Process> attacker_;
};

TEST_F(CopyAttack, reads_nothing_of_the_host_through_a_swapped_directory) {
  ASSERT_TRUE(naive_reader_is_fooled());
  int plain = 0;
  int linked = 0;
  // Both ways are to be taken, or no race was on; on a slow machine that may take longer.
  const int kMostRounds = 10 * kRounds;
  for (int round = 0; round < kRounds || ((plain == 0 || linked == 0) && round < kMostRounds); ++round) {
    const std::string copy = path("copy" + std::to_string(round));
    if (myct({"cp", "evil:/play/dir/file", copy}).status != 0) continue;
    const std::string content = read_file(copy);
    ASSERT_THAT(content, Not(HasSubstr(kSecret)));
    (content == "plain\n" ? plain : linked)++;
  }
  EXPECT_GT(plain, 0);
  EXPECT_GT(linked, 0);
}

TEST_F(CopyAttack, reads_nothing_of_the_host_in_a_tree_that_changes_under_it) {
  ASSERT_TRUE(naive_reader_is_fooled());
  int copied = 0;
  for (int round = 0; round < kRounds; ++round) {
    const std::string copy = path("tree" + std::to_string(round));
    copied += myct({"cp", "evil:/play", copy}).status == 0 ? 1 : 0;
    ASSERT_THAT(all_content(copy), Not(HasSubstr(kSecret)));
    ASSERT_THAT(myct({"cp", "evil:/play/dir/.", "-"}).out, Not(HasSubstr(kSecret)));
    ASSERT_THAT(myct({"cp", "-L", "evil:/play/link", "-"}).out, Not(HasSubstr(kSecret)));
  }
  EXPECT_GT(copied, 0);
}

TEST_F(CopyAttack, writes_nothing_to_the_host_through_a_swapped_directory) {
  ASSERT_TRUE(naive_reader_is_fooled());
  const std::string source = write_file("source", "from outside");
  int copied = 0;
  for (int round = 0; round < kRounds; ++round) {
    // A new name, a name that is there on both sides, and the directory itself.
    copied += myct({"cp", source, "evil:/play/dir/new"}).status == 0 ? 1 : 0;
    copied += myct({"cp", source, "evil:/play/dir/file"}).status == 0 ? 1 : 0;
    copied += myct({"cp", source, "evil:/play/dir"}).status == 0 ? 1 : 0;
    ASSERT_EQ(look(), before_) << "round " << round;
  }
  EXPECT_GT(copied, 0);
}

TEST_F(CopyAttack, writes_no_tree_and_no_attributes_to_the_host) {
  ASSERT_TRUE(naive_reader_is_fooled());
  make_directory("play/dir/deep");
  make_directory("play/link");
  for (const char* name : {"play/dir/file", "play/dir/deep/file", "play/link/file"}) write_file(name, "x", 0666);
  ::chmod(path("play/dir").c_str(), 0777);
  fs::create_symlink("/etc/shadow", path("play/dir/symlink"));
  ::mkfifo(path("play/dir/fifo").c_str(), 0666);
  for (int round = 0; round < kRounds; ++round) {
    // It may well fail, at a link where it wants a directory.
    (void)myct({"cp", "-a", path("play") + "/.", "evil:/play"});
    ASSERT_EQ(look(), before_) << "round " << round;
  }
}

TEST_F(CopyAttack, unpacks_no_stream_on_the_host) {
  ASSERT_TRUE(naive_reader_is_fooled());
  make_directory("stream/play/dir");
  write_file("stream/play/dir/file", "x", 0666);
  write_file("stream/play/dir/other", "x", 0666);
  // Files only: their directories are then looked for in the container, through its links.
  const Result tar = run({.argv = {"/usr/bin/tar", "-C", path("stream"), "-cf", "-", "play/dir/file", "play/dir/other"},
                          .env = {{"PATH", "/usr/bin:/bin"}}});
  ASSERT_EQ(tar.status, 0) << tar;
  int copied = 0;
  for (int round = 0; round < kRounds; ++round) {
    copied += myct({"cp", "-", "evil:/"}, tar.out).status == 0 ? 1 : 0;
    ASSERT_EQ(look(), before_) << "round " << round;
  }
  EXPECT_GT(copied, 0);
}

}  // namespace
}  // namespace myct::test
