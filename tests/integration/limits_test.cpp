// Limits that hold. They take controllers of version 2, which hybrid hosts have not: there it is tested that this is
// said.
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "limits.hpp"

namespace myct::test {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ContainsRegex;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
namespace fs = std::filesystem;

class Limits : public LimitsTest {};

// --- memory ----------------------------------------------------------------------------------------------------------

TEST_F(Limits, of_memory_kill_an_allocator_within_five_percent) {
  NEEDS_CONTROLLER("memory");
  const std::string other = start("other", "sleep 1000", {"-m", "64m"});
  start_probe("hog", {"allocate"}, {"-m", "64m", "--memory-swap", "64m"});
  EXPECT_TRUE(prints(myct({"wait", "hog"}), "137\n"));
  EXPECT_EQ(state("hog", "OOMKilled"), "true");
  EXPECT_EQ(state("hog", "ExitCode"), "137");
  const std::vector<std::string> counts = lines_of(myct({"logs", "hog"}).out);
  ASSERT_FALSE(counts.empty());
  EXPECT_GE(std::stoi(counts.back()), 64 * 95 / 100);
  EXPECT_LE(std::stoi(counts.back()), 64);
  EXPECT_THAT(status_of("other"), StartsWith("Up "));
  EXPECT_THAT(read_file(group(other) + "/memory.events"), HasSubstr("oom_kill 0\n"));
}

TEST_F(Limits, of_memory_are_told_of_a_program_in_the_foreground) {
  NEEDS_CONTROLLER("memory");
  const Result result = myct({"run", "--name", "hog", "-m", "16m", "--memory-swap", "16m", "-v",
                              probe_path() + ":/probe:ro", "busybox", "/probe", "allocate"});
  EXPECT_EQ(result.status, 137) << result;
  EXPECT_EQ(state("hog", "OOMKilled"), "true");
  EXPECT_THAT(myct({"events", "--since", "1h", "--until", "0s", "--filter", "event=oom"}).out, HasSubstr("oom"));
}

TEST_F(Limits, of_memory_are_told_of_a_command_that_was_killed_as_soon_as_it_was) {
  NEEDS_CONTROLLER("memory");
  start("web", "sleep 1000", {"-m", "32m", "--memory-swap", "32m", "-v", probe_path() + ":/probe:ro"});
  EXPECT_EQ(state("web", "OOMKilled"), "false");
  EXPECT_EQ(myct({"exec", "web", "/probe", "allocate"}).status, 137);
  EXPECT_EQ(state("web", "Status") + " " + state("web", "OOMKilled"), "running true");
  ASSERT_EQ(myct({"restart", "-t", "0", "web"}).status, 0);
  EXPECT_EQ(state("web", "Status") + " " + state("web", "OOMKilled"), "running false");
}

TEST_F(Limits, of_memory_are_not_blamed_for_a_kill) {
  NEEDS_CONTROLLER("memory");
  start("web", "sleep 1000", {"-m", "64m"});
  ASSERT_EQ(myct({"kill", "web"}).status, 0);
  EXPECT_EQ(state("web", "ExitCode") + " " + state("web", "OOMKilled"), "137 false");
}

TEST_F(Limits, of_memory_count_what_is_killed_in_groups_of_the_containers_own) {
  NEEDS_CONTROLLER("memory");
  start("web",
        "cd /sys/fs/cgroup; mkdir a b; echo $$ >a/cgroup.procs; echo +memory >cgroup.subtree_control; "
        "echo 8388608 >b/memory.max; echo 0 >b/memory.swap.max; "
        "(echo 0 >b/cgroup.procs; exec /probe allocate) >/dev/null; echo $?",
        {"--privileged", "-v", probe_path() + ":/probe:ro"});
  EXPECT_TRUE(prints(myct({"wait", "web"}), "0\n"));
  EXPECT_EQ(myct({"logs", "web"}).out, "137\n");
  EXPECT_EQ(state("web", "OOMKilled"), "true");
}

TEST_F(Limits, of_memory_leave_room_to_start_at_the_smallest) {
  NEEDS_CONTROLLER("memory");
  EXPECT_TRUE(prints(shell({"-m", "6m"}, "cat /sys/fs/cgroup/memory.max"), "6291456\n"));
}

TEST_F(Limits, of_memory_that_no_start_fits_in_are_named) {
  NEEDS_CONTROLLER("memory");
  // Nothing smaller than 6m can be asked for, but a parent may have less.
  const std::string parent = host().cgroups() + "/small";
  fs::create_directory(parent);
  std::ofstream(host().cgroups() + "/cgroup.subtree_control") << "+memory";
  std::ofstream(parent + "/memory.max") << "65536";
  std::ofstream(parent + "/memory.swap.max") << "0";
  EXPECT_TRUE(fails_with(shell({"--cgroup-parent", "/small"}, "true"), 125, "out of memory"));
  EXPECT_TRUE(fs::is_directory(parent));  // the user's own
  fs::remove(parent);
}

TEST_F(Limits, of_swap_are_what_goes_beyond_memory) {
  NEEDS_CONTROLLER("memory");
  const std::string script = "cat /sys/fs/cgroup/memory.swap.max";
  EXPECT_TRUE(prints(shell({"-m", "32m"}, script), "33554432\n"));
  EXPECT_TRUE(prints(shell({"-m", "32m", "--memory-swap", "32m"}, script), "0\n"));
  EXPECT_TRUE(prints(shell({"-m", "32m", "--memory-swap", "-1"}, script), "max\n"));
}

// --- processors and processes ----------------------------------------------------------------------------------------

TEST_F(Limits, of_half_a_processor_give_half_a_processor) {
  NEEDS_CONTROLLER("cpu");
  const std::string id = start("web", "while :; do :; done & while :; do :; done", {"--cpu=50%"});
  const auto used = [&] {
    const std::string text = read_file(group(id) + "/cpu.stat");
    return std::stod(text.substr(text.find(' ')));
  };
  const auto percent_over_ten_seconds = [&] {
    const auto begin = std::chrono::steady_clock::now();
    const double before = used();
    std::this_thread::sleep_for(std::chrono::seconds(10));  // what is measured, not waited for
    const double after = used();
    const std::chrono::duration<double, std::micro> passed = std::chrono::steady_clock::now() - begin;
    return 100 * (after - before) / passed.count();
  };
  // Never more; and as much, unless others leave it nothing.
  double percent = 0;
  for (int tries = 0; percent < 45 && tries < 3; ++tries) {
    percent = percent_over_ten_seconds();
    ASSERT_LE(percent, 55);
  }
  EXPECT_GE(percent, 45);
}

TEST_F(Limits, of_processors_leave_those_that_were_named) {
  NEEDS_CONTROLLER("cpuset");
  EXPECT_TRUE(
      prints(shell({"--cpuset-cpus", "0"}, "nproc; grep Cpus_allowed_list /proc/self/status | cut -f2"), "1\n0\n"));
}

TEST_F(Limits, of_processes_stop_a_fork_bomb) {
  NEEDS_CONTROLLER("pids");
  EXPECT_TRUE(prints(probe({"--pids-limit", "20"}, {"fork"}), "19 EAGAIN\n"));
}

TEST_F(Limits, of_processes_keep_a_fork_bomb_from_everybody_else) {
  NEEDS_CONTROLLER("pids");
  const std::string bomb = start_probe("bomb", {"bomb"}, {"--pids-limit", "40"});
  const auto refused = [&] {
    const std::string events = read_file(group(bomb) + "/pids.events");  // "max 123"
    return std::stoul("0" + events.substr(std::min(events.find(' ') + 1, events.size())));
  };
  ASSERT_TRUE(eventually([&] { return knob(bomb, "pids.current") == "40" && refused() > 0; }));
  const unsigned long before = refused();
  // Each within the time that a start may take anyway.
  EXPECT_EQ(run({.argv = {"/bin/sh", "-c", "for i in 1 2 3 4 5; do /bin/true || exit 1; done"}}).status, 0);
  EXPECT_TRUE(
      prints(shell({"--pids-limit", "40"}, "for i in 1 2 3 4 5; do /bin/true || exit 1; done; echo fine"), "fine\n"));
  EXPECT_TRUE(eventually([&] { return refused() > before; })) << "it has gone on meanwhile";
  EXPECT_EQ(knob(bomb, "pids.current"), "40");
  EXPECT_EQ(myct({"stop", "-t", "0", "bomb"}).status, 0);
  EXPECT_EQ(state("bomb", "ExitCode"), "137");
  EXPECT_FALSE(fs::exists(group(bomb)));
  // What it had made is gone with it, which is seen when the test ends.
}

TEST_F(Limits, of_processes_hold_for_those_of_exec_too) {
  NEEDS_CONTROLLER("pids");
  start("web", "sleep 1000", {"--pids-limit", "10", "-v", probe_path() + ":/probe:ro"});
  EXPECT_TRUE(prints(myct({"exec", "web", "/probe", "fork"}), "8 EAGAIN\n"));
}

TEST_F(Limits, of_every_kind_go_to_their_files_before_the_program_runs) {
  NEEDS_CONTROLLER("memory");
  NEEDS_CONTROLLER("cpu");
  EXPECT_TRUE(prints(
      shell({"-m", "64m", "--memory-reservation", "32m", "--cpus", "0.5", "--cpu-shares", "2", "--pids-limit", "20"},
            "cd /sys/fs/cgroup; cat memory.max memory.low cpu.max cpu.weight pids.max"),
      "67108864\n33554432\n50000 100000\n1\n20\n"));
}

// --- disks -----------------------------------------------------------------------------------------------------------

/// A rate, and a transfer that takes four seconds at it.
struct Transfer {
  const char* option;
  const char* rate;
  Words words;
};
void PrintTo(const Transfer& row, std::ostream* stream) { *stream << row.option; }

class DiskLimits : public DiskLimitsTest, public ::testing::WithParamInterface<Transfer> {
 protected:
  [[nodiscard]] int milliseconds_for(const Words& options, const Words& words) const {
    Words all = volume();
    all.insert(all.end(), options.begin(), options.end());
    const Result result = probe(all, words);
    EXPECT_EQ(result.status, 0) << result;
    return result.out.empty() ? -1 : std::stoi(result.out);
  }
};

TEST_P(DiskLimits, slow_transfers_down) {
  NEEDS_CONTROLLER("io");
  NEEDS_DISK();
  const Transfer& row = GetParam();
  ASSERT_GE(milliseconds_for({}, {"write_through", "/disk/file", "8"}), 0);  // what is read
  const int limited = milliseconds_for({row.option, disk_ + ":" + row.rate}, row.words);
  EXPECT_GE(limited, 3000);
  EXPECT_LE(limited, 6000);
  EXPECT_LT(milliseconds_for({}, row.words), limited / 2);
}

INSTANTIATE_TEST_SUITE_P(Rates, DiskLimits,
                         ::testing::Values(Transfer{"--device-write-bps", "2mb", {"write_through", "/disk/file", "8"}},
                                           Transfer{"--device-read-bps", "2mb", {"read_through", "/disk/file", "8"}},
                                           Transfer{"--device-write-iops", "20", {"write_blocks", "/disk/file", "80"}},
                                           Transfer{"--device-read-iops", "20", {"read_blocks", "/disk/file", "80"}}),
                         [](const auto& row) {
                           std::string name = row.param.option;
                           std::erase(name, '-');
                           return name;
                         });

using DiskKnobs = DiskLimitsTest;

TEST_F(DiskKnobs, hold_several_limits_of_one_disk) {
  NEEDS_CONTROLLER("io");
  NEEDS_DISK();
  const Result result =
      shell({"--device-read-iops", disk_ + ":100", "--device-write-iops", disk_ + ":200"}, "cat /sys/fs/cgroup/io.max");
  EXPECT_THAT(result.out, EndsWith(" rbps=max wbps=max riops=100 wiops=200\n")) << result;
}

// --- changes ---------------------------------------------------------------------------------------------------------

TEST_F(Limits, change_in_flight_and_survive_a_restart) {
  NEEDS_CONTROLLER("memory");
  const std::string id = start("web", "sleep 1000", {"-m", "64m", "--pids-limit", "50"});
  EXPECT_TRUE(prints(myct({"update", "-m", "32m", "--cpus", "0.25", "web"}), "web\n"));
  EXPECT_EQ(knob(id, "memory.max"), "33554432");
  EXPECT_EQ(knob(id, "cpu.max"), "25000 100000");
  EXPECT_EQ(knob(id, "pids.max"), "50");
  ASSERT_EQ(myct({"restart", "-t", "0", "web"}).status, 0);
  EXPECT_EQ(knob(id, "memory.max"), "33554432");
  EXPECT_EQ(knob(id, "cpu.max"), "25000 100000");
  EXPECT_EQ(knob(id, "pids.max"), "50");
}

TEST_F(Limits, change_all_or_none) {
  NEEDS_CONTROLLER("memory");
  NEEDS_CONTROLLER("cpuset");
  const std::string id = start("web", "sleep 1000", {"-m", "64m"});
  const std::string before = read_file(root() + "/containers/" + id + "/config.json");
  // A memory node that this host has not: the last to be written.
  const Result result = myct({"update", "-m", "32m", "--cpuset-mems", "63", "web"});
  EXPECT_NE(result.status, 0);
  EXPECT_EQ(knob(id, "memory.max"), "67108864");
  EXPECT_EQ(knob(id, "memory.swap.max"), "67108864");
  EXPECT_EQ(read_file(root() + "/containers/" + id + "/config.json"), before);
}

TEST_F(Limits, change_while_the_container_is_frozen) {
  NEEDS_CONTROLLER("memory");
  const std::string id = start("web", "while :; do :; done", {"-m", "64m"});
  ASSERT_EQ(myct({"pause", "web"}).status, 0);
  EXPECT_EQ(myct({"update", "-m", "32m", "web"}).status, 0);
  EXPECT_EQ(knob(id, "memory.max"), "33554432");
  EXPECT_EQ(knob(id, "cgroup.freeze"), "1");
}

// --- where there are none --------------------------------------------------------------------------------------------

struct Missing {
  const char* controller;
  Words options;
  const char* what;
};
void PrintTo(const Missing& row, std::ostream* stream) { *stream << row.controller; }

class LimitsWithout : public Limits, public ::testing::WithParamInterface<Missing> {};

TEST_P(LimitsWithout, its_controller_are_refused_with_the_reason_and_the_remedy) {
  const std::string controller = GetParam().controller;
  if (has_controller(controller)) GTEST_SKIP() << "this host has the controller";
  const Result result = shell(GetParam().options, "true");
  EXPECT_TRUE(fails_with(result, 125, GetParam().what));
  EXPECT_THAT(result.err, AnyOf(AllOf(HasSubstr("the " + controller + " controller of this host is on cgroup v1"),
                                      HasSubstr("boot with systemd.unified_cgroup_hierarchy=1")),
                                AllOf(HasSubstr("this kernel has no " + controller + " controller"),
                                      ContainsRegex("boot with cgroup_enable=|disabled by cgroup_disable="))));
  EXPECT_EQ(container_count(), 0U);
}

TEST_P(LimitsWithout, its_controller_in_a_group_are_refused_with_the_reason_and_the_remedy) {
  const std::string controller = GetParam().controller;
  NEEDS_CONTROLLER(controller);
  // The root of another cgroup namespace. The group above hands nothing down, and nobody in it can reach further up.
  const std::string box = host().cgroups() + "/box";
  ASSERT_TRUE(fs::create_directory(box));
  ASSERT_THAT(read_file(box + "/cgroup.controllers"), Not(HasSubstr(controller)));
  Command started = shell_command(GetParam().options, "true");
  started.before_exec = entering_as_root(box);
  const Result result = run(started);
  EXPECT_TRUE(fails_with(result, 125, GetParam().what));
  EXPECT_THAT(result.err,
              HasSubstr("the " + controller + " controller is not handed down to cgroup '" + host().cgroups() + "'"));
  EXPECT_THAT(result.err, HasSubstr("write '+" + controller + "' to the file cgroup.subtree_control of its parents"));
  EXPECT_EQ(container_count(), 0U);
  for (const char* group : {"/myct/supervisors", "/myct", ""}) ::rmdir((box + group).c_str());
}

INSTANTIATE_TEST_SUITE_P(Controllers, LimitsWithout,
                         ::testing::Values(Missing{"memory", {"-m", "64m"}, "cannot limit memory"},
                                           Missing{"cpu", {"--cpus", "0.5"}, "cannot limit CPU time"},
                                           Missing{"cpuset", {"--cpuset-cpus", "0"}, "cannot limit the CPUs"},
                                           Missing{"io", {"--blkio-weight", "500"}, "cannot set the block I/O weight"},
                                           Missing{"pids", {"--pids-limit", "9"}, "cannot limit processes"}),
                         [](const auto& row) { return std::string(row.param.controller); });

}  // namespace
}  // namespace myct::test
