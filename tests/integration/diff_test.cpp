// myct diff: Docker's letters, and nothing that the engine has made.
#include <signal.h>

#include "sandbox.hpp"

namespace myct::test {
namespace {

class Diff : public ContainerTest {
 protected:
  /// What diff says of a container that ran the script; the container is removed.
  Result diff_of(const std::string& script, const Words& options = {}) const {
    Words words = {"run", "--name", "web"};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {"--image", "busybox", "sh", "-c", script});
    EXPECT_EQ(myct(words).status, 0);
    Result result = myct({"diff", "web"});
    EXPECT_EQ(myct({"rm", "web"}).status, 0);
    return result;
  }
};

TEST_F(Diff, is_empty_after_a_program_that_changes_nothing) { EXPECT_TRUE(prints(diff_of("true"), "")); }

TEST_F(Diff, leaves_out_what_mounts_need) {
  const std::string directory = make_directory("d");
  EXPECT_TRUE(
      prints(diff_of("touch /deep/in/here/file", {"-v", directory + ":/deep/in/here", "--tmpfs", "/scratch"}), ""));
  EXPECT_TRUE(prints(diff_of("touch /deep/mine", {"-v", directory + ":/deep/in/here"}), "A /deep\nA /deep/mine\n"));
}

TEST_F(Diff, tells_added_changed_and_deleted) {
  EXPECT_TRUE(prints(diff_of("mkdir -p /new/sub && touch /new/sub/file && echo x >>/etc/passwd && rm /bin/vi && "
                             "ln -s nowhere /new/link"),
                     "C /bin\nD /bin/vi\nC /etc\nC /etc/passwd\nA /new\nA /new/link\nA /new/sub\nA /new/sub/file\n"));
}

TEST_F(Diff, tells_a_mode_and_an_owner) {
  EXPECT_TRUE(prints(diff_of("chmod 700 /srv && chown 5 /etc/group"), "C /etc\nC /etc/group\nC /srv\n"));
}

TEST_F(Diff, forgets_what_was_made_and_removed) {
  EXPECT_TRUE(prints(diff_of("mkdir /a && touch /a/b /etc/c && rm -r /a /etc/c"), ""));
}

TEST_F(Diff, shows_what_a_directory_that_was_made_anew_has_lost) {
  const Result result =
      diff_of("rm -r /etc/udhcpc /etc/* 2>/dev/null; mkdir -p /lib/new; rm -rf /usr && mkdir /usr && touch /usr/kept");
  EXPECT_THAT(result.out, ::testing::HasSubstr("C /usr\n"));
  EXPECT_THAT(result.out, ::testing::HasSubstr("A /usr/kept\n"));
  EXPECT_THAT(result.out, ::testing::HasSubstr("D /usr/bin\n"));
}

TEST_F(Diff, follows_no_link_of_the_container) {
  EXPECT_TRUE(
      prints(diff_of("rm -r /srv && ln -s /etc /srv && mkdir /x && ln -s / /x/root"), "C /srv\nA /x\nA /x/root\n"));
}

TEST_F(Diff, works_while_the_container_runs) {
  Process running(command({"run", "--name", "web", "busybox", "sh", "-c", "touch /new; echo ready; exec sleep 1000"}));
  ASSERT_TRUE(running.read_until("ready"));
  EXPECT_TRUE(prints(myct({"diff", "web"}), "A /new\n"));
  ::kill(init_pid(), SIGKILL);
  running.wait();
  EXPECT_EQ(myct({"rm", "web"}).status, 0);
}

TEST_F(Diff, fails_with_1_without_a_container) {
  EXPECT_TRUE(fails_with(myct({"diff", "none"}), 1, "no such container: 'none'"));
}

}  // namespace
}  // namespace myct::test
