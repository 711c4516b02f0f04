#include "limits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "myct/base/error.hpp"

namespace myct::manager {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kMiB = 1 << 20;

/// Two processors, one memory node, one disk.
HostResources host() { return {.cpus = "0-1", .mems = "0", .disks = {{"/dev/sda", {.major = 8, .minor = 0}}}}; }

oci::Resources limited(const LimitsRequest& request) { return plan_limits(request, {}, host()).all; }

std::string refusal(const LimitsRequest& request, const oci::Resources& now = {}) {
  try {
    return oci::to_json(plan_limits(request, now, host()).all);
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(NumberList, names_each_number_once) {
  EXPECT_THAT(*parse_number_list("3,0-1,1"), ElementsAre(0, 1, 3));
  EXPECT_THAT(*parse_number_list(""), ElementsAre());
  for (const char* text : {"1-", "-1", "2-1", "a", "1,", ",1", "0-99999999"})
    EXPECT_EQ(parse_number_list(text), std::nullopt) << text;
}

struct JsonRow {
  const char* name;
  LimitsRequest request;
  const char* expected;
};

TEST(Limits, become_a_configurations_resources) {
  const std::vector<JsonRow> rows = {
      {"nothing", {}, "{}"},
      {"memory alone doubles with swap", {.memory = 512 * kMiB}, R"({"memory":{"limit":536870912,"swap":1073741824}})"},
      {"no swap",
       {.memory = 512 * kMiB, .memory_swap = 512 * kMiB},
       R"({"memory":{"limit":536870912,"swap":536870912}})"},
      {"any swap", {.memory = 512 * kMiB, .memory_swap = -1}, R"({"memory":{"limit":536870912,"swap":-1}})"},
      {"swap as if it were not given",
       {.memory = 512 * kMiB, .memory_swap = 0},
       R"({"memory":{"limit":536870912,"swap":1073741824}})"},
      {"any swap without a limit for memory", {.memory_swap = -1}, "{}"},
      {"no memory limit", {.memory = 0}, "{}"},
      {"reservation", {.memory_reservation = 6 * kMiB}, R"({"memory":{"reservation":6291456}})"},
      {"half a processor", {.nano_cpus = 500'000'000}, R"({"cpu":{"period":100000,"quota":50000}})"},
      {"all processors", {.nano_cpus = 2'000'000'000}, R"({"cpu":{"period":100000,"quota":200000}})"},
      {"no limit in processors", {.nano_cpus = 0}, "{}"},
      {"quota", {.cpu_quota = 5000}, R"({"cpu":{"quota":5000}})"},
      {"no quota", {.cpu_quota = -1}, "{}"},
      {"period", {.cpu_period = 20'000, .cpu_quota = 5000}, R"({"cpu":{"period":20000,"quota":5000}})"},
      {"shares", {.cpu_shares = 2}, R"({"cpu":{"shares":2}})"},
      {"default shares", {.cpu_shares = 0}, "{}"},
      {"weight", {.cpu_weight = 10'000}, R"({"unified":{"cpu.weight":"10000"}})"},
      {"sets", {.cpuset_cpus = "1", .cpuset_mems = "0"}, R"({"cpu":{"cpus":"1","mems":"0"}})"},
      {"pids", {.pids_limit = 20}, R"({"pids":{"limit":20}})"},
      {"any pids", {.pids_limit = -1}, "{}"},
      {"disk weight",
       {.blkio_weight = 10, .blkio_weight_devices = {{"/dev/sda", 500}}},
       R"({"blockIO":{"weight":10,"weightDevice":[{"major":8,"minor":0,"weight":500}]}})"},
      {"disk rates",
       {.read_bps = {{"/dev/sda", 1024}},
        .write_bps = {{"/dev/sda", 2048}},
        .read_iops = {{"/dev/sda", 10}},
        .write_iops = {{"/dev/sda", 20}}},
       R"({"blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":1024}],)"
       R"("throttleReadIOPSDevice":[{"major":8,"minor":0,"rate":10}],)"
       R"("throttleWriteBpsDevice":[{"major":8,"minor":0,"rate":2048}],)"
       R"("throttleWriteIOPSDevice":[{"major":8,"minor":0,"rate":20}]}})"},
      {"the last rate of a disk",
       {.read_bps = {{"/dev/sda", 1024}, {"/dev/sda", 7}}},
       R"({"blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":7}]}})"},
  };
  for (const JsonRow& row : rows) EXPECT_EQ(oci::to_json(limited(row.request)), row.expected) << row.name;
}

TEST(Limits, that_cannot_be_are_refused) {
  const std::vector<JsonRow> rows = {
      {"little memory", {.memory = 6 * kMiB - 1}, "--memory 6MiB is too small: the least is 6MiB"},
      {"little reservation", {.memory_reservation = 1}, "--memory-reservation 1B is too small"},
      {"swap without memory", {.memory_swap = 64 * kMiB}, "--memory-swap without a limit for memory"},
      {"swap below memory",
       {.memory = 64 * kMiB, .memory_swap = 32 * kMiB},
       "--memory-swap 32MiB is below the limit for memory, 64MiB"},
      {"reservation above memory",
       {.memory = 64 * kMiB, .memory_reservation = 65 * kMiB},
       "the limit for memory, 64MiB, is below its reservation, 65MiB"},
      {"more processors than there are",
       {.nano_cpus = 2'000'000'001},
       "--cpus is to be from 0.01 to 2: this host has 2 processors"},
      {"less than the kernel can measure", {.nano_cpus = 9'999'999}, "--cpus is to be from 0.01 to 2"},
      {"processors and quota",
       {.nano_cpus = 1'000'000'000, .cpu_quota = 1000},
       "conflicting options: --cpus and --cpu-quota"},
      {"processors and period",
       {.nano_cpus = 1'000'000'000, .cpu_period = 1000},
       "conflicting options: --cpus and --cpu-period"},
      {"shares and weight", {.cpu_shares = 2, .cpu_weight = 1}, "conflicting options: --cpu-shares and --cpu-weight"},
      {"an absent processor", {.cpuset_cpus = "0-2"}, "there is no processor 2 on this host, which has 0-1"},
      {"an absent node", {.cpuset_mems = "1"}, "there is no memory node 1 on this host, which has 0"},
      {"no list", {.cpuset_cpus = "all"}, "invalid --cpuset-cpus 'all'"},
  };
  for (const JsonRow& row : rows) EXPECT_THAT(refusal(row.request), HasSubstr(row.expected)) << row.name;
}

// --- changes ---------------------------------------------------------------------------------------------------------

TEST(LimitsChange, leaves_alone_what_is_not_mentioned) {
  const oci::Resources now = limited({.memory = 64 * kMiB, .cpu_shares = 512, .pids_limit = 10});
  const LimitsPlan plan = plan_limits({.pids_limit = 20}, now, host());
  EXPECT_EQ(oci::to_json(plan.changed), R"({"pids":{"limit":20}})");
  EXPECT_EQ(plan.all.pids_limit, 20);
  EXPECT_EQ(plan.all.memory.limit, 64 * kMiB);
  EXPECT_EQ(plan.all.cpu.shares, 512U);
}

TEST(LimitsChange, takes_limits_away) {
  oci::Resources now = limited({.memory = 64 * kMiB,
                                .memory_reservation = 8 * kMiB,
                                .nano_cpus = 500'000'000,
                                .cpu_shares = 512,
                                .cpuset_cpus = "0",
                                .cpuset_mems = "0",
                                .pids_limit = 10,
                                .blkio_weight = 500,
                                .blkio_weight_devices = {{"/dev/sda", 500}},
                                .read_bps = {{"/dev/sda", 1024}}});
  const LimitsPlan plan = plan_limits({.memory = 0,
                                       .memory_reservation = 0,
                                       .nano_cpus = 0,
                                       .cpu_shares = 0,
                                       .cpuset_cpus = "",
                                       .cpuset_mems = "",
                                       .pids_limit = -1,
                                       .blkio_weight = uint16_t{0},
                                       .blkio_weight_devices = {{"/dev/sda", 0}},
                                       .read_bps = {{"/dev/sda", 0}}},
                                      now, host());
  EXPECT_EQ(oci::to_json(plan.all), "{}");
  EXPECT_EQ(oci::to_json(plan.changed),
            R"({"blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":0}],"weight":0,)"
            R"("weightDevice":[{"major":8,"minor":0,"weight":0}]},)"
            R"("cpu":{"cpus":"0-1","mems":"0","period":100000,"quota":-1,"shares":1024},)"
            R"("memory":{"limit":-1,"swap":-1},"pids":{"limit":-1},"unified":{"memory.low":"0"}})");
}

TEST(LimitsChange, keeps_the_limit_for_swap_and_refuses_memory_above_it) {
  const oci::Resources now = limited({.memory = 64 * kMiB});
  EXPECT_EQ(plan_limits({.memory = 100 * kMiB}, now, host()).all.memory.swap, 128 * kMiB);
  EXPECT_THAT(refusal({.memory = 200 * kMiB}, now),
              HasSubstr("the limit for memory, 200MiB, is above that for memory and swap, 128MiB: give --memory-swap"));
  EXPECT_EQ(plan_limits({.memory = 200 * kMiB, .memory_swap = 300 * kMiB}, now, host()).all.memory.swap, 300 * kMiB);
  const oci::Resources any_swap = limited({.memory = 64 * kMiB, .memory_swap = -1});
  EXPECT_EQ(plan_limits({.memory = 200 * kMiB}, any_swap, host()).all.memory.swap, -1);
}

TEST(LimitsChange, checks_a_new_value_against_the_old_ones) {
  const oci::Resources now = limited({.memory = 64 * kMiB, .memory_reservation = 32 * kMiB});
  EXPECT_THAT(refusal({.memory = 16 * kMiB}, now), HasSubstr("is below its reservation, 32MiB"));
  EXPECT_THAT(refusal({.memory_swap = 16 * kMiB}, now), HasSubstr("--memory-swap 16MiB is below the limit for memory"));
}

TEST(LimitsChange, puts_shares_in_the_place_of_a_weight_and_the_other_way_round) {
  const oci::Resources weight = limited({.cpu_weight = 50});
  EXPECT_EQ(oci::to_json(plan_limits({.cpu_shares = 512}, weight, host()).all), R"({"cpu":{"shares":512}})");
  const oci::Resources shares = limited({.cpu_shares = 512});
  EXPECT_EQ(oci::to_json(plan_limits({.cpu_weight = 50}, shares, host()).all), R"({"unified":{"cpu.weight":"50"}})");
}

TEST(LimitsChange, writes_quota_and_period_together) {
  const oci::Resources now = limited({.cpu_period = 50'000, .cpu_quota = 5000});
  EXPECT_EQ(oci::to_json(plan_limits({.cpu_quota = 6000}, now, host()).changed),
            R"({"cpu":{"period":50000,"quota":6000}})");
}

TEST(DeviceRule, is_read_as_it_was_checked) {
  const oci::DeviceRule rule = device_rule_from("c 10:* rw");
  EXPECT_TRUE(rule.allow);
  EXPECT_EQ(rule.type, "c");
  EXPECT_EQ(rule.major, 10);
  EXPECT_EQ(rule.minor, std::nullopt);
  EXPECT_EQ(rule.access, "rw");
}

TEST(MappedDevices, follow_links_and_take_every_device_of_a_directory) {
  const MappedDevices one = map_devices({{.host_path = "/dev/null", .container_path = "/dev/other", .access = "r"}});
  ASSERT_EQ(one.nodes.size(), 1U);
  EXPECT_EQ(one.nodes[0].path, "/dev/other");
  EXPECT_EQ(one.nodes[0].major, 1);
  EXPECT_EQ(one.nodes[0].minor, 3);
  ASSERT_EQ(one.rules.size(), 1U);
  EXPECT_EQ(one.rules[0].access, "r");
  EXPECT_THROW((void)map_devices({{.host_path = "/etc/passwd", .container_path = "/x"}}), Error);
  EXPECT_THROW((void)map_devices({{.host_path = "/no/such", .container_path = "/x"}}), Error);
  const MappedDevices all = map_devices({{.host_path = "/dev", .container_path = "/devices"}});
  EXPECT_GT(all.nodes.size(), 4U);
  EXPECT_EQ(all.nodes.size(), all.rules.size());
  EXPECT_THAT(all.nodes.front().path, ::testing::StartsWith("/devices/"));
}

}  // namespace
}  // namespace myct::manager
