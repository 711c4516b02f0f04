#include "myct/registry/configuration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temp_directory.hpp"

namespace myct::registry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(RegistriesFile, is_docker_io_alone_when_absent) {
  const Configuration configuration = load_configuration("/nonexistent/registries.json");
  EXPECT_THAT(configuration.search, ElementsAre("docker.io"));
  EXPECT_TRUE(configuration.mirrors.empty());
  EXPECT_FALSE(configuration.is_insecure("docker.io"));
}

TEST(RegistriesFile, names_mirrors_search_and_insecure_registries) {
  const TempDirectory directory;
  const Configuration configuration = load_configuration(directory.write("registries.json", R"({
    "search": ["quay.io", "docker.io"],
    "mirrors": {"index.docker.io": ["https://mirror:5000/", "http://other/path"]},
    "insecure": ["box:5000"]})"));
  EXPECT_THAT(configuration.search, ElementsAre("quay.io", "docker.io"));
  EXPECT_THAT(configuration.mirrors.at("docker.io"), ElementsAre("https://mirror:5000", "http://other/path"));
  EXPECT_TRUE(configuration.is_insecure("box:5000"));
  EXPECT_FALSE(configuration.is_insecure("box"));
}

TEST(RegistriesFile, that_is_wrong_is_refused_with_its_name) {
  const TempDirectory directory;
  const struct {
    const char* text;
    const char* why;
  } rows[] = {
      {"", "empty"},
      {"[]", "not a JSON object"},
      {R"({"serch": []})", "member 'serch' is unknown"},
      {R"({"search": "docker.io"})", "search"},
      {R"({"search": ["a/b c"], "insecure": ["a b"]})", "host name"},
      {R"({"mirrors": {"docker.io": ["mirror:5000"]}})", "https://"},
      {R"({"mirrors": {"docker.io": ["https://me:secret@mirror"]}})", "no credentials"},
  };
  for (const auto& row : rows) {
    const std::string path = directory.write("registries.json", row.text);
    try {
      (void)load_configuration(path);
      ADD_FAILURE() << "took " << row.text;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::AllOf(HasSubstr(path), HasSubstr(row.why)));
      EXPECT_THAT(error.what(), testing::Not(HasSubstr("secret")));
    }
  }
}

}  // namespace
}  // namespace myct::registry
