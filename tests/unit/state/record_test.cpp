#include "myct/state/record.hpp"

#include <gtest/gtest.h>

#include "myct/base/error.hpp"

namespace myct::state {
namespace {

Record sample() {
  return {.id = std::string(64, 'a'),
          .name = "web",
          .created = *parse_time("2024-05-01T10:00:00.5Z"),
          .image = "alpine",
          .image_id = "sha256:1",
          .command = {"sh", "-c", "true"},
          .labels = {{"k", "v"}},
          .auto_remove = true,
          .anonymous_volumes = {"v1"},
          .started_at = *parse_time("2024-05-01T10:00:01Z"),
          .outcome = Outcome{.exit_code = 137, .finished_at = *parse_time("2024-05-01T10:00:02Z")}};
}

// What is on users' disks: a change here needs a new version.
constexpr const char* kGolden =
    R"({"anonymousVolumes":["v1"],"autoRemove":true,"command":["sh","-c","true"],)"
    R"("created":"2024-05-01T10:00:00.500000000Z",)"
    R"("id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","image":"alpine","imageId":"sha256:1",)"
    R"("labels":{"k":"v"},"name":"web",)"
    R"("outcome":{"exitCode":137,"finishedAt":"2024-05-01T10:00:02.000000000Z"},)"
    R"("startedAt":"2024-05-01T10:00:01.000000000Z","version":1})";

TEST(Record, is_written_as_version_1) { EXPECT_EQ(to_json(sample()), kGolden); }

TEST(Record, survives_the_way_to_json_and_back) {
  EXPECT_EQ(to_json(record_from_json(kGolden, "container.json")), kGolden);
}

TEST(Record, that_cannot_be_read_is_an_error_that_names_the_file) {
  for (const char* text : {"", "[]", "{", "{}", R"({"version":2})", R"({"version":1,"created":"x"})",
                           R"({"version":1,"created":"2024-05-01T10:00:00Z","id":5})"}) {
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
  run.cgroup = "/sys/fs/cgroup/myct/x";
  const RunInfo back = run_info_from_json(to_json(run), "run.json");
  EXPECT_EQ(back.init, run.init);
  EXPECT_EQ(back.cgroup, run.cgroup);
}

TEST(StatusOf, is_derived_from_record_run_and_kernel) {
  Record record;
  EXPECT_EQ(status_of(record, std::nullopt, {}), Status::Created);
  EXPECT_EQ(status_of(record, RunInfo{}, {.init_runs = true}), Status::Running);
  EXPECT_EQ(status_of(record, RunInfo{}, {.init_runs = false}), Status::Exited);
  record.started_at = SystemTime{};
  EXPECT_EQ(status_of(record, std::nullopt, {}), Status::Exited);  // the boot ended under it
  record.outcome = Outcome{};
  EXPECT_EQ(status_of(record, std::nullopt, {}), Status::Exited);
}

}  // namespace
}  // namespace myct::state
