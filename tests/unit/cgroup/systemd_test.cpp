#include "systemd.hpp"

#include <gtest/gtest.h>

namespace myct::cgroup {
namespace {

TEST(SystemdScope, is_what_a_path_with_two_colons_means) {
  const std::optional<Scope> scope = scope_from_cgroups_path("jobs.slice:myct:0123");
  ASSERT_TRUE(scope);
  EXPECT_EQ(scope->slice, "jobs.slice");
  EXPECT_EQ(scope->unit, "myct-0123.scope");
  EXPECT_EQ(scope_from_cgroups_path("::name")->slice, "system.slice");
  EXPECT_EQ(scope_from_cgroups_path("::name")->unit, "name.scope");
  for (const char* path : {"", "myct/0123", "/jobs/night", "/a:b:c", "one:colon"})
    EXPECT_FALSE(scope_from_cgroups_path(path)) << path;
}

TEST(SystemdScope, is_below_the_slices_that_its_slice_s_name_tells) {
  EXPECT_EQ(path_of({.slice = "system.slice", .unit = "x.scope"}), "/system.slice/x.scope");
  EXPECT_EQ(path_of({.slice = "a-b-c.slice", .unit = "x.scope"}), "/a.slice/a-b.slice/a-b-c.slice/x.scope");
  EXPECT_EQ(path_of({.slice = "-.slice", .unit = "x.scope"}), "/x.scope");
}

}  // namespace
}  // namespace myct::cgroup
