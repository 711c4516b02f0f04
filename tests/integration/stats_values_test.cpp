// What `myct stats` shows of containers whose use of the machine is known.
#include "limits.hpp"

namespace myct::test {
namespace {

using ::testing::MatchesRegex;

class StatsValues : public DiskLimitsTest {
 protected:
  /// One line for one container.
  [[nodiscard]] std::string once(const std::string& format, const std::string& name = "web") const {
    const Result result = myct({"stats", "--no-stream", "--format", format, name});
    EXPECT_EQ(result.status, 0) << result;
    return result.out;
  }
  [[nodiscard]] double raw(const std::string& field) const {
    const std::string text = once("{{.Raw." + field + "}}");
    return text.empty() || text.front() < '0' || text.front() > '9' ? -1 : std::stod(text);
  }
  /// `some avg10` of a resource in the JSON document; -1 where it is null.
  [[nodiscard]] double json_pressure(const std::string& resource) const {
    const std::string json = once("json");
    const std::string key = "\"" + resource + "\":{\"some\":{\"avg10\":";
    const size_t found = json.find(key);
    return found == std::string::npos ? -1 : std::stod(json.substr(found + key.size()));
  }
};

TEST_F(StatsValues, are_the_memory_that_a_program_holds) {
  NEEDS_CONTROLLER("memory");
  start_probe("web", {"fill", "50"}, {"-m", "100m"});
  ASSERT_TRUE(logs("web", "ready\n"));
  constexpr double kMebibyte = 1 << 20;
  EXPECT_GE(raw("MemoryBytes"), 50 * kMebibyte);
  EXPECT_LE(raw("MemoryBytes"), 60 * kMebibyte);
  EXPECT_EQ(raw("MemoryLimitBytes"), 100 * kMebibyte);
  EXPECT_THAT(once("{{.MemUsage}} {{.MemPerc}}"),
              MatchesRegex("5[0-9](\\.[0-9]+)?MiB / 100MiB 5[0-9]\\.[0-9][0-9]%\n"));
}

TEST_F(StatsValues, are_the_bytes_that_a_program_reads_and_writes) {
  NEEDS_CONTROLLER("io");
  NEEDS_DISK();
  Words options = volume();
  options.insert(options.end(), {"-v", probe_path() + ":/probe:ro"});
  start("web",
        "/probe write_through /disk/file 8 >/dev/null; /probe read_through /disk/file 8 >/dev/null; echo done; "
        "exec sleep 1000",
        options);
  ASSERT_TRUE(logs("web", "done\n"));
  constexpr double kMebibyte = 1 << 20;
  // And what the program's own files are, and the file system's notes.
  for (const char* field : {"BlockReadBytes", "BlockWrittenBytes"}) {
    EXPECT_GE(raw(field), 8 * kMebibyte) << field;
    EXPECT_LE(raw(field), 12 * kMebibyte) << field;
  }
  EXPECT_THAT(once("{{.BlockIO}}"), MatchesRegex("(8|9|1[012])\\.?[0-9]*MB / (8|9|1[012])\\.?[0-9]*MB\n"));
}

TEST_F(StatsValues, are_the_processes_that_the_controller_counts) {
  NEEDS_CONTROLLER("pids");
  const std::string id = start("web", "sleep 1000 & sleep 1000 & sleep 1000 & echo started; wait");
  ASSERT_TRUE(logs("web", "started\n"));
  EXPECT_EQ(knob(id, "pids.current"), "4");
  EXPECT_EQ(once("{{.PIDs}}"), "4\n");
}

TEST_F(StatsValues, are_what_a_quota_leaves_of_a_processor_whenever_it_is_asked_for) {
  NEEDS_CONTROLLER("cpu");
  start("web", "echo started; while :; do :; done", {"--cpus", "0.5"});
  ASSERT_TRUE(logs("web", "started\n"));
  for (int number = 0; number < 8; ++number) {
    const double percent = raw("CPUPercent");
    EXPECT_GE(percent, 42);
    EXPECT_LE(percent, 58);
  }
}

TEST_F(StatsValues, are_the_pressure_of_too_little_processor_time) {
  NEEDS_CONTROLLER("cpu");
  start("web", "while :; do :; done & while :; do :; done", {"--cpus", "0.2"});
  EXPECT_TRUE(eventually([&] { return json_pressure("CPU") > 0; })) << once("json");
  EXPECT_THAT(once("{{.Pressure}}"), MatchesRegex("[0-9]*[1-9][0-9.]*% / [0-9.]+% / [0-9.]+%\n"));
}

TEST_F(StatsValues, are_the_pressure_of_too_little_memory) {
  NEEDS_CONTROLLER("memory");
  // Files that do not fit: the kernel takes pages away again and again.
  start("web", "while :; do dd if=/dev/zero of=/file bs=1M count=32 2>/dev/null; cat /file >/dev/null; done",
        {"-m", "12m", "--memory-swap", "12m"});
  EXPECT_TRUE(eventually([&] { return json_pressure("Memory") > 0; })) << once("json");
}

}  // namespace
}  // namespace myct::test
