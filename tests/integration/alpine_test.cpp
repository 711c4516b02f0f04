// Alpine's real minirootfs.
#include "sandbox.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Alpine : public Sandbox {
 protected:
  void SetUp() override {
    std::string why;
    const std::string tarball = alpine_tarball(why);
    if (tarball.empty()) GTEST_SKIP() << why;
    const Result imported = myct({"import", tarball, "alpine"});
    ASSERT_EQ(imported.status, 0) << imported;
  }
};

TEST_F(Alpine, shows_its_own_processes_host_name_mounts_and_users) {
  const Result result = myct({"run", "--rm", "-h", "alp", "--image", "alpine", "/bin/sh", "-c",
                              "cat /etc/os-release; id; hostname; ps; mount"});
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out, HasSubstr("ID=alpine\n"));
  EXPECT_THAT(result.out, HasSubstr("uid=0(root) gid=0(root)"));
  EXPECT_THAT(result.out, HasSubstr("\nalp\n"));
  EXPECT_THAT(result.out, ::testing::ContainsRegex("\n +1 root +0:00 /bin/sh -c"));
  EXPECT_THAT(result.out, HasSubstr("overlay on / type overlay (rw"));
  EXPECT_THAT(result.out, HasSubstr("proc on /proc type proc"));
  EXPECT_THAT(result.out, Not(HasSubstr("integration_tests")));
}

TEST_F(Alpine, knows_root_by_all_its_groups) {
  EXPECT_TRUE(prints(myct({"run", "--rm", "alpine", "id", "-Gn"}),
                     "root bin daemon sys adm disk wheel floppy dialout tape video\n"));
}

TEST_F(Alpine, runs_as_its_own_users) {
  EXPECT_TRUE(prints(myct({"run", "--rm", "-u", "nobody", "alpine", "sh", "-c", "id -un; echo $HOME"}), "nobody\n/\n"));
}

TEST_F(Alpine, runs_its_shell_in_a_terminal) {
  Terminal terminal(24, 80);
  terminal.start(command({"run", "--rm", "-it", "alpine"}));
  ASSERT_TRUE(terminal.read_until("/ # ")) << terminal.shown();
  terminal.type("echo \"$0 $$\"; exit 4\r");
  ASSERT_TRUE(terminal.read_until("/bin/sh 1\r\n")) << terminal.shown();
  EXPECT_EQ(terminal.wait().status, 4);
}

TEST_F(Alpine, has_a_package_manager_that_works_without_a_network) {
  const Result result = myct({"run", "--rm", "alpine", "sh", "-c", "apk info | grep -c . && apk info -e busybox"});
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.out, HasSubstr("busybox\n"));
}

TEST_F(Alpine, is_found_by_its_tarballs_name) {
  std::string why;
  const Result linked = run({.argv = {"/bin/cp", alpine_tarball(why), path("own-base.tar.gz")}, .env = {}});
  ASSERT_EQ(linked.status, 0);
  EXPECT_TRUE(
      prints(myct({"run", "--rm", "--image-path", path(""), "--image", "own", "/bin/sh", "-c", "echo $$"}), "1\n"));
}

}  // namespace
}  // namespace myct::test
