#include "myct/cgroup/usage.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace myct::cgroup {
namespace {

/// A directory with the files of a control group.
class UsageOf : public ::testing::Test {
 protected:
  UsageOf() {
    std::string path = ::testing::TempDir() + "usage-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = path;
  }
  ~UsageOf() override { std::filesystem::remove_all(path_); }

  void write(const std::string& file, const std::string& text) const { std::ofstream(path_ + "/" + file) << text; }

  std::string path_;
};

TEST_F(UsageOf, a_group_without_controllers_is_its_processor_time_alone) {
  write("cpu.stat", "usage_usec 3001\nuser_usec 2000\nsystem_usec 1001\n");
  const Usage usage = read_usage(path_);
  ASSERT_TRUE(usage.cpu);
  EXPECT_EQ(usage.cpu->usage, 3001U);
  EXPECT_EQ(usage.cpu->user, 2000U);
  EXPECT_EQ(usage.cpu->system, 1001U);
  EXPECT_EQ(usage.cpu->throttled, 0U);
  EXPECT_FALSE(usage.memory || usage.pids || usage.io || usage.cpu_pressure || usage.memory_pressure ||
               usage.io_pressure);
}

TEST_F(UsageOf, a_throttled_group_says_how_often_and_how_long) {
  write("cpu.stat",
        "usage_usec 5\nuser_usec 3\nsystem_usec 2\ncore_sched.force_idle_usec 9\nnr_periods 100\nnr_throttled "
        "40\nthrottled_usec 123456\nnr_bursts 0\n");
  const Usage usage = read_usage(path_);
  EXPECT_EQ(usage.cpu->periods, 100U);
  EXPECT_EQ(usage.cpu->throttled_periods, 40U);
  EXPECT_EQ(usage.cpu->throttled, 123456U);
}

TEST_F(UsageOf, memory_has_its_cache_limit_and_events) {
  write("memory.current", "52428800\n");
  write("memory.max", "67108864\n");
  write("memory.swap.current", "4096\n");
  write("memory.stat", "anon 4096\nfile 8192\nslab_inactive_file 5\ninactive_file 7168\nactive_file 1024\n");
  write("memory.events", "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\noom_group_kill 6\n");
  const Usage usage = read_usage(path_);
  ASSERT_TRUE(usage.memory);
  EXPECT_EQ(usage.memory->current, 52428800U);
  EXPECT_EQ(usage.memory->inactive_file, 7168U);
  EXPECT_EQ(usage.memory->limit, 67108864U);
  EXPECT_EQ(usage.memory->swap, 4096U);
  EXPECT_EQ(usage.memory->events.low, 1U);
  EXPECT_EQ(usage.memory->events.high, 2U);
  EXPECT_EQ(usage.memory->events.max, 3U);
  EXPECT_EQ(usage.memory->events.oom, 4U);
  EXPECT_EQ(usage.memory->events.oom_kill, 5U);
  EXPECT_EQ(oom_kills(path_), 5U);
}

TEST_F(UsageOf, memory_without_a_limit_has_the_hosts) {
  write("memory.current", "1\n");
  write("memory.max", "max\n");
  EXPECT_GT(read_usage(path_).memory->limit, 1U << 24);
}

TEST_F(UsageOf, processes_have_a_limit_or_none) {
  write("pids.current", "7\n");
  write("pids.max", "max\n");
  EXPECT_EQ(read_usage(path_).pids->current, 7U);
  EXPECT_EQ(read_usage(path_).pids->max, std::nullopt);
  write("pids.max", "100\n");
  EXPECT_EQ(read_usage(path_).pids->max, 100U);
}

TEST_F(UsageOf, io_is_summed_over_devices_and_skips_those_without_numbers) {
  write("io.stat",
        "8:0 rbytes=100 wbytes=20 rios=3 wios=4 dbytes=0 dios=0\n7:0 \n"
        "254:0 rbytes=1000 wbytes=200 rios=30 wios=40 dbytes=9 dios=9 cost.usage=5\n");
  const Usage usage = read_usage(path_);
  ASSERT_TRUE(usage.io);
  EXPECT_EQ(usage.io->read_bytes, 1100U);
  EXPECT_EQ(usage.io->written_bytes, 220U);
  EXPECT_EQ(usage.io->read_operations, 33U);
  EXPECT_EQ(usage.io->write_operations, 44U);
}

TEST_F(UsageOf, pressure_is_of_some_and_of_all_tasks) {
  write("memory.pressure",
        "some avg10=1.50 avg60=0.25 avg300=99.99 total=1234567\nfull avg10=0.10 avg60=0.00 avg300=0.01 total=89\n");
  write("cpu.pressure", "some avg10=12.00 avg60=3.00 avg300=0.00 total=5\n");
  const Usage usage = read_usage(path_);
  ASSERT_TRUE(usage.memory_pressure && usage.memory_pressure->full && usage.cpu_pressure);
  EXPECT_DOUBLE_EQ(usage.memory_pressure->some.avg10, 1.5);
  EXPECT_DOUBLE_EQ(usage.memory_pressure->some.avg60, 0.25);
  EXPECT_DOUBLE_EQ(usage.memory_pressure->some.avg300, 99.99);
  EXPECT_EQ(usage.memory_pressure->some.total, 1234567U);
  EXPECT_DOUBLE_EQ(usage.memory_pressure->full->avg10, 0.1);
  EXPECT_EQ(usage.memory_pressure->full->total, 89U);
  EXPECT_DOUBLE_EQ(usage.cpu_pressure->some.avg10, 12);
  EXPECT_FALSE(usage.cpu_pressure->full);
}

TEST_F(UsageOf, a_group_that_has_gone_is_nothing) {
  const Usage usage = read_usage(path_ + "/gone");
  EXPECT_FALSE(usage.cpu || usage.memory || usage.pids || usage.io || usage.cpu_pressure);
  EXPECT_EQ(oom_kills(path_ + "/gone"), 0U);
}

}  // namespace
}  // namespace myct::cgroup
