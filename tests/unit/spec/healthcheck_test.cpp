#include "myct/spec/healthcheck.hpp"

#include <gtest/gtest.h>

#include "myct/base/error.hpp"
#include "myct/spec/image_spec.hpp"

namespace myct::oci {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Command = std::vector<std::string>;

Healthcheck of_the_image() {
  return {.test = {"CMD", "/check", "-q"},
          .interval = seconds(1),
          .timeout = seconds(2),
          .start_period = seconds(3),
          .start_interval = seconds(4),
          .retries = 5};
}

TEST(Healthcheck, is_the_images_where_the_user_says_nothing) {
  EXPECT_EQ(merge(std::nullopt, of_the_image()), of_the_image());
  EXPECT_EQ(merge(std::nullopt, std::nullopt), std::nullopt);
  EXPECT_EQ(merge(of_the_image(), std::nullopt), of_the_image());
}

TEST(Healthcheck, takes_member_by_member_from_the_image) {
  Healthcheck expected = of_the_image();
  expected.interval = milliseconds(10);
  EXPECT_EQ(merge(Healthcheck{.interval = milliseconds(10)}, of_the_image()), expected);
  expected = of_the_image();
  expected.test = {"CMD-SHELL", "true"};
  expected.retries = 1;
  EXPECT_EQ(merge(Healthcheck{.test = {"CMD-SHELL", "true"}, .retries = 1}, of_the_image()), expected);
}

TEST(Healthcheck, has_the_command_that_its_kind_says) {
  EXPECT_EQ(command_of(of_the_image()), Command({"/check", "-q"}));
  EXPECT_EQ(command_of({.test = {"CMD-SHELL", "exit 1"}}), Command({"/bin/sh", "-c", "exit 1"}));
  EXPECT_EQ(command_of({.test = {"CMD-SHELL", "exit 1"}, .shell = {"/bin/bash", "-eo", "pipefail", "-c"}}),
            Command({"/bin/bash", "-eo", "pipefail", "-c", "exit 1"}));
  EXPECT_EQ(command_of({.test = {"CMD", "/check"}, .shell = {"/bin/bash", "-c"}}), Command({"/check"}));
  EXPECT_EQ(command_of(*merge(Healthcheck{.test = {"NONE"}}, of_the_image())), Command());
  EXPECT_EQ(command_of({.test = {"PROBE", "x"}}), Command()) << "a kind that Docker does not know either";
  EXPECT_EQ(command_of({.test = {"CMD"}}), Command());
  EXPECT_EQ(command_of({}), Command());
}

TEST(Healthcheck, has_dockers_defaults) {
  const Healthcheck check = with_defaults({.timeout = milliseconds(1)});
  EXPECT_EQ(check.interval, seconds(30));
  EXPECT_EQ(check.timeout, milliseconds(1));
  EXPECT_EQ(check.start_period, seconds(0));
  EXPECT_EQ(check.start_interval, seconds(5));
  EXPECT_EQ(check.retries, 3);
}

TEST(Healthcheck, survives_the_way_through_an_images_configuration) {
  Image image{.config = {.healthcheck = of_the_image()}};
  EXPECT_EQ(image_from_json(to_json(image), "config").config.healthcheck, of_the_image());
  image.config.healthcheck.reset();
  EXPECT_EQ(to_json(image).find("Healthcheck"), std::string::npos);
}

TEST(Healthcheck, is_read_as_docker_writes_it) {
  const Image image = image_from_json(
      R"({"config": {"Healthcheck": {"Test": ["CMD-SHELL", "curl -f localhost"], "Interval": 5000000000, "Retries": 2}}})",
      "config");
  EXPECT_EQ(image.config.healthcheck,
            (Healthcheck{.test = {"CMD-SHELL", "curl -f localhost"}, .interval = seconds(5), .retries = 2}));
  EXPECT_THROW((void)image_from_json(R"({"config": {"Healthcheck": {"Test": "true"}}})", "config"), Error);
}

}  // namespace
}  // namespace myct::oci
