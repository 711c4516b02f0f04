// What a program in a container may not do: capabilities, system calls, privileges, and the kernel's own files.
#include <linux/capability.h>

#include <algorithm>
#include <filesystem>

#include <sstream>

#include "kernel.hpp"
#include "sandbox.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kDockerDefault = 0xa80425fb;

/// A mask of /proc/self/status, "CapBnd:\t000001ffffffffff".
uint64_t mask_in(const std::string& status, const std::string& field) {
  for (const std::string& line : lines_of(status))
    if (line.starts_with(field + ":")) return std::stoull(line.substr(field.size() + 1), nullptr, 16);
  ADD_FAILURE() << "no " << field << " in " << status;
  return 0;
}

class RunSecurity : public ContainerTest {
 protected:
  /// The machine's root may lack some capabilities; nobody can have those.
  [[nodiscard]] static uint64_t possible() { return mask_in(read_file("/proc/self/status"), "CapBnd"); }
  [[nodiscard]] std::string status(const Words& options) const {
    const Result result = shell(options, "cat /proc/self/status");
    EXPECT_EQ(result.status, 0) << result;
    return result.out;
  }
};

TEST_F(RunSecurity, gives_dockers_default_capabilities) {
  const std::string now = status({});
  EXPECT_EQ(mask_in(now, "CapBnd"), kDockerDefault & possible());
  EXPECT_EQ(mask_in(now, "CapPrm"), kDockerDefault & possible());
  EXPECT_EQ(mask_in(now, "CapEff"), kDockerDefault & possible());
  EXPECT_EQ(mask_in(now, "CapInh"), 0U);
  EXPECT_EQ(mask_in(now, "CapAmb"), 0U);
}

TEST_F(RunSecurity, gives_other_users_no_capabilities_but_the_bounding_set) {
  const std::string now = status({"-u", "33"});
  EXPECT_EQ(mask_in(now, "CapBnd"), kDockerDefault & possible());
  EXPECT_EQ(mask_in(now, "CapPrm"), 0U);
  EXPECT_EQ(mask_in(now, "CapEff"), 0U);
  EXPECT_EQ(mask_in(now, "CapAmb"), 0U);
}

struct CapabilityRow {
  const char* name;
  Words options;
  uint64_t expected;
};
void PrintTo(const CapabilityRow& row, std::ostream* stream) { *stream << row.name; }

constexpr uint64_t bit(int capability) { return uint64_t{1} << capability; }

class RunCapabilities : public RunSecurity, public ::testing::WithParamInterface<CapabilityRow> {};

TEST_P(RunCapabilities, are_what_the_options_say) {
  EXPECT_EQ(mask_in(status(GetParam().options), "CapBnd"), GetParam().expected & possible());
}

INSTANTIATE_TEST_SUITE_P(
    Options, RunCapabilities,
    ::testing::Values(CapabilityRow{"add_one", {"--cap-add", "SYS_TIME"}, kDockerDefault | bit(CAP_SYS_TIME)},
                      CapabilityRow{
                          "add_with_prefix", {"--cap-add", "CAP_SYS_TIME"}, kDockerDefault | bit(CAP_SYS_TIME)},
                      CapabilityRow{"add_in_lower_case", {"--cap-add=sys_time"}, kDockerDefault | bit(CAP_SYS_TIME)},
                      CapabilityRow{"drop_one", {"--cap-drop", "NET_RAW"}, kDockerDefault & ~bit(CAP_NET_RAW)},
                      CapabilityRow{"drop_all", {"--cap-drop", "ALL"}, 0},
                      CapabilityRow{"drop_all_add_one", {"--cap-drop", "ALL", "--cap-add", "KILL"}, bit(CAP_KILL)},
                      CapabilityRow{"add_all", {"--cap-add", "ALL"}, ~uint64_t{0}},
                      CapabilityRow{"add_all_drop_one", {"--cap-add", "ALL", "--cap-drop", "MKNOD"}, ~bit(CAP_MKNOD)},
                      CapabilityRow{"privileged", {"--privileged"}, ~uint64_t{0}}),
    [](const auto& row) { return row.param.name; });

TEST_F(RunSecurity, refuses_an_unknown_capability) {
  EXPECT_TRUE(fails_with(shell({"--cap-add", "FLY"}, "true"), 125, "unknown capability: \"CAP_FLY\""));
}

TEST_F(RunSecurity, does_without_a_capability_that_the_machine_withholds) {
  Command command = shell_command({}, "grep CapBnd /proc/self/status");
  command.before_exec = without_capability(CAP_NET_RAW);
  const Result result = run(command);
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(mask_in(result.out, "CapBnd"), kDockerDefault & possible() & ~bit(CAP_NET_RAW));
  EXPECT_THAT(result.err, HasSubstr("CAP_NET_RAW cannot be given to the container"));
}

TEST_F(RunSecurity, lets_devices_be_made_and_not_without_the_capability) {
  EXPECT_TRUE(prints(shell({}, "mknod /disk b 8 0; echo $?"), "0\n"));
  EXPECT_EQ(shell({"--cap-drop", "MKNOD"}, "mknod /disk b 8 0").err, "mknod: /disk: Operation not permitted\n");
}

TEST_F(RunSecurity, binds_the_hosts_devices_where_mknod_is_withheld) {
  Command command = shell_command({}, "echo x >/dev/null; head -c 2 /dev/zero | wc -c");
  command.before_exec = without_capability(CAP_MKNOD);
  const Result result = run(command);
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(result.out, "2\n");
}

TEST_F(RunSecurity, filters_system_calls) {
  EXPECT_THAT(status({}), HasSubstr("Seccomp:\t2\n"));
  EXPECT_THAT(status({"-u", "33"}), HasSubstr("Seccomp:\t2\n"));
  EXPECT_THAT(status({"--security-opt", "seccomp=builtin"}), HasSubstr("Seccomp:\t2\n"));
}

TEST_F(RunSecurity, filters_nothing_when_unconfined) {
  EXPECT_THAT(status({"--security-opt", "seccomp=unconfined"}), HasSubstr("Seccomp:\t0\n"));
  EXPECT_THAT(status({"--privileged"}), HasSubstr("Seccomp:\t0\n"));
}

struct CallRow {
  const char* call;
  const char* answer;
};
void PrintTo(const CallRow& row, std::ostream* stream) { *stream << row.call; }
std::string call_name(const ::testing::TestParamInfo<CallRow>& row) {
  std::string name = row.param.call;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

class RunSystemCall : public ContainerTest, public ::testing::WithParamInterface<CallRow> {};

TEST_P(RunSystemCall, is_answered_as_docker_does) {
  EXPECT_TRUE(prints(probe({}, {"call", GetParam().call}), std::string(GetParam().answer) + "\n"));
}

INSTANTIATE_TEST_SUITE_P(
    Default, RunSystemCall,
    ::testing::Values(CallRow{"keyctl", "EPERM"}, CallRow{"add_key", "EPERM"}, CallRow{"unshare-user", "EPERM"},
                      CallRow{"unshare-mount", "EPERM"}, CallRow{"mount", "EPERM"}, CallRow{"clone3", "ENOSYS"},
                      CallRow{"io_uring_setup", "EPERM"}, CallRow{"bpf", "EPERM"}, CallRow{"userfaultfd", "EPERM"},
                      CallRow{"kexec_load", "EPERM"}, CallRow{"reboot", "EPERM"}, CallRow{"init_module", "EPERM"},
                      CallRow{"settimeofday", "EPERM"}, CallRow{"personality", "EPERM"},
                      CallRow{"sethostname", "EPERM"}, CallRow{"open_by_handle_at", "EPERM"}, CallRow{"af_inet", "ok"},
                      CallRow{"chroot", "ok"}, CallRow{"mknod", "ok"}, CallRow{"ptrace", "ok"}),
    call_name);

TEST_F(RunSecurity, blocks_sockets_that_reach_past_the_container) {
  EXPECT_TRUE(prints(probe({}, {"call", "af_alg"}), "EPERM\n"));
  EXPECT_TRUE(prints(probe({}, {"call", "af_vsock"}), "EPERM\n"));
}

TEST_F(RunSecurity, allows_calls_that_an_added_capability_is_for) {
  EXPECT_TRUE(prints(probe({"--cap-add", "SYS_ADMIN"}, {"call", "sethostname"}), "ok\n"));
  EXPECT_TRUE(prints(probe({"--cap-add", "SYS_ADMIN"}, {"call", "unshare-mount"}), "ok\n"));
}

TEST_F(RunSecurity, lets_privileges_grow_unless_told_otherwise) {
  EXPECT_THAT(status({}), HasSubstr("NoNewPrivs:\t0\n"));
}

class RunNoNewPrivileges : public RunSecurity, public ::testing::WithParamInterface<const char*> {};

TEST_P(RunNoNewPrivileges, is_set_and_the_filter_still_there) {
  const std::string now = status({"--security-opt", GetParam()});
  EXPECT_THAT(now, HasSubstr("NoNewPrivs:\t1\n"));
  EXPECT_THAT(now, HasSubstr("Seccomp:\t2\n"));
}

INSTANTIATE_TEST_SUITE_P(Forms, RunNoNewPrivileges,
                         ::testing::Values("no-new-privileges", "no-new-privileges=true", "no-new-privileges:true"),
                         [](const auto& row) { return "form_" + std::to_string(row.index); });

TEST_F(RunSecurity, makes_setuid_programs_powerless_without_new_privileges) {
  // busybox's own su or ping need not be there: a setuid copy of id tells.
  const std::string script =
      "cp /bin/busybox /tmp/id; chmod 4755 /tmp/id; setpriv --reuid 33 /tmp/id -u 2>/dev/null || "
      "su -s /bin/sh www-data -c '/tmp/id -u'";
  EXPECT_THAT(shell({}, script).out, ::testing::AnyOf("0\n", "33\n"));
  EXPECT_EQ(shell({"--security-opt", "no-new-privileges"}, script).out, "33\n");
}

TEST_F(RunSecurity, refuses_an_unknown_security_option) {
  EXPECT_TRUE(fails_with(shell({"--security-opt", "fly"}, "true"), 125, "invalid --security-opt 'fly'"));
  EXPECT_TRUE(fails_with(shell({"--security-opt", "seccomp=/no/such"}, "true"), 125, "invalid --security-opt"));
}

class RunMaskedPath : public ContainerTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(RunMaskedPath, shows_nothing) {
  const std::string path = GetParam();
  const Result result =
      shell({}, "if [ -d " + path + " ]; then ls -A " + path + "; elif [ -e " + path + " ]; then cat " + path + "; fi");
  EXPECT_TRUE(prints(result, ""));
}

INSTANTIATE_TEST_SUITE_P(Docker, RunMaskedPath,
                         ::testing::Values("/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore",
                                           "/proc/keys", "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
                                           "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap",
                                           "/sys/firmware"),
                         [](const auto& row) {
                           std::string name = std::string(row.param).substr(1);
                           std::replace(name.begin(), name.end(), '/', '_');
                           return name;
                         });

class RunReadonlyPath : public ContainerTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(RunReadonlyPath, cannot_be_written) {
  if (!std::filesystem::exists(GetParam())) GTEST_SKIP() << "this kernel has no " << GetParam();
  const Result result =
      shell({}, std::string("awk '$5==\"") + GetParam() + "\" {print $6}' /proc/self/mountinfo | tail -n 1");
  EXPECT_THAT(result.out, ::testing::StartsWith("ro,")) << result;
  for (const char* option : {"nosuid", "nodev", "noexec"}) EXPECT_THAT(result.out, HasSubstr(option));
}

INSTANTIATE_TEST_SUITE_P(Docker, RunReadonlyPath,
                         ::testing::Values("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"),
                         [](const auto& row) {
                           std::string name = std::string(row.param).substr(6);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST_F(RunSecurity, covers_files_by_the_null_device) {
  EXPECT_TRUE(prints(probe({}, {"device", "/proc/interrupts"}), "c 1:3 666\n"));
}

TEST_F(RunSecurity, covers_nothing_when_system_paths_are_unconfined) {
  const Result result = shell({"--security-opt", "systempaths=unconfined"},
                              "head -n 1 /proc/interrupts | wc -l; grep -c ' /proc/sys ' /proc/self/mountinfo || true");
  EXPECT_TRUE(prints(result, "1\n0\n"));
}

TEST_F(RunSecurity, gives_a_privileged_container_everything) {
  const Result result =
      shell({"--privileged"},
            "awk '$2==\"/sys\" {print substr($4,1,2)}' /proc/mounts; grep -c ' /proc/sys ' /proc/mounts "
            "|| true; mount -t tmpfs none /mnt && echo mounted; [ $(ls /dev | wc -l) -gt 15 ] && echo many");
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(result.out, "rw\n0\nmounted\nmany\n") << result;
}

TEST_F(RunSecurity, is_not_fooled_by_an_image_whose_proc_is_a_link) {
  // CVE-2019-19921: an image with /proc -> /tmp/proc would have us write there.
  const std::string root = make_directory("image");
  const Result made = run({.argv = {"/bin/sh", "-c",
                                    "cd " + root +
                                        " && mkdir bin tmp tmp/proc && cp /bin/busybox bin/sh && ln -s /tmp/proc proc "
                                        "&& tar -cf ../image.tar ."},
                           .env = {{"PATH", "/usr/bin:/bin"}}});
  ASSERT_EQ(made.status, 0) << made;
  ASSERT_EQ(myct({"import", path("image.tar"), "linked"}).status, 0);
  const Result result = myct({"run", "--rm", "--image", "linked", "sh", "-c", "true"});
  EXPECT_TRUE(fails_with(result, 125, "mount volumes: "));
  EXPECT_THAT(result.err, HasSubstr("/proc"));
}

}  // namespace
}  // namespace myct::test
