// Every option for a limit, and the file of the control group that it is for: what a start writes, what a change writes
// while the container runs, what a restart writes after that, and that it can be taken away. What `exec` adds is under
// it.
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "limits.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;

/// DISK stands for a disk of the host's, NUMBERS for its numbers.
struct Knob {
  const char* name;
  const char* controller;
  const char* file;
  Words start;
  std::string started;  ///< the file's line then; empty: it has none
  Words change;
  std::string changed;
  Words take_away;
  std::string without;
  std::string restarted = without;  ///< after a start without it
};
void PrintTo(const Knob& knob, std::ostream* stream) { *stream << knob.name; }

class LimitKnobs : public DiskLimitsTest, public ::testing::WithParamInterface<Knob> {
 protected:
  [[nodiscard]] std::string filled_in(std::string text) const {
    struct stat status {};
    if (text.find("DISK") == std::string::npos && text.find("NUMBERS") == std::string::npos) return text;
    EXPECT_EQ(::stat(disk_.c_str(), &status), 0);
    const std::string numbers = std::to_string(major(status.st_rdev)) + ":" + std::to_string(minor(status.st_rdev));
    for (const auto& [word, value] : {std::pair("DISK", disk_), std::pair("NUMBERS", numbers)})
      if (const size_t found = text.find(word); found != std::string::npos)
        text.replace(found, std::string_view(word).size(), value);
    return text;
  }
  [[nodiscard]] Words filled_in(Words words) const {
    for (std::string& word : words) word = filled_in(word);
    return words;
  }
  void update(const Words& options) const {
    Words words = {"update"};
    for (const std::string& option : filled_in(options)) words.push_back(option);
    words.emplace_back("web");
    EXPECT_TRUE(prints(myct(words), "web\n"));
  }
  void restart() const { EXPECT_EQ(myct({"restart", "-t", "0", "web"}).status, 0); }
  /// Seen from outside, and by a command that is run inside.
  void expect_line(const char* when, const std::string& id, const std::string& line) const {
    SCOPED_TRACE(when);
    EXPECT_EQ(knob(id, GetParam().file), filled_in(line));
    const Result inside = myct({"exec", "web", "cat", std::string("/sys/fs/cgroup/") + GetParam().file});
    EXPECT_EQ(inside.out.substr(0, inside.out.find('\n')), filled_in(line)) << inside;
  }
};

TEST_P(LimitKnobs, are_written_changed_kept_and_taken_away) {
  const Knob& row = GetParam();
  NEEDS_CONTROLLER(row.controller);
  if (std::string_view(row.file) == "io.max") NEEDS_DISK();
  const std::string id = start("web", "sleep 1000", filled_in(row.start));
  expect_line("started", id, row.started);
  update(row.change);
  expect_line("changed", id, row.changed);
  restart();
  expect_line("restarted", id, row.changed);
  update(row.take_away);
  expect_line("taken away", id, row.without);
  restart();
  expect_line("restarted without it", id, row.restarted);
}

INSTANTIATE_TEST_SUITE_P(
    Options, LimitKnobs,
    ::testing::Values(
        Knob{
            "memory", "memory", "memory.max", {"-m", "64m"}, "67108864", {"-m", "32m"}, "33554432", {"-m", "0"}, "max"},
        Knob{"swap",
             "memory",
             "memory.swap.max",
             {"-m", "64m", "--memory-swap", "96m"},
             "33554432",
             {"--memory-swap", "128m"},
             "67108864",
             {"--memory-swap", "-1"},
             "max"},
        Knob{"reservation",
             "memory",
             "memory.low",
             {"--memory-reservation", "32m"},
             "33554432",
             {"--memory-reservation", "16m"},
             "16777216",
             {"--memory-reservation", "0"},
             "0"},
        Knob{"cpus",
             "cpu",
             "cpu.max",
             {"--cpus", "0.5"},
             "50000 100000",
             {"--cpu=25%"},
             "25000 100000",
             {"--cpus", "0"},
             "max 100000"},
        Knob{"quota",
             "cpu",
             "cpu.max",
             {"--cpu-period", "50000", "--cpu-quota", "20000"},
             "20000 50000",
             {"--cpu-quota", "10000"},
             "10000 50000",
             {"--cpu-quota", "-1"},
             "max 50000",
             "max 100000"},
        Knob{"period",
             "cpu",
             "cpu.max",
             {"--cpu-quota", "20000"},
             "20000 100000",
             {"--cpu-period", "50000"},
             "20000 50000",
             {"--cpu-period", "0"},
             "20000 100000"},
        Knob{"shares",
             "cpu",
             "cpu.weight",
             {"--cpu-shares", "262144"},
             "10000",
             {"--cpu-shares", "2"},
             "1",
             {"--cpu-shares", "0"},
             "100"},
        Knob{"weight",
             "cpu",
             "cpu.weight",
             {"--cpu-weight", "50"},
             "50",
             {"--cpu-weight", "200"},
             "200",
             {"--cpu-weight", "0"},
             "100"},
        Knob{"cpuset",
             "cpuset",
             "cpuset.cpus",
             {"--cpuset-cpus", "0"},
             "0",
             {"--cpuset-cpus", "1"},
             "1",
             {"--cpuset-cpus", ""},
             "0-1",
             ""},
        Knob{"memset",
             "cpuset",
             "cpuset.mems",
             {"--pids-limit", "30"},
             "",
             {"--cpuset-mems", "0"},
             "0",
             {"--cpuset-mems", ""},
             "0",
             ""},
        Knob{"pids",
             "pids",
             "pids.max",
             {"--pids-limit", "20"},
             "20",
             {"--pids-limit", "30"},
             "30",
             {"--pids-limit", "-1"},
             "max"},
        Knob{"readbps",
             "io",
             "io.max",
             {"--device-read-bps", "DISK:1mb"},
             "NUMBERS rbps=1048576 wbps=max riops=max wiops=max",
             {"--device-read-bps", "DISK:2mb"},
             "NUMBERS rbps=2097152 wbps=max riops=max wiops=max",
             {"--device-read-bps", "DISK:0"},
             ""},
        Knob{"writebps",
             "io",
             "io.max",
             {"--device-write-bps", "DISK:1mb"},
             "NUMBERS rbps=max wbps=1048576 riops=max wiops=max",
             {"--device-write-bps", "DISK:2mb"},
             "NUMBERS rbps=max wbps=2097152 riops=max wiops=max",
             {"--device-write-bps", "DISK:0"},
             ""},
        Knob{"readiops",
             "io",
             "io.max",
             {"--device-read-iops", "DISK:100"},
             "NUMBERS rbps=max wbps=max riops=100 wiops=max",
             {"--device-read-iops", "DISK:200"},
             "NUMBERS rbps=max wbps=max riops=200 wiops=max",
             {"--device-read-iops", "DISK:0"},
             ""},
        Knob{"writeiops",
             "io",
             "io.max",
             {"--device-write-iops", "DISK:100"},
             "NUMBERS rbps=max wbps=max riops=max wiops=100",
             {"--device-write-iops", "DISK:200"},
             "NUMBERS rbps=max wbps=max riops=max wiops=200",
             {"--device-write-iops", "DISK:0"},
             ""}),
    [](const auto& row) { return std::string(row.param.name); });

using LimitNames = DiskLimitsTest;

TEST_F(LimitNames, are_those_of_the_disk_in_what_the_kernel_refuses) {
  NEEDS_CONTROLLER("io");
  NEEDS_DISK();
  // Processes are in that group, so that it can hand nothing down.
  const Result result = shell({"--cgroup-parent", "/runner", "--device-read-bps", disk_ + ":1mb"}, "true");
  EXPECT_TRUE(fails_with(result, 125, "cannot limit reading from " + disk_ + ": "));
}

class LimitWarnings : public LimitsTest {
 protected:
  /// On hosts that cannot have limits: create and update say what start will say.
  static constexpr const char* kReason = "the memory controller of this host is on cgroup v1";
};

TEST_F(LimitWarnings, tell_of_a_container_that_cannot_start_with_its_limits) {
  if (has_controller("memory")) GTEST_SKIP() << "this host has the memory controller";
  const Result created = myct({"create", "--name", "web", "-m", "64m", "busybox", "true"});
  EXPECT_EQ(created.status, 0) << created;
  EXPECT_THAT(created.err, HasSubstr("myct: warning: container 'web' cannot be started on this host as it is now: "));
  EXPECT_THAT(created.err, HasSubstr(kReason));
  const Result updated = myct({"update", "-m", "32m", "web"});
  EXPECT_EQ(updated.out, "web\n");
  EXPECT_THAT(updated.err, HasSubstr(kReason));
  EXPECT_TRUE(fails_with(myct({"start", "web"}), 1, kReason));
  const Result freed = myct({"update", "-m", "0", "web"});
  EXPECT_EQ(freed.err, "");
  EXPECT_EQ(myct({"start", "-a", "web"}).status, 0);
}

}  // namespace
}  // namespace myct::test
