#include "user.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "myct/base/error.hpp"

namespace myct::manager {
namespace {

using ::testing::ElementsAre;

constexpr std::string_view kPasswd =
    "root:x:0:0:root:/root:/bin/sh\n"
    "malformed line\n"
    "ada:x:1000:1000::/home/ada:/bin/sh\n"
    "ada:x:1001:1001::/second:/bin/sh\n"
    "1234:x:2000:2000::/digits:/bin/sh\n";
constexpr std::string_view kGroup =
    "root:x:0:\n"
    "wheel:x:10:root,ada\n"
    "ada:x:1000:\n"
    "video:x:27:bob,ada\n"
    "wheel2:x:10:ada\n";

ResolvedUser resolve(std::string_view user) { return resolve_user(user, kPasswd, kGroup); }

TEST(ResolveUser, is_root_by_default) {
  const ResolvedUser user = resolve("");
  EXPECT_EQ(user.uid, 0U);
  EXPECT_EQ(user.gid, 0U);
  EXPECT_EQ(user.home, "/root");
  EXPECT_THAT(user.groups, ElementsAre(0, 10));
}

TEST(ResolveUser, takes_the_first_match_and_all_groups_of_a_name) {
  const ResolvedUser user = resolve("ada");
  EXPECT_EQ(user.uid, 1000U);
  EXPECT_EQ(user.gid, 1000U);
  EXPECT_EQ(user.home, "/home/ada");
  EXPECT_THAT(user.groups, ElementsAre(1000, 10, 27));
}

TEST(ResolveUser, takes_only_the_given_group) {
  const ResolvedUser user = resolve("ada:wheel");
  EXPECT_EQ(user.gid, 10U);
  EXPECT_THAT(user.groups, ElementsAre(10));
  EXPECT_EQ(resolve("ada:555").gid, 555U);
}

TEST(ResolveUser, takes_a_number_as_an_id_and_never_as_a_name) {
  EXPECT_EQ(resolve("1234").uid, 1234U);
  EXPECT_EQ(resolve("1234").gid, 0U);
  EXPECT_EQ(resolve("1234").home, "/");
  EXPECT_EQ(resolve("1000").home, "/home/ada");
}

TEST(ResolveUser, refuses_unknown_names_and_ids_out_of_range) {
  for (const char* user : {"nobody", "ada:nogroup", "-1", "2147483648", "99999999999999999999"})
    EXPECT_THROW((void)resolve(user), Error) << user;
}

TEST(ResolveUser, works_without_any_passwd_file) {
  EXPECT_EQ(resolve_user("", "", "").home, "/");
  EXPECT_EQ(resolve_user("7:8", "", "").gid, 8U);
}

}  // namespace
}  // namespace myct::manager
