#include "myct/state/record.hpp"

#include <gtest/gtest.h>

#include "myct/base/error.hpp"

namespace myct::state {
namespace {

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
      .log = {.driver = LogDriver::Journald, .max_size = 1000, .max_file = 5},
      .settings =
          {.cmd = {"-c"},
           .network = "host",
           .cap_add = {"NET_ADMIN"},
           .mounts = {{.type = "volume", .name = "v1", .source = "/v/v1/data", .destination = "/d", .writable = false}},
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
    R"("id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","image":"alpine","imageId":"sha256:1",)"
    R"("interactive":false,"labels":{"k":"v"},)"
    R"("log":{"driver":"journald","maxFile":5,"maxSize":1000},"name":"web",)"
    R"("outcome":{"error":"why","exitCode":137,"finishedAt":"2024-05-01T10:00:02.000000000Z","oomKilled":true},)"
    R"("restart":{"maxAttempts":3,"policy":"on-failure"},"restartCount":2,)"
    R"("settings":{"capAdd":["NET_ADMIN"],"cmd":["-c"],"init":true,)"
    R"("mounts":[{"destination":"/d","name":"v1","source":"/v/v1/data","type":"volume","writable":false}],)"
    R"("network":"host","privileged":false},)"
    R"("startedAt":"2024-05-01T10:00:01.000000000Z","stopSeconds":3,"stopSignal":2,"stoppedByUser":true,)"
    R"("tty":true,"version":1})";

// As the first version wrote it.
constexpr const char* kOldest =
    R"({"autoRemove":false,"command":["sh"],"created":"2024-05-01T10:00:00Z","id":"a","image":"alpine",)"
    R"("imageId":"sha256:1","name":"web","version":1})";

TEST(Record, is_written_as_version_1) { EXPECT_EQ(to_json(sample()), kGolden); }

TEST(Record, survives_the_way_to_json_and_back) {
  EXPECT_EQ(to_json(record_from_json(kGolden, "container.json")), kGolden);
}

TEST(Record, without_the_newer_members_gets_their_defaults) {
  const Record record = record_from_json(kOldest, "container.json");
  EXPECT_EQ(record.stop_signal, 15);
  EXPECT_EQ(record.stop_seconds, kDefaultStopSeconds);
  EXPECT_EQ(record.restart.policy, RestartPolicy::No);
  EXPECT_EQ(record.log.driver, LogDriver::JsonFile);
}

TEST(Record, that_cannot_be_read_is_an_error_that_names_the_file) {
  for (const char* text : {"", "[]", "{", "{}", R"({"version":2})", R"({"version":1,"created":"x"})",
                           R"({"version":1,"created":"2024-05-01T10:00:00Z","id":5})",
                           R"({"version":1,"created":"2024-05-01T10:00:00Z","restart":{"policy":"x"}})"}) {
    try {
      (void)record_from_json(text, "/x/container.json");
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("/x/container.json"), std::string::npos) << error.what();
    }
  }
}

TEST(RunInfo, survives_the_way_to_json_and_back) {
  RunInfo run;
  run.init = {.pid = 7, .start_time = 8, .boot_id = "b"};
  run.owner = {.pid = 5, .start_time = 6, .boot_id = "b"};
  run.cgroup = "/sys/fs/cgroup/myct/x";
  run.supervised = true;
  run.restart_at = *parse_time("2024-05-01T10:00:01Z");
  const RunInfo back = run_info_from_json(to_json(run), "run.json");
  EXPECT_EQ(back.init, run.init);
  EXPECT_EQ(back.owner, run.owner);
  EXPECT_EQ(back.cgroup, run.cgroup);
  EXPECT_TRUE(back.supervised);
  EXPECT_EQ(back.restart_at, run.restart_at);
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
