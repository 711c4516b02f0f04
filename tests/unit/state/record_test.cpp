#include "myct/state/record.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "myct/base/error.hpp"

namespace myct::state {
namespace {

using ::testing::HasSubstr;

Record sample() {
  return {
      .id = std::string(64, 'a'),
      .name = "web",
      .created = *parse_time("2024-05-01T10:00:00.5Z"),
      .image = "alpine",
      .image_id = "sha256:1",
      .command = {"sh", "-c", "true"},
      .labels = {{"k", "v"}},
      .auto_remove = true,
      .tty = true,
      .anonymous_volumes = {"v1"},
      .stop_signal = 2,
      .stop_seconds = 3,
      .restart = {.policy = RestartPolicy::OnFailure, .max_attempts = 3},
      .log = {.driver = LogDriver::Journald, .max_size = 1000, .max_file = 5, .options = {"max-file=5"}},
      .healthcheck = oci::Healthcheck{.test = {"CMD-SHELL", "true"},
                                      .interval = std::chrono::seconds(5),
                                      .timeout = std::chrono::seconds(1),
                                      .start_period = std::chrono::nanoseconds(7),
                                      .start_interval = std::chrono::milliseconds(8),
                                      .retries = 2,
                                      .shell = {"/bin/ash", "-c"}},
      .settings =
          {.cmd = {"-c"},
           .network = "host",
           .cap_add = {"NET_ADMIN"},
           .mounts = {{.type = "volume", .name = "v1", .source = "/v/v1/data", .destination = "/d", .writable = false}},
           .devices = {{.host_path = "/dev/fuse", .container_path = "/dev/f", .access = "rw"}},
           .device_rules = {"c 10:* r"},
           .cgroup_parent = "/jobs",
           .init = true},
      .started_at = *parse_time("2024-05-01T10:00:01Z"),
      .outcome =
          Outcome{
              .exit_code = 137, .finished_at = *parse_time("2024-05-01T10:00:02Z"), .oom_killed = true, .error = "why"},
      .restart_count = 2,
      .stopped_by_user = true};
}

// What is on users' disks: members may be added, with a default for documents that lack them; any other change needs a
// new version.
constexpr const char* kGolden =
    R"({"anonymousVolumes":["v1"],"autoRemove":true,"command":["sh","-c","true"],)"
    R"("created":"2024-05-01T10:00:00.500000000Z",)"
    R"("healthcheck":{"interval":5000000000,"retries":2,"shell":["/bin/ash","-c"],"startInterval":8000000,)"
    R"("startPeriod":7,"test":["CMD-SHELL","true"],"timeout":1000000000},)"
    R"("id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","image":"alpine","imageId":"sha256:1",)"
    R"("labels":{"k":"v"},)"
    R"("log":{"driver":"journald","maxFile":5,"maxSize":1000,"options":["max-file=5"]},"name":"web",)"
    R"("outcome":{"error":"why","exitCode":137,"finishedAt":"2024-05-01T10:00:02.000000000Z","oomKilled":true},)"
    R"("restart":{"maxAttempts":3,"policy":"on-failure"},"restartCount":2,)"
    R"("settings":{"capAdd":["NET_ADMIN"],"cgroupParent":"/jobs","cmd":["-c"],"deviceRules":["c 10:* r"],)"
    R"("devices":[{"access":"rw","containerPath":"/dev/f","hostPath":"/dev/fuse"}],"init":true,)"
    R"("mounts":[{"destination":"/d","name":"v1","source":"/v/v1/data","type":"volume","writable":false}],)"
    R"("network":"host"},)"
    R"("startedAt":"2024-05-01T10:00:01.000000000Z","stopSeconds":3,"stopSignal":2,"stoppedByUser":true,)"
    R"("tty":true,"version":1})";

// What a container that is nothing special has; the same with all the defaults, as they were once written; and the
// least that a record ever had.
constexpr const char* kPlain =
    R"({"command":["sh"],"created":"2024-05-01T10:00:00.000000000Z","id":"a","image":"alpine","imageId":"sha256:1",)"
    R"("name":"web","outcome":{"exitCode":0,"finishedAt":"2024-05-01T10:00:02.000000000Z"},)"
    R"("settings":{"network":"none"},"startedAt":"2024-05-01T10:00:01.000000000Z","version":1})";
constexpr const char* kPlainInFull =
    R"({"autoRemove":false,"command":["sh"],"created":"2024-05-01T10:00:00.000000000Z","id":"a","image":"alpine",)"
    R"("imageId":"sha256:1","interactive":false,"log":{"driver":"json-file","maxFile":3,"maxSize":10000000},)"
    R"("name":"web","outcome":{"exitCode":0,"finishedAt":"2024-05-01T10:00:02.000000000Z","oomKilled":false},)"
    R"("restart":{"maxAttempts":0,"policy":"no"},"restartCount":0,)"
    R"("settings":{"init":false,"network":"none","privileged":false},"startedAt":"2024-05-01T10:00:01.000000000Z",)"
    R"("stopSeconds":10,"stopSignal":15,"stoppedByUser":false,"tty":false,"version":1})";
constexpr const char* kOldest =
    R"({"autoRemove":false,"command":["sh"],"created":"2024-05-01T10:00:00Z","id":"a","image":"alpine",)"
    R"("imageId":"sha256:1","name":"web","version":1})";

TEST(Record, is_written_as_version_1) { EXPECT_EQ(to_json(sample()), kGolden); }

TEST(Record, survives_the_way_to_json_and_back) {
  EXPECT_EQ(to_json(record_from_json(kGolden, "container.json")), kGolden);
}

TEST(Record, is_written_without_what_every_record_says) {
  EXPECT_EQ(to_json(record_from_json(kPlain, "container.json")), kPlain);
  EXPECT_EQ(to_json(record_from_json(kPlainInFull, "container.json")), kPlain);
}

TEST(Record, keeps_every_member_apart_from_those_of_the_same_name_elsewhere) {
  const Record record = record_from_json(
      R"({"version":1,"created":"2024-05-01T10:00:00Z","name":"web","later":{"name":"x","list":[{"name":"y"},["z"]]},)"
      R"("labels":{"name":"l","settings.user":"","outcome":"o"},"stopSeconds":-1,"image":null,)"
      R"("settings":{"user":"u","name":"n","mounts":[{"name":"v1"},{"name":"v2","writable":false}],"cmd":["a","b"]}})",
      "container.json");
  EXPECT_EQ(record.name, "web");
  EXPECT_EQ(record.labels,
            (std::map<std::string, std::string>{{"name", "l"}, {"settings.user", ""}, {"outcome", "o"}}));
  EXPECT_EQ(record.stop_seconds, -1);
  EXPECT_EQ(record.settings.user, "u");
  EXPECT_EQ(record.settings.cmd, (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(record.settings.mounts.size(), 2U);
  EXPECT_EQ(record.settings.mounts[0].name, "v1");
  EXPECT_TRUE(record.settings.mounts[0].writable);
  EXPECT_EQ(record.settings.mounts[1].name, "v2");
  EXPECT_FALSE(record.settings.mounts[1].writable);
  EXPECT_FALSE(record.outcome);
}

TEST(Record, without_the_newer_members_gets_their_defaults) {
  const Record record = record_from_json(kOldest, "container.json");
  EXPECT_EQ(record.stop_signal, 15);
  EXPECT_EQ(record.stop_seconds, kDefaultStopSeconds);
  EXPECT_EQ(record.restart.policy, RestartPolicy::No);
  EXPECT_EQ(record.log.driver, LogDriver::JsonFile);
}

void expect_unreadable(const std::string& text, const std::string& why) {
  try {
    (void)record_from_json(text, "/x/container.json");
    ADD_FAILURE() << text;
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("/x/container.json")) << text;
    EXPECT_THAT(error.what(), HasSubstr(why)) << text;
  }
}

TEST(Record, that_cannot_be_read_is_an_error_that_names_the_file) {
  expect_unreadable("", "it is empty");
  expect_unreadable("x", "it is damaged at line 1, column 1");
  expect_unreadable("{\n \"version\":1", "it is damaged at line 2, column 13");
  for (const char* text : {"{", "{} {}", "{\"version\":1}\n\xff"}) expect_unreadable(text, "it is damaged at line");
  for (const char* text : {"[]", "5", "[{\"version\":1}]"}) expect_unreadable(text, "not a JSON object");
  expect_unreadable("{}", "version 0");
  expect_unreadable(R"({"id":5,"version":2})", "version 2");
  expect_unreadable(R"({"version":1})", "created");
}

TEST(Record, with_a_member_of_the_wrong_kind_is_an_error_that_names_it) {
  for (const auto& [member, text] : std::map<std::string, std::string>{{"id", "5"},
                                                                       {"name", "{}"},
                                                                       {"image", R"(["alpine"])"},
                                                                       {"command", R"("sh")"},
                                                                       {"anonymousVolumes", "[1]"},
                                                                       {"created", R"("x")"},
                                                                       {"tty", R"("yes")"},
                                                                       {"stopSignal", "99999999999"},
                                                                       {"stopSeconds", "1.5"},
                                                                       {"restartCount", "-1"}})
    expect_unreadable(R"({"version":1,"created":"2024-05-01T10:00:00Z",")" + member + "\":" + text + "}", member);
  for (const auto& [member, text] :
       std::map<std::string, std::string>{{"policy", R"("restart":{"policy":"x"})"},
                                          {"driver", R"("log":{"driver":5})"},
                                          {"finishedAt", R"("outcome":{"finishedAt":5})"},
                                          {"writable", R"("settings":{"mounts":[{"writable":1}]})"},
                                          {"k", R"("labels":{"k":1})"}})
    expect_unreadable(R"({"version":1,"created":"2024-05-01T10:00:00Z",)" + text + "}", member);
}

TEST(Record, has_no_time_for_an_end_that_nobody_saw) {
  Record record;
  record.created = *parse_time("2024-05-01T10:00:00Z");
  record.outcome = Outcome{.exit_code = 255, .finished_at = std::nullopt};
  EXPECT_EQ(to_json(record).find("finishedAt"), std::string::npos);
  EXPECT_EQ(record_from_json(to_json(record), "x").outcome->finished_at, std::nullopt);
}

TEST(RunInfo, survives_the_way_to_json_and_back) {
  RunInfo run;
  run.init = {.pid = 7, .start_time = 8, .boot_id = "b"};
  run.owner = {.pid = 5, .start_time = 6, .boot_id = "b"};
  run.cgroup = "/sys/fs/cgroup/myct/x";
  run.supervised = true;
  run.stopped_by_user = true;
  run.restart_at = *parse_time("2024-05-01T10:00:01Z");
  run.outcome = Outcome{.exit_code = 3, .finished_at = *parse_time("2024-05-01T10:00:02Z")};
  const RunInfo back = run_info_from_json(to_json(run), "run.json");
  EXPECT_EQ(back.init, run.init);
  EXPECT_EQ(back.owner, run.owner);
  EXPECT_EQ(back.cgroup, run.cgroup);
  EXPECT_TRUE(back.supervised);
  EXPECT_EQ(back.restart_at, run.restart_at);
  ASSERT_TRUE(back.outcome);
  EXPECT_EQ(back.outcome->exit_code, 3);
}

TEST(StatusOf, is_derived_from_record_run_and_kernel) {
  Record record;
  EXPECT_EQ(status_of(record, std::nullopt, {}), Status::Created);
  EXPECT_EQ(status_of(record, RunInfo{}, {.init_runs = true}), Status::Running);
  EXPECT_EQ(status_of(record, RunInfo{}, {.init_runs = true, .frozen = true}), Status::Paused);
  EXPECT_EQ(status_of(record, RunInfo{}, {.init_runs = false}), Status::Exited);
  EXPECT_EQ(status_of(record, RunInfo{}, {.owner_runs = true}), Status::Exited);
  EXPECT_EQ(status_of(record, RunInfo{.restart_at = SystemTime{}}, {.owner_runs = true}), Status::Restarting);
  EXPECT_EQ(status_of(record, RunInfo{.restart_at = SystemTime{}}, {.owner_runs = false}), Status::Exited);
  record.started_at = SystemTime{};
  EXPECT_EQ(status_of(record, std::nullopt, {}), Status::Exited);  // the boot ended under it
  record.outcome = Outcome{};
  EXPECT_EQ(status_of(record, std::nullopt, {}), Status::Exited);
}

}  // namespace
}  // namespace myct::state
