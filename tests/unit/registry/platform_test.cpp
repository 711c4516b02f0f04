#include "myct/registry/platform.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "myct/base/error.hpp"
#include "myct/base/process.hpp"

namespace myct::registry {
namespace {

std::vector<PlatformManifest> offer(const std::vector<Platform>& platforms) {
  std::vector<PlatformManifest> manifests;
  for (const Platform& platform : platforms)
    manifests.push_back({.descriptor = {.digest = platform.text()}, .platform = platform});
  return manifests;
}

std::string choose(const std::vector<Platform>& platforms, const char* wanted) {
  return choose_platform(offer(platforms), parse_platform(wanted), "x").digest;
}

TEST(Platform, is_read_in_every_form_that_users_write) {
  EXPECT_EQ(parse_platform("linux/amd64").text(), "linux/amd64");
  EXPECT_EQ(parse_platform("x86_64").text(), "linux/amd64");
  EXPECT_EQ(parse_platform("linux/aarch64").text(), "linux/arm64");
  EXPECT_EQ(parse_platform("linux/arm64/v8").text(), "linux/arm64");
  EXPECT_EQ(parse_platform("linux/arm").text(), "linux/arm/v7");
  EXPECT_EQ(parse_platform("linux/arm/6").text(), "linux/arm/v6");
  EXPECT_EQ(parse_platform("Linux/AMD64").text(), "linux/amd64");
  for (const char* text : {"", "linux/", "/amd64", "linux/a/b/c", "linux/am d"})
    EXPECT_THROW((void)parse_platform(text), Error) << text;
}

TEST(Platform, of_this_machine_is_its_processors) {
  EXPECT_EQ(host_platform().os, "linux");
  EXPECT_EQ(host_platform(), normalize({.architecture = machine_architecture()}));
}

TEST(ChoosePlatform, takes_the_very_one_before_a_lesser_one) {
  const Platform arm5{"linux", "arm", "v5"};
  const Platform arm6{"linux", "arm", "v6"};
  const Platform arm7{"linux", "arm", "v7"};
  const Platform amd64{"linux", "amd64", ""};
  EXPECT_EQ(choose({arm5, arm6, arm7, amd64}, "linux/arm/v6"), "linux/arm/v6");
  EXPECT_EQ(choose({arm5, arm6, amd64}, "linux/arm/v7"), "linux/arm/v6");
  EXPECT_EQ(choose({arm7, amd64}, "amd64"), "linux/amd64");
  EXPECT_THROW((void)choose({arm7, amd64}, "linux/arm/v6"), Error);
}

TEST(ChoosePlatform, runs_no_processors_programs_that_are_too_new) {
  EXPECT_EQ(choose({{"linux", "amd64", "v3"}, {"linux", "amd64", ""}}, "linux/amd64"), "linux/amd64");
  EXPECT_EQ(choose({{"linux", "amd64", "v2"}, {"linux", "amd64", ""}}, "linux/amd64/v3"), "linux/amd64/v2");
  EXPECT_THROW((void)choose({{"linux", "amd64", "v3"}}, "linux/amd64"), Error);
}

TEST(ChoosePlatform, says_what_there_is_instead) {
  try {
    (void)choose({{"linux", "arm64", ""}, {"unknown", "unknown", ""}, {"windows", "amd64", ""}}, "linux/amd64");
    ADD_FAILURE() << "chose something";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::NotFound);
    EXPECT_STREQ(error.what(),
                 "x has nothing for linux/amd64: it is there for: linux/arm64, windows/amd64; choose one with "
                 "--platform");
  }
}

TEST(ChoosePlatform, takes_what_says_nothing_where_nothing_else_fits) {
  EXPECT_EQ(choose({{"", "", ""}, {"linux", "arm64", ""}}, "amd64"), "/");
  EXPECT_EQ(choose({{"", "", ""}, {"linux", "amd64", ""}}, "amd64"), "linux/amd64");
}

}  // namespace
}  // namespace myct::registry
