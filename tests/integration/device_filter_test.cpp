// Devices that a container may not make or open, whatever is mounted.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <filesystem>

#include "detached.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class DeviceFilter : public DetachedTest {
 protected:
  void SetUp() override {
    DetachedTest::SetUp();
    if (host().cgroups().empty()) GTEST_SKIP() << "no cgroup v2 hierarchy to write to";
    for (const char* disk : {"/dev/vda", "/dev/loop0", "/dev/sda"}) {
      struct stat status {};
      // A machine may keep some from root itself.
      const Fd opened(::open(disk, O_RDWR | O_CLOEXEC));
      if (!opened.valid() || ::fstat(opened.get(), &status) == -1 || !S_ISBLK(status.st_mode)) continue;
      disk_ = disk;
      major_ = std::to_string(major(status.st_rdev));
      minor_ = std::to_string(minor(status.st_rdev));
      return;
    }
    GTEST_SKIP() << "no disk on this host";
  }

  /// Says "opened" or why not. With CAP_SYS_ADMIN a program mounts where nodes are of use, so that only the filter is
  /// in its way.
  [[nodiscard]] std::string open_script(const char* how) const {
    return "mkdir /m && mount -t tmpfs -o dev none /m && mknod /m/disk b " + major_ + " " + minor_ + "; { " + how +
           "; } 2>&1 && echo opened";
  }

  static constexpr const char* kRead = ": </m/disk";
  static constexpr const char* kWrite = ": >>/m/disk";
  std::string disk_;
  std::string major_;
  std::string minor_;
};

TEST_F(DeviceFilter, lets_nodes_of_disks_be_made_and_not_be_opened) {
  const Result result = shell({"--cap-add", "SYS_ADMIN"}, open_script(kRead));
  EXPECT_THAT(result.out, HasSubstr("Operation not permitted")) << result;
  EXPECT_THAT(result.out, ::testing::Not(HasSubstr("opened"))) << result;
}

TEST_F(DeviceFilter, lets_a_disk_be_opened_that_a_rule_allows) {
  const Words options = {"--cap-add", "SYS_ADMIN", "--device-cgroup-rule", "b " + major_ + ":" + minor_ + " r"};
  EXPECT_TRUE(prints(shell(options, open_script(kRead)), "opened\n"));
  EXPECT_THAT(shell(options, open_script(kWrite)).out, HasSubstr("Operation not permitted"));
}

TEST_F(DeviceFilter, lets_a_node_of_use_be_made_where_a_rule_allows_it) {
  EXPECT_TRUE(prints(shell({"--device-cgroup-rule", "b " + major_ + ":* rmw"},
                           "mknod /disk b " + major_ + " " + minor_ + " && : </disk && echo opened"),
                     "opened\n"));
}

TEST_F(DeviceFilter, gives_a_device_with_the_access_that_was_asked_for) {
  EXPECT_TRUE(prints(shell({"--device", disk_ + ":/dev/disk:r"}, ": </dev/disk && echo opened"), "opened\n"));
  EXPECT_THAT(shell({"--device", disk_ + ":/dev/disk:r"}, ": >>/dev/disk").err, HasSubstr("Operation not permitted"));
}

TEST_F(DeviceFilter, is_for_the_commands_of_exec_too) {
  start("web", "sleep 1000", {"--cap-add", "SYS_ADMIN"});
  const Result result = myct({"exec", "web", "sh", "-c", open_script(kRead)});
  EXPECT_THAT(result.out, HasSubstr("Operation not permitted")) << result;
  remove("web");
}

TEST_F(DeviceFilter, leaves_what_every_program_needs) {
  EXPECT_TRUE(prints(shell({},
                           "for name in null zero full random urandom; do head -c1 /dev/$name | wc -c; done; "
                           "echo x >/dev/null && echo fine"),
                     "0\n1\n1\n1\n1\nfine\n"));
}

TEST_F(DeviceFilter, is_not_there_for_the_privileged) {
  EXPECT_EQ(shell({"--privileged"}, open_script(kRead)).out, "opened\n");
}

}  // namespace
}  // namespace myct::test
