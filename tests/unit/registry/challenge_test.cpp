#include "challenge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace myct::registry {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

TEST(Challenge, of_docker_hub_is_taken_apart) {
  const auto challenges = parse_challenges(
      R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push")");
  ASSERT_THAT(challenges, SizeIs(1));
  EXPECT_EQ(challenges[0].scheme, "bearer");
  EXPECT_EQ(challenges[0].parameter("realm"), "https://auth.docker.io/token");
  EXPECT_EQ(challenges[0].parameter("service"), "registry.docker.io");
  EXPECT_EQ(challenges[0].parameter("scope"), "repository:a/b:pull,push");
  EXPECT_EQ(challenges[0].parameter("error"), "");
}

TEST(Challenge, may_be_one_of_several_in_a_line) {
  const auto challenges = parse_challenges(R"(Negotiate, Basic realm="a, \"b\" c" , BEARER Realm=x , service = y)");
  ASSERT_THAT(challenges, SizeIs(3));
  EXPECT_EQ(challenges[0].scheme, "negotiate");
  EXPECT_EQ(challenges[1].parameter("realm"), R"(a, "b" c)");
  EXPECT_EQ(challenges[2].scheme, "bearer");
  EXPECT_EQ(challenges[2].parameter("realm"), "x");
  EXPECT_EQ(challenges[2].parameter("service"), "y");
}

TEST(Challenge, that_is_malformed_ends_the_list) {
  EXPECT_THAT(parse_challenges(""), IsEmpty());
  EXPECT_THAT(parse_challenges(" ,, "), IsEmpty());
  EXPECT_THAT(parse_challenges("\"quoted\""), IsEmpty());
  const auto open = parse_challenges(R"(Basic realm="never closed)");
  ASSERT_THAT(open, SizeIs(1));
  EXPECT_EQ(open[0].parameter("realm"), "");
  EXPECT_THAT(parse_challenges("Basic ="), SizeIs(1));
  EXPECT_THAT(parse_challenges("Basic \x01\x02"), SizeIs(1));
}

}  // namespace
}  // namespace myct::registry
