#include "controllers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace myct::cgroup {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Setting of(const std::string& controller, const std::string& purpose) {
  Setting setting;
  setting.controller = controller;
  setting.purpose = purpose;
  return setting;
}

struct Row {
  const char* name;
  Lack lack;
  const char* controller;
  const char* why;
  const char* remedy;
};

class ControllerThatIsLacking : public ::testing::TestWithParam<Row> {};

TEST_P(ControllerThatIsLacking, is_named_with_the_limit_and_the_remedy) {
  const Row& row = GetParam();
  const Error error = unavailable(of(row.controller, "limit it"), row.lack, "/sys/fs/cgroup/a.service");
  EXPECT_EQ(error.kind(), ErrorKind::Unsupported);
  EXPECT_EQ(error.subject(), std::string("cannot limit it: ") + row.why);
  EXPECT_THAT(error.hint(), HasSubstr(row.remedy));
}

INSTANTIATE_TEST_SUITE_P(
    Rows, ControllerThatIsLacking,
    ::testing::Values(Row{"in_the_kernel", Lack::NotInKernel, "io", "this kernel has no io controller",
                          "disabled by cgroup_disable="},
                      Row{"in_the_kernel_for_memory", Lack::NotInKernel, "memory",
                          "this kernel has no memory controller", "boot with cgroup_enable=memory"},
                      Row{"in_version_2", Lack::OnVersion1, "pids", "the pids controller of this host is on cgroup v1",
                          "systemd.unified_cgroup_hierarchy=1"},
                      Row{"in_the_group", Lack::NotHandedDown, "cpu",
                          "the cpu controller is not handed down to cgroup '/sys/fs/cgroup/a.service'",
                          "write '+cpu' to the file cgroup.subtree_control"},
                      Row{"with_its_hierarchy", Lack::NoHierarchy, "cpuset",
                          "the cpuset controller needs a cgroup v2 hierarchy, and there is none at /sys/fs/cgroup",
                          "mount -t cgroup2"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(GroupThatCannotBeMade, is_told_with_what_it_was_for) {
  const Error error(ErrorKind::System, "make cgroup '/a'", EROFS, "remount it");
  EXPECT_THAT(add_purpose(error, {of("", "set cgroup.max.depth"), of("pids", "limit processes")}).what(),
              AllOf(StartsWith("cannot limit processes: the pids controller needs a control group: make cgroup '/a': "),
                    HasSubstr("remount it")));
  EXPECT_STREQ(add_purpose(error, {}).what(), error.what());
}

}  // namespace
}  // namespace myct::cgroup
