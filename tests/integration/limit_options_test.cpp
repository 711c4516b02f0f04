// Options that limit what a container may use, as far as they can be seen on any host: what is refused, what is written
// down and shown, and what needs no controller. That limits hold is tested elsewhere.
#include <linux/capability.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <fstream>

#include "detached.hpp"
#include "kernel.hpp"

namespace myct::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class LimitOptions : public DetachedTest {
 protected:
  void TearDown() override {
    remove_all();
    DetachedTest::TearDown();
  }
  void remove_all() const {
    for (const std::string& id : lines_of(myct({"ps", "-aq"}).out)) (void)myct({"rm", "-f", id});
  }
  void create(const Words& options) const {
    Words words = {"create", "--name", "web"};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {"busybox", "sleep", "1000"});
    const Result result = myct(words);
    ASSERT_EQ(result.status, 0) << result;
  }
  /// Of what inspect shows in HostConfig.
  [[nodiscard]] std::string shown(const std::string& fields) const {
    const std::string text = myct({"inspect", "-f", "{{with .HostConfig}}" + fields + "{{end}}", "web"}).out;
    return text.substr(0, text.find('\n'));
  }
  [[nodiscard]] std::string configuration() const {
    const std::string id = myct({"inspect", "-f", "{{.Id}}", "web"}).out.substr(0, 64);
    return read_file(root() + "/containers/" + id + "/config.json");
  }
};

// --- refused
// ----------------------------------------------------------------------------------------------------------

struct Refusal {
  Words options;
  const char* text;
};

TEST_F(LimitOptions, that_cannot_be_are_refused_before_anything_is_made) {
  const std::vector<Refusal> rows = {
      {{"-m", "5m"}, "--memory 5MiB is too small: the least is 6MiB"},
      {{"--memory=512Q"}, "invalid size '512Q' for --memory"},
      {{"--memory-swap", "1g"}, "--memory-swap without a limit for memory"},
      {{"-m", "1g", "--memory-swap", "512m"}, "--memory-swap 512MiB is below the limit for memory, 1GiB"},
      {{"--memory-swappiness", "60"}, "cgroup v2 has no such setting"},
      {{"--cpus", "100000"}, "--cpus is to be from 0.01 to "},
      {{"--cpu=0.5%"}, "--cpus is to be from 0.01 to "},
      {{"--cpus", "1.00000000001"}, "it is too precise"},
      {{"--cpus", "1", "--cpu-period", "5000"}, "conflicting options: --cpus and --cpu-period"},
      {{"-c", "1"}, "invalid --cpu-shares '1': give a number from 2 to 262144"},
      {{"--cpu-weight", "10001"}, "invalid --cpu-weight '10001': give a number from 1 to 10000"},
      {{"--cpu-quota", "999"}, "invalid --cpu-quota '999'"},
      {{"--cpuset-cpus", "60000"}, "there is no processor 60000 on this host"},
      {{"--cpuset-mems", "x"}, "invalid --cpuset-mems 'x'"},
      {{"--pids-limit", "-2"}, "invalid --pids-limit '-2'"},
      {{"--blkio-weight", "9"}, "invalid --blkio-weight '9': give a number from 10 to 1000"},
      {{"--device-read-bps", "sda:1m"}, "the disk's path is to begin with /dev/"},
      {{"--device-write-bps", "/dev/null:1m"}, "limit device '/dev/null': it is not a block device"},
      {{"--device-read-iops", "/dev/no-such:1"}, "limit device '/dev/no-such': No such file or directory"},
      {{"--device", "/dev/no-such"}, "use device '/dev/no-such': No such file or directory"},
      {{"--device", "/etc/passwd"}, "use device '/etc/passwd': it is neither a device nor a directory"},
      {{"--device", "/dev/null:/x:z"}, "invalid device '/dev/null:/x:z': give HOST[:CONTAINER][:rwm]"},
      {{"--device-cgroup-rule", "c 1 r"}, "invalid --device-cgroup-rule 'c 1 r'"},
      {{"--oom-kill-disable"}, "--oom-kill-disable cannot be had: cgroup v2 has no such setting"},
      {{"--oom-score-adj", "1001"}, "invalid --oom-score-adj '1001'"},
      {{"--cgroup-parent", "/a/../b"}, "invalid --cgroup-parent '/a/../b': '..' is not the name of a control group"},
      {{"--cgroupns", "none"}, "invalid --cgroupns 'none': private or host"},
      {{"--shm-size", "x"}, "invalid size 'x' for --shm-size"},
  };
  for (const Refusal& row : rows) {
    Words words = {"run", "--rm"};
    words.insert(words.end(), row.options.begin(), row.options.end());
    words.insert(words.end(), {"busybox", "true"});
    EXPECT_TRUE(fails_with(myct(words), 125, row.text)) << row.options.back();
  }
  EXPECT_EQ(container_count(), 0U);
  EXPECT_EQ(leftovers(), std::set<std::string>());
}

TEST_F(LimitOptions, that_say_what_is_so_anyhow_are_taken) {
  EXPECT_TRUE(prints(myct({"run", "--rm", "--oom-kill-disable=false", "--memory-swappiness=-1", "--pids-limit=-1", "-m",
                           "0", "--cpus=0", "--cgroupns=private", "busybox", "echo", "yes"}),
                     "yes\n"));
}

// --- shown
// ------------------------------------------------------------------------------------------------------------

TEST_F(LimitOptions, in_the_forms_that_users_write_are_shown_by_inspect) {
  create({"--cpu=50%", "--mem=512M", "--pids-limit", "100", "-c", "512", "--cpuset-cpus", "0", "--memory-reservation",
          "64m", "--blkio-weight", "300", "--oom-score-adj", "7", "--shm-size", "1m"});
  EXPECT_EQ(shown("{{.NanoCpus}} {{.CpuQuota}} {{.CpuPeriod}} {{.CpuShares}} {{.CpusetCpus}}"),
            "500000000 50000 100000 512 0");
  EXPECT_EQ(shown("{{.Memory}} {{.MemorySwap}} {{.MemoryReservation}}"), "536870912 1073741824 67108864");
  EXPECT_EQ(shown("{{.PidsLimit}} {{.BlkioWeight}} {{.OomScoreAdj}} {{.ShmSize}}"), "100 300 7 1048576");
}

TEST_F(LimitOptions, that_nobody_gave_are_shown_as_docker_shows_them) {
  create({});
  EXPECT_EQ(shown("{{.Memory}} {{.MemorySwap}} {{.NanoCpus}} {{.CpuShares}} {{.PidsLimit}} {{.Devices}} "
                  "{{.DeviceCgroupRules}} {{.CgroupParent}}|{{.CgroupnsMode}} {{.OomKillDisable}}"),
            "0 0 0 0 <nil> [] [] |private false");
}

TEST_F(LimitOptions, for_a_disk_are_shown_with_its_name) {
  // Any host that has a disk has it in here; one without has nothing to limit.
  const Result disks =
      run({.argv = {"/bin/sh", "-c", "cd /dev && for d in loop0 vda sda; do [ -b $d ] && echo $d; done"},
           .env = {{"PATH", "/usr/bin:/bin"}}});
  if (disks.out.empty()) GTEST_SKIP() << "no disk in /dev";
  const std::string disk = "/dev/" + lines_of(disks.out).front();
  create({"--device-read-bps", disk + ":10mb", "--device-write-iops", disk + ":100", "--blkio-weight-device",
          disk + ":500"});
  EXPECT_EQ(shown("{{range .BlkioDeviceReadBps}}{{.Path}} {{.Rate}}{{end}}"), disk + " 10485760");
  EXPECT_EQ(shown("{{range .BlkioDeviceWriteIOps}}{{.Path}} {{.Rate}}{{end}}"), disk + " 100");
  EXPECT_EQ(shown("{{range .BlkioWeightDevice}}{{.Path}} {{.Weight}}{{end}}"), disk + " 500");
}

// --- devices
// ----------------------------------------------------------------------------------------------------------

TEST_F(LimitOptions, give_a_device_that_can_be_opened) {
  const Result result = shell({"--device", "/dev/full:/dev/other"}, "ls -l /dev/other; echo x >/dev/other");
  EXPECT_THAT(result.out, MatchesRegex("crw-rw-rw- .* 1, +7 .* /dev/other\n"));
  EXPECT_THAT(result.err, HasSubstr("No space left on device"));
}

TEST_F(LimitOptions, give_a_device_outside_of_dev_again_at_each_start) {
  ASSERT_EQ(myct({"create", "--name", "web", "--device", "/dev/full:/made/full", "busybox", "sh", "-c",
                  "echo x >/made/full || exit 3"})
                .status,
            0);
  for (int round = 0; round < 2; ++round) {
    const Result result = myct({"start", "-a", "web"});
    EXPECT_EQ(result.status, 3) << result;
    EXPECT_THAT(result.err, HasSubstr("No space left on device"));
  }
}

TEST_F(LimitOptions, give_no_device_in_whose_place_something_else_is) {
  ASSERT_EQ(myct({"create", "--name", "web", "--device", "/dev/full:/made/full", "busybox", "true"}).status, 0);
  ASSERT_EQ(myct({"start", "-a", "web"}).status, 0);
  const std::string id = myct({"inspect", "-f", "{{.Id}}", "web"}).out.substr(0, 64);
  const std::string node = root() + "/containers/" + id + "/upper/made/full";
  ASSERT_EQ(::unlink(node.c_str()), 0);
  std::ofstream(node) << "not a device";
  EXPECT_TRUE(fails_with(myct({"start", "-a", "web"}), 1, "make device '/made/full': something else is there"));
}

TEST_F(LimitOptions, give_all_devices_of_a_directory_and_what_a_link_leads_to) {
  const std::string directory = make_directory("devices");
  make_directory("devices/below");
  ASSERT_EQ(::mknod((directory + "/one").c_str(), S_IFCHR | 0600, ::makedev(1, 3)), 0);
  ASSERT_EQ(::mknod((directory + "/below/two").c_str(), S_IFCHR | 0600, ::makedev(1, 5)), 0);
  ASSERT_EQ(::symlink("one", (directory + "/link").c_str()), 0);
  EXPECT_TRUE(prints(shell({"--device", directory + ":/dev/all", "--device", directory + "/link:/dev/linked"},
                           "cd /dev; find all linked -type c | sort"),
                     "all/below/two\nall/one\nlinked\n"));
}

TEST_F(LimitOptions, show_devices_as_they_were_asked_for) {
  create({"--device", "/dev/full:/dev/f:r", "--device-cgroup-rule", "c 10:* rwm"});
  EXPECT_EQ(shown("{{range .Devices}}{{.PathOnHost}} {{.PathInContainer}} {{.CgroupPermissions}}{{end}}"),
            "/dev/full /dev/f r");
  EXPECT_EQ(shown("{{.DeviceCgroupRules}}"), "[c 10:* rwm]");
  EXPECT_THAT(configuration(), AllOf(HasSubstr(R"({"access":"r","allow":true,"major":1,"minor":7,"type":"c"})"),
                                     HasSubstr(R"({"access":"rwm","allow":true,"major":10,"type":"c"})")));
}

// --- what needs no controller
// -----------------------------------------------------------------------------------------

TEST_F(LimitOptions, set_the_oom_score_of_the_program_and_of_what_joins_it) {
  EXPECT_TRUE(prints(shell({"--oom-score-adj", "500"}, "cat /proc/self/oom_score_adj"), "500\n"));
  start("web", "sleep 1000", {"--oom-score-adj", "400"});
  EXPECT_TRUE(prints(myct({"exec", "web", "cat", "/proc/self/oom_score_adj"}), "400\n"));
}

TEST_F(LimitOptions, say_what_a_lower_oom_score_needs) {
  Command command = shell_command({"--oom-score-adj", "-5"}, "true");
  command.before_exec = without_capability(CAP_SYS_RESOURCE);
  EXPECT_TRUE(fails_with(run(command), 125,
                         "set the OOM score to -5: Permission denied: a score below that of myct itself needs "
                         "CAP_SYS_RESOURCE"));
}

TEST_F(LimitOptions, size_dev_shm) {
  EXPECT_TRUE(prints(shell({"--shm-size", "3m"}, "df -k /dev/shm | awk 'END {print $2}'"), "3072\n"));
  EXPECT_TRUE(prints(shell({}, "df -k /dev/shm | awk 'END {print $2}'"), "65536\n"));
}

class CgroupOptions : public LimitOptions {
 protected:
  void SetUp() override {
    if (hierarchy().empty()) GTEST_SKIP() << "no cgroup v2 hierarchy";
    LimitOptions::SetUp();
  }
  void TearDown() override {
    remove_all();
    if (!hierarchy().empty()) ::rmdir(parent().c_str());  // made for a container's sake, and left to whoever named it
    LimitOptions::TearDown();
  }
  static std::string hierarchy() {
    for (const char* path : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"})
      if (::access((std::string(path) + "/cgroup.procs").c_str(), F_OK) == 0) return path;
    return {};
  }
  [[nodiscard]] std::string parent_name() const { return "/jobs-" + std::to_string(::getpid()); }
  [[nodiscard]] std::string parent() const { return hierarchy() + parent_name(); }
};

TEST_F(CgroupOptions, put_the_container_into_the_group_that_was_named) {
  start("web", "sleep 1000", {"--cgroup-parent", parent_name(), "--cgroupns", "host"});
  const std::string id = myct({"inspect", "-f", "{{.Id}}", "web"}).out.substr(0, 64);
  EXPECT_NE(read_file(parent() + "/" + id + "/cgroup.procs"), "");
  EXPECT_THAT(myct({"exec", "web", "cat", "/proc/self/cgroup"}).out,
              HasSubstr("0::" + parent_name() + "/" + id + "\n"));
  EXPECT_EQ(shown("{{.CgroupParent}} {{.CgroupnsMode}}"), parent_name() + " host");
  remove("web");
  EXPECT_NE(::access((parent() + "/" + id).c_str(), F_OK), 0);
}

TEST_F(CgroupOptions, hide_the_hosts_groups_by_default) {
  EXPECT_THAT(shell({"--cgroup-parent", parent_name()}, "cat /proc/self/cgroup").out, HasSubstr("0::/\n"));
}

TEST_F(CgroupOptions, remove_a_group_elsewhere_whose_myct_was_killed) {
  const std::string id = start("web", "sleep 1000", {"--cgroup-parent", parent_name()});
  const std::string group = parent() + "/" + id;
  const std::string supervisor = read_file(runtime_dir() + "/containers/" + id + "/run.json");
  ASSERT_EQ(::unlink((runtime_dir() + "/containers/" + id + "/run.json").c_str()), 0);  // as if it had not been written
  const size_t owner = supervisor.find(R"("owner":)");
  const size_t pid = supervisor.find(R"("pid":)", owner);
  ASSERT_NE(pid, std::string::npos);
  ASSERT_EQ(::kill(std::stoi(supervisor.substr(pid + 6)), SIGKILL), 0);
  EXPECT_TRUE(eventually([&] { return myct({"rm", "-f", "web"}).status == 0; }));
  EXPECT_NE(::access(group.c_str(), F_OK), 0);
}

// --- update
// -----------------------------------------------------------------------------------------------------------

class Update : public LimitOptions {
 protected:
  /// On a host without the controllers a warning says that a start would be refused.
  void update(Words options) const {
    options.insert(options.begin(), "update");
    options.emplace_back("web");
    const Result result = myct(options);
    EXPECT_EQ(result.status, 0) << result;
    EXPECT_EQ(result.out, "web\n") << result;
  }
};

TEST_F(Update, changes_the_limits_of_a_container_that_does_not_run) {
  create({"-m", "64m", "--pids-limit", "10"});
  update({"--mem=96M", "--cpu=50%", "--cpu-weight", "50"});
  EXPECT_EQ(shown("{{.Memory}} {{.MemorySwap}} {{.NanoCpus}} {{.CpuWeight}} {{.PidsLimit}}"),
            "100663296 134217728 500000000 50 10");
  update({"--pids-limit", "-1", "-m", "0", "--cpus", "0", "--cpu-weight", "0"});
  EXPECT_EQ(shown("{{.Memory}} {{.MemorySwap}} {{.NanoCpus}} {{.CpuWeight}} {{.PidsLimit}}"), "0 0 0 0 <nil>");
}

TEST_F(Update, changes_limits_and_policy_at_once_and_tells_of_it) {
  create({});
  update({"--restart", "always", "--pids-limit", "5"});
  EXPECT_EQ(shown("{{.RestartPolicy.Name}} {{.PidsLimit}}"), "always 5");
  EXPECT_THAT(
      myct({"events", "--since", "1h", "--until", "0s", "--filter", "event=update", "--format", "{{.Action}}"}).out,
      "update\n");
}

TEST_F(Update, keeps_the_rest_of_the_configuration) {
  create({"-e", "A=1", "-m", "64m"});
  const std::string before = configuration();
  ASSERT_EQ(myct({"update", "-m", "128m", "--memory-swap", "256m", "web"}).status, 0);
  ASSERT_NE(configuration(), before);
  ASSERT_EQ(myct({"update", "-m", "64m", "--memory-swap", "128m", "web"}).status, 0);
  EXPECT_EQ(configuration(), before);
}

TEST_F(Update, refuses_memory_above_the_limit_for_swap_and_changes_nothing) {
  create({"-m", "64m"});
  const std::string before = configuration();
  EXPECT_TRUE(fails_with(myct({"update", "--restart", "always", "-m", "256m", "web"}), 1,
                         "update container 'web': the limit for memory, 256MiB, is above that for memory and swap, "
                         "128MiB: give --memory-swap at the same time"));
  EXPECT_EQ(configuration(), before);
  EXPECT_EQ(shown("{{.RestartPolicy.Name}}"), "no");
  EXPECT_TRUE(fails_with(myct({"update", "-m", "1m", "web"}), 1, "--memory 1MiB is too small"));
  EXPECT_TRUE(fails_with(myct({"update", "web"}), 1, "nothing to update"));
  EXPECT_TRUE(fails_with(myct({"update", "-m", "64m", "none"}), 1, "no such container: 'none'"));
  EXPECT_TRUE(fails_with(myct({"update", "-m", "x", "web"}), 125, "invalid size 'x' for --memory"));
  EXPECT_EQ(myct({"update", "--device", "/dev/null", "web"}).status, 125);
}

TEST_F(Update, does_all_that_it_can) {
  create({});
  const Result result = myct({"update", "--pids-limit", "9", "none", "web"});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.out, "web\n");
  EXPECT_THAT(result.err, HasSubstr("no such container: 'none': see 'myct ps -a'\n"));
  EXPECT_EQ(shown("{{.PidsLimit}}"), "9");
}

}  // namespace
}  // namespace myct::test
