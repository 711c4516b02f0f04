#include "myct/registry/credentials.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "temp_directory.hpp"

namespace myct::registry {
namespace {

using testing::HasSubstr;
using testing::Optional;

const Credentials kMe{.username = "me", .password = "se:cret", .identity_token = {}};

/// A docker-credential-NAME that keeps what it is given in a file, first in PATH as long as it lives.
class FakeHelper {
 public:
  explicit FakeHelper(const TempDirectory& directory) : old_path_(::getenv("PATH")), kept_(directory.path() + "/kept") {
    directory.write("docker-credential-fake", R"(#!/bin/sh
kept=)" + kept_ + R"(
case $1 in
  store) cat >"$kept" ;;
  get)
    read -r server || true
    if [ "$server" = broken.org ]; then echo 'the key ring is locked'; exit 1; fi
    if ! grep -q "\"ServerURL\":\"$server\"" "$kept" 2>/dev/null; then
      echo 'credentials not found in native keychain'; exit 1
    fi
    cat "$kept" ;;
  erase) rm "$kept" ;;
esac
)",
                    0755);
    ::setenv("PATH", (directory.path() + ":" + old_path_).c_str(), 1);
  }
  FakeHelper(const FakeHelper&) = delete;
  FakeHelper& operator=(const FakeHelper&) = delete;
  ~FakeHelper() { ::setenv("PATH", old_path_.c_str(), 1); }
  [[nodiscard]] std::string kept() const { return try_read_file(kept_).value_or(""); }

 private:
  std::string old_path_;
  std::string kept_;
};

TEST(Credentials, come_back_as_they_were_saved) {
  const TempDirectory directory;
  const CredentialFiles files{.auth = {}, .config = directory.path() + "/new/.docker/config.json"};
  EXPECT_FALSE(find_credentials(files, "example.org"));
  const Kept kept = save_credentials(files, "example.org", kMe);
  EXPECT_EQ(kept.where, files.config);
  EXPECT_TRUE(kept.is_readable);
  EXPECT_THAT(find_credentials(files, "example.org"), Optional(kMe));
  EXPECT_FALSE(find_credentials(files, "other.org"));
  struct stat status {};
  ASSERT_EQ(::stat(files.config.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST(Credentials, of_docker_hub_are_where_docker_looks) {
  const TempDirectory directory;
  const CredentialFiles files{.auth = {}, .config = directory.path() + "/config.json"};
  save_credentials(files, "docker.io", kMe);
  const auto document = nlohmann::json::parse(read_file(files.config));
  EXPECT_EQ(document["auths"]["https://index.docker.io/v1/"]["auth"], "bWU6c2U6Y3JldA==");
  EXPECT_THAT(find_credentials(files, "docker.io", "library/alpine"), Optional(kMe));
}

TEST(Credentials, leave_all_else_in_the_file_as_it_was) {
  const TempDirectory directory;
  const std::string path = directory.write("config.json", R"({"zeta": [1, {"a": null}], "HttpHeaders": {"X": "y"},
    "auths": {"other.org": {"auth": "YTpi", "email": "a@b"}}, "alpha": true})",
                                           0644);
  const CredentialFiles files{.auth = {}, .config = path};
  save_credentials(files, "example.org", kMe);
  EXPECT_TRUE(erase_credentials(files, "example.org"));
  const auto document = nlohmann::ordered_json::parse(read_file(path));
  EXPECT_EQ(document.dump(), R"({"zeta":[1,{"a":null}],"HttpHeaders":{"X":"y"},)"
                             R"("auths":{"other.org":{"auth":"YTpi","email":"a@b"}},"alpha":true})");
  EXPECT_FALSE(erase_credentials(files, "example.org"));
}

TEST(Credentials, survive_two_logins_at_once) {
  const TempDirectory directory;
  const CredentialFiles files{.auth = {}, .config = directory.path() + "/config.json"};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] { save_credentials(files, "host" + std::to_string(i) + ".org", kMe); });
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 8; ++i)
    EXPECT_THAT(find_credentials(files, "host" + std::to_string(i) + ".org"), Optional(kMe)) << i;
}

TEST(Credentials, keep_a_link_to_the_file_a_link) {
  const TempDirectory directory;
  const std::string target = directory.write("real.json", "{}");
  const std::string link = directory.path() + "/config.json";
  ASSERT_EQ(::symlink("real.json", link.c_str()), 0);
  const CredentialFiles files{.auth = {}, .config = link};
  save_credentials(files, "example.org", kMe);
  EXPECT_EQ(try_read_link(link), "real.json");
  EXPECT_THAT(read_file(target), HasSubstr("example.org"));
}

TEST(Credentials, may_be_an_identity_token) {
  const TempDirectory directory;
  const CredentialFiles files{.auth = {}, .config = directory.path() + "/config.json"};
  const Credentials token{.username = "me", .password = {}, .identity_token = "tok"};
  save_credentials(files, "example.org", token);
  EXPECT_THAT(find_credentials(files, "example.org"), Optional(token));
}

TEST(Credentials, of_podman_come_first_and_may_be_of_one_repository) {
  const TempDirectory directory;
  const CredentialFiles files{
      .auth = directory.write("auth.json", R"({"auths": {"h.org/team": {"auth": "dGVhbTp4"}}})"),
      .config = directory.write("config.json", R"({"auths": {"https://h.org/v1/": {"auth": "YWxsOng="}}})")};
  EXPECT_EQ(find_credentials(files, "h.org", "team/app")->username, "team");
  EXPECT_EQ(find_credentials(files, "h.org", "teams/app")->username, "all");
  EXPECT_EQ(find_credentials(files, "h.org")->username, "all");
}

TEST(Credentials, are_asked_of_the_helper_that_the_file_names) {
  const TempDirectory directory;
  const FakeHelper helper(directory);
  const CredentialFiles files{.auth = {}, .config = directory.write("config.json", R"({"credsStore": "fake"})")};
  EXPECT_FALSE(find_credentials(files, "example.org"));
  const Kept kept = save_credentials(files, "example.org", kMe);
  EXPECT_EQ(kept.where, "docker-credential-fake");
  EXPECT_FALSE(kept.is_readable);
  EXPECT_THAT(helper.kept(), HasSubstr(R"("Secret":"se:cret")"));
  EXPECT_THAT(read_file(files.config), testing::Not(HasSubstr("auth\"")));
  EXPECT_THAT(find_credentials(files, "example.org"), Optional(kMe));
  EXPECT_TRUE(erase_credentials(files, "example.org"));
  EXPECT_EQ(helper.kept(), "");
  EXPECT_FALSE(erase_credentials(files, "example.org"));
}

TEST(Credentials, of_one_host_may_have_a_helper_of_their_own) {
  const TempDirectory directory;
  const FakeHelper helper(directory);
  const CredentialFiles files{
      .auth = {}, .config = directory.write("config.json", R"({"credHelpers": {"example.org": "fake"}, "auths": {}})")};
  const Credentials token{.username = {}, .password = {}, .identity_token = "tok"};
  save_credentials(files, "example.org", token);
  EXPECT_THAT(helper.kept(), HasSubstr("<token>"));
  EXPECT_THAT(find_credentials(files, "example.org"), Optional(token));
  save_credentials(files, "other.org", kMe);
  EXPECT_THAT(read_file(files.config), HasSubstr("bWU6c2U6Y3JldA=="));
}

TEST(Credentials, that_cannot_be_had_are_an_error_that_says_why) {
  const TempDirectory directory;
  const FakeHelper helper(directory);
  const struct {
    const char* text;
    const char* host;
    const char* why;
  } rows[] = {
      {R"({"credsStore": "fake"})", "broken.org", "the key ring is locked"},
      {R"({"credsStore": "absent"})", "example.org", "docker-credential-absent"},
      {R"({"credsStore": "../evil"})", "example.org", "not the name of a program"},
      {R"({"auths": {"example.org": {"auth": "%%%"}}})", "example.org", "damaged"},
      {R"({"auths": )", "example.org", "damaged at line 1"},
  };
  for (const auto& row : rows) {
    const CredentialFiles files{.auth = {}, .config = directory.write("config.json", row.text)};
    try {
      (void)find_credentials(files, row.host);
      ADD_FAILURE() << "took " << row.text;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(row.why));
    }
  }
}

}  // namespace
}  // namespace myct::registry
