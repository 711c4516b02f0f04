// What a program in a container sees: its namespaces, file systems, devices, descriptors and files in /etc.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "sandbox.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;

std::string namespace_of_the_host(const std::string& type) {
  return std::filesystem::read_symlink("/proc/self/ns/" + type).string();
}

class RunNamespace : public ContainerTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(RunNamespace, is_the_containers_own) {
  const Result result = shell({}, std::string("readlink /proc/self/ns/") + GetParam());
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.out, ::testing::StartsWith(std::string(GetParam()) + ":["));
  EXPECT_NE(result.out, namespace_of_the_host(GetParam()) + "\n");
}

INSTANTIATE_TEST_SUITE_P(All, RunNamespace, ::testing::Values("pid", "mnt", "uts", "ipc", "net", "cgroup"),
                         [](const auto& row) { return std::string(row.param); });

class RunIsolation : public ContainerTest {};

TEST_F(RunIsolation, shares_no_user_namespace_of_its_own) {
  EXPECT_TRUE(prints(shell({}, "readlink /proc/self/ns/user"), namespace_of_the_host("user") + "\n"));
}

TEST_F(RunIsolation, is_process_1_and_sees_no_others) {
  // The shell itself expands the pattern: in a pipeline it would race with the start of the pipeline's own processes.
  EXPECT_TRUE(prints(shell({}, "echo $$ /proc/[0-9]*"), "1 /proc/1\n"));
}

TEST_F(RunIsolation, sees_its_cgroup_as_the_root) {
  if (host().cgroups().empty()) GTEST_SKIP() << "no cgroup v2 hierarchy to write to";
  EXPECT_TRUE(prints(shell({}, "grep ^0:: /proc/self/cgroup"), "0::/\n"));
}

TEST_F(RunIsolation, lives_in_a_cgroup_of_its_own) {
  if (host().cgroups().empty()) GTEST_SKIP() << "no cgroup v2 hierarchy to write to";
  Process running(probe_command({}, {"hold"}));
  ASSERT_TRUE(running.read_until("ready"));
  EXPECT_THAT(read_file("/proc/" + std::to_string(init_pid()) + "/cgroup"), HasSubstr("0::/myct/"));
  ::kill(init_pid(), SIGKILL);
  EXPECT_EQ(running.wait().status, 137);
}

TEST_F(RunIsolation, cannot_reach_the_hosts_files) {
  const std::string secret = write_file("secret", "x");
  EXPECT_TRUE(
      prints(shell({}, "cat " + secret + " /.." + secret + " /proc/1/root" + secret + " 2>/dev/null; ls -A /tmp"), ""));
}

TEST_F(RunIsolation, has_an_overlay_as_its_root) {
  EXPECT_TRUE(prints(shell({}, "awk '$2==\"/\" {print $3}' /proc/mounts"), "overlay\n"));
}

TEST_F(RunIsolation, writes_to_its_root_without_changing_the_image) {
  EXPECT_TRUE(
      prints(shell({}, "echo changed >/etc/issue; rm /bin/vi; ls /bin/vi 2>/dev/null; cat /etc/issue"), "changed\n"));
  EXPECT_TRUE(prints(shell({}, "ls /bin/vi; cat /etc/issue 2>/dev/null || true"), "/bin/vi\n"));
}

TEST_F(RunIsolation, has_private_propagation) {
  EXPECT_TRUE(prints(shell({}, "grep -cE 'shared:|master:' /proc/self/mountinfo || true"), "0\n"));
}

struct MountRow {
  const char* name;
  const char* target;
  const char* type;
  std::vector<std::string> options;
};
void PrintTo(const MountRow& row, std::ostream* stream) { *stream << row.target; }

class RunDefaultMount : public ContainerTest, public ::testing::WithParamInterface<MountRow> {};

TEST_P(RunDefaultMount, is_as_docker_mounts_it) {
  const Result result =
      shell({}, std::string("awk '$2==\"") + GetParam().target + "\" {print $3 \",\" $4 \",\"}' /proc/mounts");
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.out, ::testing::StartsWith(std::string(GetParam().type) + ",")) << result;
  for (const std::string& option : GetParam().options) EXPECT_THAT(result.out, HasSubstr("," + option + ","));
}

INSTANTIATE_TEST_SUITE_P(
    All, RunDefaultMount,
    ::testing::Values(MountRow{"proc", "/proc", "proc", {"rw", "nosuid", "nodev", "noexec"}},
                      MountRow{"dev", "/dev", "tmpfs", {"rw", "nosuid", "size=65536k", "mode=755"}},
                      MountRow{"pts", "/dev/pts", "devpts", {"nosuid", "noexec", "gid=5", "mode=620", "ptmxmode=666"}},
                      MountRow{"sys", "/sys", "sysfs", {"ro", "nosuid", "nodev", "noexec"}},
                      MountRow{"cgroup", "/sys/fs/cgroup", "cgroup2", {"ro", "nosuid", "nodev", "noexec"}},
                      MountRow{"mqueue", "/dev/mqueue", "mqueue", {"rw", "nosuid", "nodev", "noexec"}},
                      MountRow{"shm", "/dev/shm", "tmpfs", {"rw", "nosuid", "nodev", "noexec", "size=65536k"}}),
    [](const auto& row) { return row.param.name; });

TEST_F(RunIsolation, cannot_write_to_sys) {
  const Result result = shell({}, "echo x >/sys/kernel/mm/x; echo $?; mkdir /sys/fs/cgroup/x");
  EXPECT_THAT(result.err, HasSubstr("Read-only file system")) << result;
  EXPECT_NE(result.status, 0);
}

TEST_F(RunIsolation, may_use_its_shared_memory_and_queues) {
  EXPECT_TRUE(prints(shell({"-u", "33"}, "echo x >/dev/shm/a; cat /dev/shm/a; stat -c %a /dev/shm"), "x\n1777\n"));
}

struct DeviceRow {
  const char* name;
  const char* description;
};
void PrintTo(const DeviceRow& row, std::ostream* stream) { *stream << row.name; }

class RunDevice : public ContainerTest, public ::testing::WithParamInterface<DeviceRow> {};

TEST_P(RunDevice, is_there_for_everybody) {
  EXPECT_TRUE(prints(probe({}, {"device", std::string("/dev/") + GetParam().name}),
                     std::string(GetParam().description) + "\n"));
}

INSTANTIATE_TEST_SUITE_P(Standard, RunDevice,
                         ::testing::Values(DeviceRow{"null", "c 1:3 666"}, DeviceRow{"zero", "c 1:5 666"},
                                           DeviceRow{"full", "c 1:7 666"}, DeviceRow{"random", "c 1:8 666"},
                                           DeviceRow{"urandom", "c 1:9 666"}, DeviceRow{"tty", "c 5:0 666"},
                                           DeviceRow{"ptmx", "c 5:2 666"}),
                         [](const auto& row) { return row.param.name; });

TEST_F(RunIsolation, has_only_the_standard_entries_in_dev) {
  EXPECT_TRUE(prints(shell({}, "ls /dev | grep -v '^core$' | xargs echo"),
                     "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero\n"));
}

TEST_F(RunIsolation, links_the_standard_streams_in_dev) {
  EXPECT_TRUE(prints(shell({}, "for name in fd stdin stdout stderr ptmx; do readlink /dev/$name; done"),
                     "/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\npts/ptmx\n"));
}

TEST_F(RunIsolation, has_usable_devices) {
  EXPECT_TRUE(prints(shell({},
                           "head -c 3 /dev/zero | od -An -tx1; head -c 8 /dev/urandom | wc -c; echo x >/dev/null; "
                           "echo x 2>/dev/null >/dev/full || echo full"),
                     " 00 00 00\n8\nfull\n"));
}

TEST_F(RunIsolation, has_pseudo_terminals_of_its_own) {
  // The first pty of a new instance is number 0, whatever the host has open.
  EXPECT_TRUE(prints(shell({}, "ls /dev/pts"), "ptmx\n"));
  const Result result = shell({}, "script -qc tty /dev/null 2>/dev/null || true; ls -ld /dev/pts/ptmx | cut -c1-10");
  EXPECT_EQ(result.out, "crw-rw-rw-\n") << result;
}

TEST_F(RunIsolation, lets_no_descriptor_of_the_caller_in) {
  Command command = probe_command({}, {"descriptors"});
  const Fd secret(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  command.streams = {{3, secret.get()}, {9, secret.get()}, {200, secret.get()}};
  const Result result = run(command);
  EXPECT_EQ(result.status, 0) << result;
  const std::vector<std::string> lines = lines_of(result.out);
  ASSERT_EQ(lines.size(), 3U) << result;
  EXPECT_EQ(lines[0], "0 /dev/null");
  EXPECT_THAT(lines[1], ::testing::StartsWith("1 pipe:"));
  EXPECT_THAT(lines[2], ::testing::StartsWith("2 pipe:"));
}

TEST_F(RunIsolation, lets_no_descriptor_in_through_an_init_either) {
  Command command = probe_command({"--init"}, {"descriptors"});
  const Fd secret(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  command.streams = {{3, secret.get()}};
  const Result result = run(command);
  EXPECT_EQ(lines_of(result.out).size(), 3U) << result;
}

TEST_F(RunIsolation, starts_with_default_signals) {
  Command command = probe_command({}, {"ignored"});
  command.before_exec = [] {
    ::signal(SIGINT, SIG_IGN);
    ::signal(SIGHUP, SIG_IGN);
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
  };
  EXPECT_TRUE(prints(run(command), ""));
}

TEST_F(RunIsolation, starts_with_dockers_umask) {
  Command command = shell_command({}, "umask");
  command.before_exec = [] { ::umask(077); };
  EXPECT_TRUE(prints(run(command), "0022\n"));
}

TEST_F(RunIsolation, has_its_host_name_in_etc) {
  const Result result = shell({}, "hostname; cat /etc/hostname; echo $HOSTNAME");
  const std::vector<std::string> lines = lines_of(result.out);
  ASSERT_EQ(lines.size(), 3U) << result;
  EXPECT_THAT(lines[0], ::testing::MatchesRegex("[0-9a-f]+"));
  EXPECT_EQ(lines[0].size(), 12U);
  EXPECT_EQ(lines[1], lines[0]);
  EXPECT_EQ(lines[2], lines[0]);
}

TEST_F(RunIsolation, has_dockers_hosts_file) {
  const Result result = shell({}, "cat /etc/hosts");
  EXPECT_THAT(result.out, ::testing::StartsWith("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"));
}

TEST_F(RunIsolation, has_the_hosts_resolver_configuration) {
  EXPECT_TRUE(prints(shell({}, "cat /etc/resolv.conf"), read_file("/etc/resolv.conf")));
}

TEST_F(RunIsolation, may_write_its_files_in_etc_without_changing_the_hosts) {
  const std::string before = read_file("/etc/hosts");
  EXPECT_TRUE(prints(shell({}, "echo 1.2.3.4 x >>/etc/hosts; tail -n 1 /etc/hosts"), "1.2.3.4 x\n"));
  EXPECT_EQ(read_file("/etc/hosts"), before);
}

TEST_F(RunIsolation, has_a_loopback_interface_that_is_up_and_no_other_without_a_network) {
  EXPECT_TRUE(prints(shell({"--network", "none"}, "ls /sys/class/net; ip addr show lo | grep -o 'inet 127.0.0.1/8'"),
                     "lo\ninet 127.0.0.1/8\n"));
}

TEST_F(RunIsolation, may_bind_low_ports_as_any_user) {
  EXPECT_TRUE(prints(shell({}, "cat /proc/sys/net/ipv4/ip_unprivileged_port_start"), "0\n"));
}

}  // namespace
}  // namespace myct::test
