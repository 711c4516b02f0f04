// `myct images` and `myct rmi`.
#include <filesystem>

#include "sandbox.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

class Images : public ContainerTest {
 protected:
  [[nodiscard]] bool layer_is_there() const {
    return fs::exists(root() + "/layers") && !fs::is_empty(root() + "/layers");
  }
};

TEST_F(Images, are_listed_with_name_tag_id_and_size) {
  const std::vector<std::string> lines = lines_of(myct({"images"}).out);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_THAT(lines[0], ::testing::MatchesRegex("REPOSITORY +TAG +IMAGE ID +CREATED +SIZE"));
  EXPECT_THAT(lines[1], ::testing::MatchesRegex("busybox +latest +[0-9a-f]+ +.* ago +[0-9.]+MB"));
}

TEST_F(Images, are_listed_by_id_alone) {
  EXPECT_THAT(myct({"images", "-q"}).out, ::testing::MatchesRegex("[0-9a-f]+\n"));
  EXPECT_THAT(myct({"images", "-q", "--no-trunc"}).out, ::testing::MatchesRegex("sha256:[0-9a-f]+\n"));
}

TEST_F(Images, are_none_in_an_empty_store) {
  EXPECT_EQ(lines_of(myct({"--root", path("empty"), "images"}).out).size(), 1U);
  EXPECT_FALSE(fs::exists(path("empty"))) << "listing makes nothing";
}

TEST_F(Images, go_with_their_last_name) {
  ASSERT_EQ(myct({"import", busybox_tarball(), "second:tag"}).status, 0);
  EXPECT_THAT(myct({"rmi", "second:tag"}).out, HasSubstr("Untagged: second:tag"));
  EXPECT_TRUE(layer_is_there());
  const Result last = myct({"rmi", "busybox"});
  EXPECT_EQ(last.status, 0) << last;
  EXPECT_THAT(last.out, HasSubstr("Untagged: busybox:latest\nDeleted: sha256:"));
  EXPECT_FALSE(layer_is_there());
}

TEST_F(Images, stay_while_a_container_uses_them) {
  ASSERT_EQ(myct({"run", "--name", "user", "busybox", "true"}).status, 0);
  EXPECT_TRUE(fails_with(myct({"rmi", "busybox"}), 1, "a container uses it"));
  EXPECT_TRUE(layer_is_there());
  ASSERT_EQ(myct({"rm", "user"}).status, 0);
  EXPECT_EQ(myct({"rmi", "busybox"}).status, 0);
}

TEST_F(Images, stay_while_a_container_runs_in_them_even_by_force) {
  Process running(shell_command({"-i", "--name", "user"}, "echo ready; sleep 1000 & wait"));
  ASSERT_TRUE(running.read_until("ready\n"));
  ASSERT_NE(init_pid(), 0);
  EXPECT_TRUE(fails_with(myct({"rmi", "busybox"}), 1, "a container uses it"));
  EXPECT_EQ(myct({"rmi", "-f", "busybox"}).status, 0);
  EXPECT_TRUE(layer_is_there());
  EXPECT_EQ(myct({"rm", "-f", "user"}).status, 0);
  running.wait();
}

TEST_F(Images, are_removed_several_at_once_and_each_failure_is_named) {
  ASSERT_EQ(myct({"import", busybox_tarball(), "second"}).status, 0);
  const Result result = myct({"rmi", "second", "nosuch", "busybox"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.out, HasSubstr("Untagged: second:latest"));
  EXPECT_THAT(result.out, HasSubstr("Untagged: busybox:latest"));
  EXPECT_EQ(lines_of(result.err).size(), 1U);
  EXPECT_THAT(result.err, HasSubstr("nosuch"));
}

}  // namespace
}  // namespace myct::test
