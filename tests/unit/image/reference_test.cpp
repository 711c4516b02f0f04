#include "myct/image/reference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "myct/base/error.hpp"

namespace myct::image {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Reference, takes_latest_where_no_tag_is_given) {
  EXPECT_EQ(parse_reference("alpine"), (Reference{"alpine", "latest"}));
  EXPECT_EQ(parse_reference("alpine:3.20").text(), "alpine:3.20");
}

TEST(Reference, tells_a_port_from_a_tag) {
  EXPECT_EQ(parse_reference("localhost:5000/team/app"), (Reference{"localhost:5000/team/app", "latest"}));
  EXPECT_EQ(parse_reference("example.org:5000/app:v1"), (Reference{"example.org:5000/app", "v1"}));
}

TEST(Reference, calls_what_docker_hub_has_by_its_familiar_name) {
  for (const char* text : {"alpine", "library/alpine", "docker.io/alpine", "docker.io/library/alpine",
                           "index.docker.io/library/alpine", "docker.io/library/alpine:latest"})
    EXPECT_EQ(parse_reference(text).text(), "alpine:latest") << text;
  EXPECT_EQ(parse_reference("docker.io/user/app:1").text(), "user/app:1");
  EXPECT_EQ(parse_reference("quay.io/library/app").text(), "quay.io/library/app:latest");
  EXPECT_EQ(parse_reference("library/a/b").text(), "library/a/b:latest");
}

TEST(Reference, knows_where_a_registry_has_it) {
  const auto remote = [](const char* text) {
    const RemoteRepository where = remote_of(parse_reference(text));
    return where.host + " " + where.path;
  };
  EXPECT_EQ(remote("alpine"), "docker.io library/alpine");
  EXPECT_EQ(remote("user/app"), "docker.io user/app");
  EXPECT_EQ(remote("localhost/app"), "localhost app");
  EXPECT_EQ(remote("localhost:5000/team/app:1"), "localhost:5000 team/app");
  EXPECT_EQ(remote("quay.io/team/app"), "quay.io team/app");
}

TEST(Reference, has_a_digest_instead_of_a_tag) {
  const std::string digest = "sha256:" + std::string(64, 'a');
  EXPECT_EQ(parse_reference("alpine@" + digest).text(), "alpine@" + digest);
  EXPECT_EQ(parse_reference("docker.io/library/alpine:3.20@" + digest).text(), "alpine@" + digest);
  EXPECT_EQ(parse_reference("localhost:5000/a@" + digest).repository, "localhost:5000/a");
  EXPECT_THROW((void)parse_reference("alpine@" + digest + "0"), Error);
  EXPECT_THROW((void)parse_reference("alpine:..@" + digest), Error);
}

TEST(Reference, takes_every_separator_of_the_specification) {
  for (const char* name : {"a.b", "a_b", "a__b", "a-b", "a---b", "a1/b2/c3", "0"})
    EXPECT_EQ(parse_reference(name).repository, name);
}

TEST(Reference, refuses_what_is_no_name_and_says_which_rule_it_breaks) {
  const struct {
    const char* text;
    const char* rule;
  } rows[] = {
      {"", "empty"},
      {"Alpine", "lower-case"},
      {"-alpine", "begin and end"},
      {"alpine-", "begin and end"},
      {"a..b", "separators"},
      {"a___b", "separators"},
      {"a//b", "empty"},
      {"/a", "empty"},
      {"a/", "empty"},
      {"../etc", "host name is malformed"},
      {"a/../b", "begin and end"},
      {"alpine:", "tag is empty"},
      {"alpine:.x", "tag must begin"},
      {"alpine:a b", "tag may hold"},
      {"alpine:a:b", "tag may hold"},
      {"alpine@sha256:00", "digest"},
      {"host:port/app", "port is not a number"},
      {"a b", "separators"},
      {"a..b/c", "host name is malformed"},
      {".b/c", "host name is malformed"},
      {"-a.b/c", "host name is malformed"},
  };
  for (const auto& row : rows) {
    try {
      (void)parse_reference(row.text);
      ADD_FAILURE() << "took '" << row.text << "'";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Invalid);
      EXPECT_THAT(error.what(), testing::ContainsRegex(row.rule)) << row.text;
    }
  }
  EXPECT_THROW((void)parse_reference(std::string(256, 'a')), Error);
  EXPECT_THROW((void)parse_reference("a:" + std::string(129, 'a')), Error);
}

TEST(NearNames, finds_slips_and_parts_nearest_first) {
  const std::vector<std::string> names{"alpine", "arch", "ubuntu", "alpine-edge"};
  EXPECT_THAT(near_names("alpin", names), ElementsAre("alpine", "alpine-edge"));
  EXPECT_THAT(near_names("ubunut", names), ElementsAre("ubuntu"));
  EXPECT_THAT(near_names("zzzzzz", names), IsEmpty());
  EXPECT_THAT(near_names("xy", names), IsEmpty());
}

TEST(NearNames, are_three_at_most_and_named_once) {
  EXPECT_THAT(near_names("abcd", {"abce", "abcf", "abce", "abcg", "abch"}), ElementsAre("abce", "abcf", "abcg"));
}

}  // namespace
}  // namespace myct::image
