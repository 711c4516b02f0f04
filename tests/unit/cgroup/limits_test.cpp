#include "myct/cgroup/limits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "myct/base/error.hpp"

namespace myct::cgroup {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Lines = std::vector<std::string>;

/// "memory: memory.max=1", in order.
Lines lines_of(const oci::Resources& resources) {
  Lines lines;
  for (const Setting& setting : settings_of(resources))
    lines.push_back(setting.controller + ": " + setting.file + "=" + setting.value);
  return lines;
}

struct Row {
  const char* name;
  std::function<void(oci::Resources&)> fill;
  Lines lines;
};
void PrintTo(const Row& row, std::ostream* stream) { *stream << row.name; }

class SettingsOf : public ::testing::TestWithParam<Row> {};

TEST_P(SettingsOf, is_what_the_kernel_is_told) {
  oci::Resources resources;
  GetParam().fill(resources);
  EXPECT_EQ(lines_of(resources), GetParam().lines);
}

INSTANTIATE_TEST_SUITE_P(
    Limits, SettingsOf,
    ::testing::Values(
        Row{"nothing", [](auto&) {}, {}},
        Row{"memory", [](auto& r) { r.memory.limit = 67108864; }, {"memory: memory.max=67108864"}},
        Row{"unlimited_memory", [](auto& r) { r.memory.limit = -1; }, {"memory: memory.max=max"}},
        Row{"zero_is_not_set", [](auto& r) { r.memory = {.limit = 0, .reservation = 0, .swap = 0}; }, {}},
        Row{"swap_is_what_is_above_memory",
            [](auto& r) { r.memory = {.limit = 100, .swap = 250}; },
            {"memory: memory.swap.max=150", "memory: memory.max=100"}},
        Row{"no_swap",
            [](auto& r) { r.memory = {.limit = 100, .swap = 100}; },
            {"memory: memory.swap.max=0", "memory: memory.max=100"}},
        Row{"unlimited_swap",
            [](auto& r) { r.memory = {.limit = 100, .swap = -1}; },
            {"memory: memory.swap.max=max", "memory: memory.max=100"}},
        Row{"all_unlimited",
            [](auto& r) { r.memory = {.limit = -1, .swap = -1}; },
            {"memory: memory.swap.max=max", "memory: memory.max=max"}},
        Row{"reservation", [](auto& r) { r.memory.reservation = 4096; }, {"memory: memory.low=4096"}},
        Row{"oom_killer_that_is_not_disabled", [](auto& r) { r.memory.disable_oom_killer = false; }, {}},
        Row{"shares", [](auto& r) { r.cpu.shares = 512; }, {"cpu: cpu.weight=59"}},
        Row{"quota", [](auto& r) { r.cpu.quota = 50000; }, {"cpu: cpu.max=50000 100000"}},
        Row{"quota_and_period", [](auto& r) { r.cpu = {.quota = 5000, .period = 20000}; }, {"cpu: cpu.max=5000 20000"}},
        Row{"period_alone", [](auto& r) { r.cpu.period = 20000; }, {"cpu: cpu.max=max 20000"}},
        Row{"unlimited_quota", [](auto& r) { r.cpu.quota = -1; }, {"cpu: cpu.max=max 100000"}},
        Row{"burst_alone", [](auto& r) { r.cpu.burst = 100; }, {"cpu: cpu.max.burst=100"}},
        Row{"burst_out_of_the_way_of_the_quota",
            [](auto& r) { r.cpu = {.quota = 5000, .burst = 100}; },
            {"cpu: cpu.max.burst=0", "cpu: cpu.max=5000 100000", "cpu: cpu.max.burst=100"}},
        Row{"idle_after_the_weight",
            [](auto& r) { r.cpu = {.shares = 1024, .idle = 1}; },
            {"cpu: cpu.weight=100", "cpu: cpu.idle=1"}},
        Row{"not_idle_before_the_weight",
            [](auto& r) { r.cpu = {.shares = 1024, .idle = 0}; },
            {"cpu: cpu.idle=0", "cpu: cpu.weight=100"}},
        Row{"cpuset",
            [](auto& r) { r.cpu = {.cpus = "0-1,3", .mems = "0"}; },
            {"cpuset: cpuset.cpus=0-1,3", "cpuset: cpuset.mems=0"}},
        Row{"pids", [](auto& r) { r.pids_limit = 100; }, {"pids: pids.max=100"}},
        Row{"unlimited_pids", [](auto& r) { r.pids_limit = -1; }, {"pids: pids.max=max"}},
        Row{"no_pids_is_unlimited", [](auto& r) { r.pids_limit = 0; }, {"pids: pids.max=max"}},
        Row{"block_io",
            [](auto& r) {
              r.block_io.weight = 500;
              r.block_io.weight_devices = {{.major = 8, .minor = 16, .weight = 10}};
              r.block_io.read_bps = {{8, 0, 1048576}};
              r.block_io.write_bps = {{8, 0, 2}};
              r.block_io.read_iops = {{8, 0, 3}};
              r.block_io.write_iops = {{8, 0, 0}};
            },
            {"io: io.bfq.weight=500", "io: io.bfq.weight=8:16 10", "io: io.max=8:0 rbps=1048576",
             "io: io.max=8:0 wbps=2", "io: io.max=8:0 riops=3", "io: io.max=8:0 wiops=max"}},
        Row{"huge_pages",
            [](auto& r) {
              r.hugepage_limits = {{"2MB", 4194304}};
            },
            {"hugetlb: hugetlb.2MB.max=4194304"}},
        Row{"unified",
            [](auto& r) {
              r.unified = {{"memory.high", "1000"}, {"cgroup.max.depth", "3"}};
            },
            {": cgroup.max.depth=3", "memory: memory.high=1000"}},
        Row{"unified_lines",
            [](auto& r) {
              r.unified = {{"io.max", "8:0 rbps=1\n8:16 wbps=2\n"}};
            },
            {"io: io.max=8:0 rbps=1", "io: io.max=8:16 wbps=2"}}),
    [](const auto& row) { return row.param.name; });

TEST(Settings, have_io_cost_s_weight_where_there_is_no_bfq) {
  oci::Resources resources;
  resources.block_io.weight = 100;
  resources.block_io.weight_devices = {{.major = 8, .minor = 16, .weight = 1000}};
  const std::vector<Setting> settings = settings_of(resources);
  ASSERT_EQ(settings.size(), 2U);
  EXPECT_EQ(settings[0].fallback_file, "io.weight");
  EXPECT_EQ(settings[0].fallback_value, "910");
  EXPECT_EQ(settings[1].fallback_value, "8:16 10000");
}

struct Refusal {
  const char* name;
  std::function<void(oci::Resources&)> fill;
  ErrorKind kind;
  const char* text;
};
void PrintTo(const Refusal& row, std::ostream* stream) { *stream << row.name; }

class Refused : public ::testing::TestWithParam<Refusal> {};

TEST_P(Refused, says_what_is_wrong) {
  oci::Resources resources;
  GetParam().fill(resources);
  try {
    (void)settings_of(resources);
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), GetParam().kind);
    EXPECT_THAT(error.what(), HasSubstr(GetParam().text));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Limits, Refused,
    ::testing::Values(
        Refusal{"swap_without_memory", [](auto& r) { r.memory.swap = 100; }, ErrorKind::Invalid,
                "memory is not limited"},
        Refusal{"swap_of_unlimited_memory", [](auto& r) { r.memory = {.limit = -1, .swap = 100}; }, ErrorKind::Invalid,
                "memory alone is unlimited"},
        Refusal{"less_swap_than_memory", [](auto& r) { r.memory = {.limit = 100, .swap = 99}; }, ErrorKind::Invalid,
                "less than memory alone"},
        Refusal{"swappiness", [](auto& r) { r.memory.swappiness = 60; }, ErrorKind::Unsupported, "swappiness"},
        Refusal{"no_oom_killer", [](auto& r) { r.memory.disable_oom_killer = true; }, ErrorKind::Unsupported,
                "OOM killer"},
        Refusal{"leaf_weight", [](auto& r) { r.block_io.leaf_weight = 10; }, ErrorKind::Unsupported, "leaf weight"},
        Refusal{"leaf_weight_of_a_device",
                [](auto& r) { r.block_io.weight_devices = {{.major = 8, .leaf_weight = 10}}; }, ErrorKind::Unsupported,
                "leaf weight"},
        Refusal{"page_size_that_is_a_path",
                [](auto& r) {
                  r.hugepage_limits = {{"../2MB", 1}};
                },
                ErrorKind::Invalid, "../2MB"},
        Refusal{"unified_path",
                [](auto& r) {
                  r.unified = {{"memory.x/../../memory.max", "1"}};
                },
                ErrorKind::Invalid, "memory.x/.."},
        Refusal{"unified_without_controller",
                [](auto& r) {
                  r.unified = {{"foo.max", "1"}};
                },
                ErrorKind::Invalid, "foo.max"},
        Refusal{"unified_name_alone",
                [](auto& r) {
                  r.unified = {{"memory", "1"}};
                },
                ErrorKind::Invalid, "memory"},
        Refusal{"unified_processes",
                [](auto& r) {
                  r.unified = {{"cgroup.procs", "1"}};
                },
                ErrorKind::Invalid, "cgroup.procs"},
        Refusal{"unified_freezer",
                [](auto& r) {
                  r.unified = {{"cgroup.freeze", "1"}};
                },
                ErrorKind::Invalid, "cgroup.freeze"}),
    [](const auto& row) { return row.param.name; });

TEST(Weights, meet_where_both_scales_have_their_ends_and_their_default) {
  EXPECT_EQ(weight_of_shares(2), 1U);
  EXPECT_EQ(weight_of_shares(1024), 100U);
  EXPECT_EQ(weight_of_shares(262144), 10000U);
  EXPECT_EQ(weight_of_block_io(10), 1U);
  EXPECT_EQ(weight_of_block_io(1000), 10000U);
}

TEST(Weights, never_leave_the_kernels_range) {
  EXPECT_EQ(weight_of_shares(0), 1U);
  EXPECT_EQ(weight_of_shares(1U << 30), 10000U);
  EXPECT_EQ(weight_of_block_io(0), 1U);
  EXPECT_EQ(weight_of_block_io(5000), 10000U);
}

TEST(Weights, grow_with_the_shares) {
  for (uint64_t shares = 2; shares < 262144; shares += 97)
    ASSERT_LE(weight_of_shares(shares), weight_of_shares(shares + 97)) << shares;
}

}  // namespace
}  // namespace myct::cgroup
