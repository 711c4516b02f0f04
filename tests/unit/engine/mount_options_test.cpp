#include "mount_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/mount.h>
#include <sys/mount.h>

#include "myct/base/error.hpp"

namespace myct::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

MountPlan plan(std::string type, std::vector<std::string> options) {
  return plan_mount({.destination = "/d", .type = std::move(type), .source = "/s", .options = std::move(options)});
}

TEST(PlanMount, sorts_attributes_from_file_system_parameters) {
  const MountPlan tmpfs = plan("tmpfs", {"nosuid", "strictatime", "mode=755", "size=64k", "noswap"});
  EXPECT_EQ(tmpfs.kind, MountKind::Filesystem);
  EXPECT_EQ(tmpfs.attributes_set, MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME);
  EXPECT_THAT(tmpfs.parameters, ElementsAre(Pair("mode", "755"), Pair("size", "64k"), Pair("noswap", "")));
}

TEST(PlanMount, lets_the_last_of_a_pair_win) {
  EXPECT_EQ(plan("bind", {"ro", "rw"}).attributes_set, 0U);
  EXPECT_EQ(plan("bind", {"ro", "rw"}).attributes_cleared, MOUNT_ATTR_RDONLY);
  EXPECT_EQ(plan("bind", {"rw", "ro"}).attributes_set, MOUNT_ATTR_RDONLY);
  EXPECT_EQ(plan("bind", {"rw", "ro"}).attributes_cleared, 0U);
}

TEST(PlanMount, knows_recursive_forms) {
  EXPECT_TRUE(plan("bind", {"rro"}).recursive_attributes);
  EXPECT_EQ(plan("bind", {"rro"}).attributes_set, MOUNT_ATTR_RDONLY);
  EXPECT_FALSE(plan("bind", {"ro", "relatime"}).recursive_attributes);
  EXPECT_TRUE(plan("none", {"rbind"}).recursive_bind);
  EXPECT_FALSE(plan("none", {"bind"}).recursive_bind);
  EXPECT_EQ(plan("none", {"bind"}).kind, MountKind::Bind);
}

TEST(PlanMount, reads_propagation) {
  EXPECT_EQ(plan("bind", {"rslave"}).propagation, static_cast<uint64_t>(MS_SLAVE));
  EXPECT_TRUE(plan("bind", {"rslave"}).recursive_propagation);
  EXPECT_FALSE(plan("bind", {"shared"}).recursive_propagation);
  EXPECT_EQ(parse_propagation("rprivate"), static_cast<uint64_t>(MS_PRIVATE) | MS_REC);
  EXPECT_THROW((void)parse_propagation("public"), Error);
}

TEST(PlanMount, refuses_what_makes_no_sense) {
  EXPECT_THROW((void)plan("bind", {"size=1m"}), Error);
  EXPECT_THROW((void)plan_mount({.destination = "relative", .type = "tmpfs"}), Error);
  EXPECT_THROW((void)plan_mount({.destination = "/d", .source = "/s"}), Error);
  EXPECT_THROW((void)plan_mount({.destination = "/d", .type = "bind"}), Error);
}

}  // namespace
}  // namespace myct::engine
