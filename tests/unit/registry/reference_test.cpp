#include "myct/registry/reference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "myct/base/error.hpp"

namespace myct::registry {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

TEST(RegistryReference, is_completed_as_docker_does) {
  const struct {
    const char* text;
    std::string full;
    std::string familiar;
  } rows[] = {
      {"alpine", "docker.io/library/alpine:latest", "alpine:latest"},
      {"alpine:3.20", "docker.io/library/alpine:3.20", "alpine:3.20"},
      {"team/app", "docker.io/team/app:latest", "team/app:latest"},
      {"docker.io/alpine", "docker.io/library/alpine:latest", "alpine:latest"},
      {"index.docker.io/library/alpine", "docker.io/library/alpine:latest", "alpine:latest"},
      {"library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"},
      {"localhost/x", "localhost/x:latest", "localhost/x:latest"},
      {"localhost:5000/x", "localhost:5000/x:latest", "localhost:5000/x:latest"},
      {"host.name/x:y", "host.name/x:y", "host.name/x:y"},
      {"Host/x", "Host/x:latest", "Host/x:latest"},
      {"[::1]:5000/x/y", "[::1]:5000/x/y:latest", "[::1]:5000/x/y:latest"},
      {"[::1]/x", "[::1]/x:latest", "[::1]/x:latest"},
      {"x:5000/y", "x:5000/y:latest", "x:5000/y:latest"},
      {"x:5000", "docker.io/library/x:5000", "x:5000"},
      {"a--b/c__d/e.f", "docker.io/a--b/c__d/e.f:latest", "a--b/c__d/e.f:latest"},
  };
  for (const auto& row : rows) {
    const RegistryReference reference = parse_registry_reference(row.text);
    EXPECT_EQ(reference.text(), row.full) << row.text;
    EXPECT_EQ(reference.familiar(), row.familiar) << row.text;
    EXPECT_EQ(parse_registry_reference(reference.familiar()), reference) << row.text;
    EXPECT_EQ(parse_registry_reference(reference.text()), reference) << row.text;
  }
}

TEST(RegistryReference, asks_for_the_digest_where_there_is_one) {
  const RegistryReference both = parse_registry_reference("alpine:3.20@" + kDigest);
  EXPECT_EQ(both.tag, "3.20");
  EXPECT_EQ(both.target(), kDigest);
  EXPECT_EQ(both.text(), "docker.io/library/alpine:3.20@" + kDigest);
  const RegistryReference alone = parse_registry_reference("localhost:5000/x@" + kDigest);
  EXPECT_EQ(alone.tag, "");
  EXPECT_EQ(alone.familiar(), "localhost:5000/x@" + kDigest);
  EXPECT_EQ(parse_registry_reference("alpine").target(), "latest");
  EXPECT_EQ(parse_registry_reference("x@sha512:" + std::string(128, '0')).target(), "sha512:" + std::string(128, '0'));
}

TEST(RegistryReference, belongs_to_the_given_registry_where_it_names_none) {
  EXPECT_EQ(parse_registry_reference("app", "quay.io").text(), "quay.io/app:latest");
  EXPECT_EQ(parse_registry_reference("docker.io/app", "quay.io").text(), "docker.io/library/app:latest");
  EXPECT_TRUE(has_registry("localhost/x"));
  EXPECT_TRUE(has_registry("quay.io/x"));
  EXPECT_FALSE(has_registry("quay.io"));
  EXPECT_FALSE(has_registry("team/x"));
}

TEST(RegistryReference, refuses_what_is_no_name_and_says_which_rule_it_breaks) {
  const struct {
    std::string text;
    const char* rule;
  } rows[] = {
      {"", "empty"},
      {"Alpine", "lower case"},
      {"-alpine", "begin and end"},
      {"a//b", "empty"},
      {"/a", "empty"},
      {"a/", "empty"},
      {"a..b", "separators"},
      {"a_-b", "separators"},
      {"../a", "host name is malformed"},
      {"a.b/../c", "begin and end"},
      {"alpine:", "tag is empty"},
      {"alpine:-x", "tag must begin"},
      {"alpine:x y", "tag may hold"},
      {"alpine:" + std::string(129, 'x'), "128"},
      {"alpine@sha256:00", "digest"},
      {"alpine@md5:" + std::string(32, '0'), "digest"},
      {"alpine@" + kDigest + "@" + kDigest, "digest"},
      {"alpine@SHA256:" + std::string(64, 'A'), "digest"},
      {"host:port/app", "port"},
      {"host:0/app", "port"},
      {"host:65536/app", "port"},
      {"-host.x/app", "host name is malformed"},
      {"user:pass@host.x/app", "digest"},
      {"https://host.x/app", "port"},
      {"[zz::1]/app", "host name is malformed"},
      {std::string(256, 'a'), "255"},
      {"a\nb", "separators"},
      {"a%2fb", "separators"},
  };
  for (const auto& row : rows) {
    try {
      (void)parse_registry_reference(row.text);
      ADD_FAILURE() << "took '" << row.text << "'";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Invalid);
      EXPECT_THAT(error.what(), testing::HasSubstr(row.rule)) << row.text;
    }
  }
}

TEST(RegistryHost, is_taken_from_what_users_give_to_login) {
  EXPECT_EQ(parse_registry_host("example.org:5000"), "example.org:5000");
  EXPECT_EQ(parse_registry_host("https://example.org/v2/"), "example.org");
  EXPECT_EQ(parse_registry_host("https://index.docker.io/v1/"), "docker.io");
  EXPECT_EQ(parse_registry_host("docker.io"), "docker.io");
  EXPECT_EQ(parse_registry_host("localhost"), "localhost");
  EXPECT_THROW((void)parse_registry_host(""), Error);
  EXPECT_THROW((void)parse_registry_host("user@host"), Error);
  EXPECT_THROW((void)parse_registry_host("host:x"), Error);
}

TEST(RegistryHost, is_this_machine_or_another) {
  for (const char* host : {"localhost", "localhost:5000", "127.0.0.1", "127.1.2.3:80", "[::1]", "[::1]:5000"})
    EXPECT_TRUE(is_loopback(host)) << host;
  for (const char* host : {"localhost.evil.org", "127.0.0.1.evil.org", "128.0.0.1", "[::2]", "127.evil.org", "127.1"})
    EXPECT_FALSE(is_loopback(host)) << host;
}

}  // namespace
}  // namespace myct::registry
