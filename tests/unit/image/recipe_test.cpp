#include "recipe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "myct/base/error.hpp"
#include "temp_store.hpp"

namespace myct::image {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Recipe, is_read_as_a_shell_would_read_it) {
  const Recipe recipe = parse_recipe(
      "# Arch\n\nNAME='arch'\nVERSION=latest # rolling\nWRAPPING_DIRECTORY='root.x86_64'\r\n"
      "CMD='[\"/bin/bash\", \"-l\"]'\nENV_2='B=2 words'\nENV_10='C=3'\nENV_1='A=1'\nSHA256=\n",
      "arch.recipe");
  EXPECT_EQ(recipe.name, "arch");
  EXPECT_EQ(recipe.wrapping_directory, "root.x86_64");
  EXPECT_THAT(recipe.config.cmd, ElementsAre("/bin/bash", "-l"));
  EXPECT_THAT(recipe.config.env, ElementsAre("A=1", "B=2 words", "C=3"));
}

TEST(Recipe, refuses_what_only_a_shell_can_read) {
  const struct {
    const char* text;
    const char* reason;
  } rows[] = {
      {"NAME=$(id)", "line 1: put the value into single quotes"},
      {"NAME=a b", "single quotes"},
      {"NAME=\"a\"", "single quotes"},
      {"NAME='a", "single quotes"},
      {"NAME='a'b", "single quotes"},
      {"NAME=a\nexit 1", "line 2: not KEY=VALUE"},
      {"name=a", "not KEY=VALUE"},
      {"CMD='/bin/sh'", "CMD"},
      {"CMD='[1]'", "CMD is not a JSON array of strings"},
      {"ENV_1='PATH'", "is not NAME=VALUE"},
  };
  for (const auto& row : rows) {
    try {
      (void)parse_recipe(row.text, "x.recipe");
      ADD_FAILURE() << "took " << row.text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Invalid);
      EXPECT_THAT(error.what(), HasSubstr(row.reason)) << row.text;
      EXPECT_THAT(error.what(), HasSubstr("x.recipe")) << row.text;
    }
  }
}

TEST(SearchPath, finds_the_first_tarball_and_the_recipe_beside_it) {
  const test::TempStore store;
  (void)store.put("alpine-base.tar.zst", "");
  (void)store.put("arch-base.tar.gz", "");
  (void)store.put("arch.recipe", "");
  const std::vector<std::string> path{store.directory() + "/absent", store.directory()};
  ASSERT_TRUE(find_tarball(path, "alpine"));
  EXPECT_EQ(find_tarball(path, "alpine")->path, store.directory() + "/alpine-base.tar.zst");
  EXPECT_EQ(find_tarball(path, "alpine")->recipe, "");
  EXPECT_EQ(find_tarball(path, "arch")->recipe, store.directory() + "/arch.recipe");
  EXPECT_FALSE(find_tarball(path, "debian"));
  EXPECT_FALSE(find_tarball(path, "outside/../arch"));
  EXPECT_THAT(tarball_names(path), testing::UnorderedElementsAre("alpine", "arch"));
}

}  // namespace
}  // namespace myct::image
