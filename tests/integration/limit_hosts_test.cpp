// Hosts whose control groups cannot be had: the hierarchy of version 2 is read-only, as in many a container, or there
// is none.
#include "limits.hpp"

namespace myct::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// For Command::before_exec.
void see_a_read_only_hierarchy() {
  static const std::string path = host().cgroups();
  if (::unshare(CLONE_NEWNS) == -1 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == -1 ||
      ::mount(nullptr, path.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) == -1)
    ::_exit(99);
}
void see_no_hierarchy() {
  static const std::string path = host().cgroups();
  if (::unshare(CLONE_NEWNS) == -1 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == -1 ||
      ::umount2(path.c_str(), MNT_DETACH) == -1)
    ::_exit(99);
}

class LimitHosts : public LimitsTest {
 protected:
  void SetUp() override {
    LimitsTest::SetUp();
    if (host().cgroups().empty()) GTEST_SKIP() << "no cgroup v2 hierarchy to be taken away";
  }
  [[nodiscard]] Result there(void (*sight)(), const Words& words) const {
    Command started = command(words);
    started.before_exec = sight;
    return run(started);
  }
};

TEST_F(LimitHosts, with_a_read_only_hierarchy_run_containers_without_limits) {
  EXPECT_EQ(shell({}, "true").status, 0);  // which leaves the group for containers
  EXPECT_TRUE(prints(there(see_a_read_only_hierarchy, {"run", "--rm", "busybox", "echo", "it ran"}), "it ran\n"));
  EXPECT_EQ(container_count(), 0);
  ASSERT_EQ(there(see_a_read_only_hierarchy, {"run", "-d", "--name", "web", "busybox", "sh", "-c", "exit 4"}).status,
            0);
  EXPECT_TRUE(prints(there(see_a_read_only_hierarchy, {"wait", "web"}), "4\n"));
  EXPECT_TRUE(prints(there(see_a_read_only_hierarchy, {"rm", "web"}), "web\n"));
}

TEST_F(LimitHosts, with_a_read_only_hierarchy_name_the_controller_and_the_remedy) {
  NEEDS_CONTROLLER("pids");
  EXPECT_EQ(shell({}, "true").status, 0);
  // With the group for containers as the last one has left it, and as it is before the first.
  for (const char* parent : {"/myct", "/pool"})
    EXPECT_TRUE(fails_with(
        there(see_a_read_only_hierarchy,
              {"run", "--rm", "--cgroup-parent", parent, "--pids-limit", "20", "busybox", "true"}),
        125,
        "cannot limit processes: the pids controller needs a control group: make cgroup '" + host().cgroups() + parent))
        << parent;
  EXPECT_THAT(there(see_a_read_only_hierarchy, {"run", "--rm", "--pids-limit", "20", "busybox", "true"}).err,
              HasSubstr("'mount -o remount,bind,rw " + host().cgroups() + "'"));
}

TEST_F(LimitHosts, without_a_hierarchy_name_the_controller_and_the_remedy) {
  EXPECT_TRUE(prints(there(see_no_hierarchy, {"run", "--rm", "busybox", "echo", "it ran"}), "it ran\n"));
  const Result result = there(see_no_hierarchy, {"run", "--rm", "--pids-limit", "20", "busybox", "true"});
  EXPECT_EQ(result.status, 125);
  if (has_controller("pids"))
    EXPECT_THAT(result.err, AllOf(HasSubstr("cannot limit processes: the pids controller needs a cgroup v2 hierarchy"),
                                  HasSubstr("mount -t cgroup2")));
  else
    EXPECT_THAT(result.err, HasSubstr("cannot limit processes: the pids controller of this host is on cgroup v1"));
}

TEST_F(LimitHosts, without_a_hierarchy_say_what_a_pause_takes) {
  ASSERT_EQ(there(see_no_hierarchy, {"run", "-d", "--name", "web", "busybox", "sleep", "1000"}).status, 0);
  EXPECT_TRUE(fails_with(there(see_no_hierarchy, {"pause", "web"}), 1,
                         "cannot freeze container 'web': it has no control group of its own: this needs a cgroup v2 "
                         "hierarchy at /sys/fs/cgroup that can be written to, before the container is started"));
  remove("web");
}

}  // namespace
}  // namespace myct::test
