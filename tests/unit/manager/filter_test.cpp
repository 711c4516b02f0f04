#include "myct/manager/filter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "myct/base/error.hpp"
#include "myct/manager/inspect.hpp"

namespace myct::manager {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kAlpine = "sha256:aaaa1111";
constexpr const char* kBusybox = "sha256:bbbb2222";

ContainerSummary container(const std::string& name, const std::string& id, state::Status status, int minute) {
  ContainerSummary summary;
  summary.record.name = name;
  summary.record.id = id;
  summary.record.created = SystemTime(std::chrono::minutes(minute));
  summary.status = status;
  if (status != state::Status::Created) summary.record.started_at = summary.record.created;
  return summary;
}

/// Newest first, as list_containers gives them.
std::vector<ContainerSummary> containers() {
  ContainerSummary web = container("web", "0123abcd", state::Status::Running, 4);
  web.record.labels = {{"tier", "front"}, {"app", "shop"}, {"empty", ""}};
  web.record.image_id = kAlpine;
  web.health = state::Health{.status = state::HealthStatus::Healthy, .log = {}};
  web.record.settings.network = "none";
  web.record.settings.mounts = {{.type = "volume", .name = "data", .source = "/v/data", .destination = "/var/lib"},
                                {.type = "bind", .name = "", .source = "/srv", .destination = "/www"}};
  ContainerSummary web2 = container("web2", "0124abcd", state::Status::Exited, 3);
  web2.record.labels = {{"tier", "front"}};
  web2.record.image_id = kBusybox;
  web2.health = state::Health{.status = state::HealthStatus::Unhealthy, .log = {}};
  web2.record.settings.network = "host";
  web2.record.outcome = state::Outcome{.exit_code = 3, .finished_at = {}};
  ContainerSummary cut = container("cut", "beef0000", state::Status::Exited, 2);
  cut.record.image_id = kBusybox;
  ContainerSummary fresh = container("fresh", "cafe0000", state::Status::Created, 1);
  fresh.record.image_id = kAlpine;
  return {web, web2, cut, fresh};
}

std::vector<image::ImageSummary> images() {
  return {{.repository = "alpine", .tag = "latest", .id = kAlpine, .created = {}},
          {.repository = "alpine", .tag = "3.20", .id = kAlpine, .created = {}},
          {.repository = "busybox", .tag = "1", .id = kBusybox, .created = {}}};
}

std::vector<std::string> names(const std::vector<std::string>& conditions) {
  std::vector<std::string> found;
  for (const ContainerSummary& summary : apply_filter(parse_container_filter(conditions), containers(), images()))
    found.push_back(summary.record.name);
  return found;
}

TEST(ContainerFilter, without_conditions_lets_all_through) {
  EXPECT_THAT(names({}), ElementsAre("web", "web2", "cut", "fresh"));
}

TEST(ContainerFilter, finds_names_by_regular_expression_with_and_without_slash) {
  EXPECT_THAT(names({"name=we"}), ElementsAre("web", "web2"));
  EXPECT_THAT(names({"name=^web$"}), ElementsAre("web"));
  EXPECT_THAT(names({"name=^/web$"}), ElementsAre("web"));
  EXPECT_THAT(names({"name=b[0-9]|^c"}), ElementsAre("web2", "cut"));
  EXPECT_THAT(names({"name=none"}), ElementsAre());
}

TEST(ContainerFilter, finds_ids_by_regular_expression) {
  EXPECT_THAT(names({"id=^012"}), ElementsAre("web", "web2"));
  EXPECT_THAT(names({"id=beef"}), ElementsAre("cut"));
}

TEST(ContainerFilter, takes_one_key_as_alternatives_and_several_keys_together) {
  EXPECT_THAT(names({"status=running", "status=created"}), ElementsAre("web", "fresh"));
  EXPECT_THAT(names({"status=exited", "name=web"}), ElementsAre("web2"));
}

TEST(ContainerFilter, wants_every_label) {
  EXPECT_THAT(names({"label=tier"}), ElementsAre("web", "web2"));
  EXPECT_THAT(names({"label=tier=front", "label=app"}), ElementsAre("web"));
  EXPECT_THAT(names({"label=tier=back"}), ElementsAre());
  EXPECT_THAT(names({"label=empty="}), ElementsAre("web"));
}

TEST(ContainerFilter, finds_by_image) {
  EXPECT_THAT(names({"ancestor=alpine"}), ElementsAre("web", "fresh"));
  EXPECT_THAT(names({"ancestor=alpine:3.20"}), ElementsAre("web", "fresh"));
  EXPECT_THAT(names({"ancestor=bbbb"}), ElementsAre("web2", "cut"));
  EXPECT_THAT(names({std::string("ancestor=") + kBusybox}), ElementsAre("web2", "cut"));
  EXPECT_THAT(names({"ancestor=busybox"}), ElementsAre()) << "there is no busybox:latest";
  EXPECT_THAT(names({"ancestor=bb"}), ElementsAre());
}

TEST(ContainerFilter, finds_by_exit_status) {
  EXPECT_THAT(names({"exited=3"}), ElementsAre("web2"));
  EXPECT_THAT(names({"exited=255"}), ElementsAre("cut")) << "cut short: nobody knows its own";
  EXPECT_THAT(names({"exited=0"}), ElementsAre()) << "neither one that runs nor one that never did";
}

TEST(ContainerFilter, finds_by_age) {
  EXPECT_THAT(names({"before=web2"}), ElementsAre("cut", "fresh"));
  EXPECT_THAT(names({"since=beef"}), ElementsAre("web", "web2"));
  EXPECT_THAT(names({"since=fresh", "before=web"}), ElementsAre("web2", "cut"));
}

TEST(ContainerFilter, finds_by_volume_and_network) {
  EXPECT_THAT(names({"volume=data"}), ElementsAre("web"));
  EXPECT_THAT(names({"volume=/www"}), ElementsAre("web"));
  EXPECT_THAT(names({"volume=/srv"}), ElementsAre("web"));
  EXPECT_THAT(names({"network=host"}), ElementsAre("web2"));
}

TEST(ContainerFilter, finds_by_health) {
  EXPECT_THAT(names({"health=none"}), ElementsAre("cut", "fresh"));
  EXPECT_THAT(names({"health=healthy"}), ElementsAre("web"));
  EXPECT_THAT(names({"health=unhealthy"}), ElementsAre("web2"));
  EXPECT_THAT(names({"health=starting"}), ElementsAre());
  EXPECT_EQ(names({"health=healthy", "health=unhealthy", "health=none"}), names({}));
}

TEST(ContainerFilter, knows_that_there_are_no_ports) {
  EXPECT_THAT(names({"publish=80"}), ElementsAre());
  EXPECT_THAT(names({"expose=80/tcp"}), ElementsAre());
}

struct BadRow {
  std::string name;
  std::string condition;
  std::string expected;
  int status;
};
class BadFilter : public ::testing::TestWithParam<BadRow> {};
TEST_P(BadFilter, is_refused) {
  try {
    (void)names({GetParam().condition});
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(GetParam().expected));
    EXPECT_EQ(error.exit_status(), GetParam().status);
  }
}
INSTANTIATE_TEST_SUITE_P(Rows, BadFilter,
                         ::testing::Values(BadRow{"without_equals", "name", "filter 'name': no '='", 125},
                                           BadRow{"unknown_key", "colour=red",
                                                  "filter 'colour=red': unknown key: keys are ancestor", 1},
                                           BadRow{"unknown_status", "status=up", "unknown status", 1},
                                           BadRow{"unknown_health", "health=well", "unknown health", 1},
                                           BadRow{"exit_status", "exited=x", "not an exit status", 1},
                                           BadRow{"regular_expression", "name=(", "not a regular expression", 1},
                                           BadRow{"before_nothing", "before=nosuch", "no such container: 'nosuch'", 1}),
                         [](const auto& row) { return row.param.name; });

TEST(ExitCode, of_a_container_that_was_cut_short_is_255) {
  state::Record record;
  EXPECT_EQ(exit_code_of(record), 0);
  record.started_at = SystemTime();
  EXPECT_EQ(exit_code_of(record), 255);
  record.outcome = state::Outcome{.exit_code = 7, .finished_at = {}};
  EXPECT_EQ(exit_code_of(record), 7);
}

}  // namespace
}  // namespace myct::manager
