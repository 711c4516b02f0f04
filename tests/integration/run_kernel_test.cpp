// Kernels that lack a newer system call: `run` works all the same, or names what is missing.
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>

#include <cerrno>
#include <filesystem>

#include "kernel.hpp"
#include "sandbox.hpp"

namespace myct::test {
namespace {

struct Row {
  const char* name;
  std::vector<int> calls;
};
void PrintTo(const Row& row, std::ostream* stream) { *stream << row.name; }

class RunOnOlderKernel : public ContainerTest, public ::testing::WithParamInterface<Row> {
 protected:
  [[nodiscard]] Result run_without(Command command) const {
    command.before_exec = without_calls(GetParam().calls, ENOSYS);
    return run(command);
  }
};

TEST_P(RunOnOlderKernel, works_without) {
  const Result result =
      run_without(shell_command({}, "echo $$; awk '$2==\"/sys\" {print substr($4,1,2)}' /proc/mounts; id -u"));
  EXPECT_TRUE(prints(result, "1\nro\n0\n"));
}

TEST_P(RunOnOlderKernel, mounts_volumes_without) {
  const std::string directory = make_directory("d");
  const Result result = run_without(shell_command(
      {"-v", directory + ":/w", "-v", directory + ":/r:ro", "--tmpfs", "/t", "--read-only", "-v", "data:/x/y"},
      "touch /w/f /t/f /x/y/f && echo written; touch /r/g 2>/dev/null || echo read-only; touch /f "
      "2>/dev/null || echo read-only"));
  std::error_code ignored;
  std::filesystem::remove_all(root() + "/volumes", ignored);
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(result.out, "written\nread-only\nread-only\n") << result;
  // Only what was to be read-only with all below it is worth a warning.
  for (const std::string& line : lines_of(result.err)) EXPECT_THAT(line, ::testing::HasSubstr("'/r'"));
}

TEST_P(RunOnOlderKernel, lets_no_descriptor_in_without) {
  const Fd secret(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  Command command = probe_command({}, {"descriptors"});
  command.streams = {{7, secret.get()}};
  const Result result = run_without(command);
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(lines_of(result.out).size(), 3U) << result;
}

TEST_P(RunOnOlderKernel, masks_and_protects_paths_without) {
  const Result result =
      run_without(shell_command({}, "wc -c </proc/interrupts; echo x >/proc/sys/kernel/panic || echo protected"));
  EXPECT_EQ(result.out, "0\nprotected\n") << result;
}

TEST_P(RunOnOlderKernel, ends_with_its_myct_without) {
  Command command = probe_command({}, {"hold"});
  command.before_exec = without_calls(GetParam().calls, ENOSYS);
  Process running(command);
  ASSERT_TRUE(running.read_until("ready")) << running.err();
  running.signal(SIGKILL);
  EXPECT_EQ(running.wait().signal, SIGKILL);
  EXPECT_TRUE(eventually([] { return host().processes().empty(); }));
  EXPECT_EQ(myct({"ps"}).status, 0);
}

INSTANTIATE_TEST_SUITE_P(Calls, RunOnOlderKernel,
                         ::testing::Values(Row{"openat2", {SYS_openat2}}, Row{"clone3", {SYS_clone3}},
                                           Row{"fsopen", {SYS_fsopen}}, Row{"close_range", {SYS_close_range}},
                                           Row{"mount_setattr", {SYS_mount_setattr}}, Row{"open_tree", {SYS_open_tree}},
                                           Row{"the_mount_api",
                                               {SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_move_mount, SYS_open_tree,
                                                SYS_fspick, SYS_mount_setattr}},
                                           Row{"all_since_linux_5_2",
                                               {SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_move_mount, SYS_open_tree,
                                                SYS_fspick, SYS_mount_setattr, SYS_openat2, SYS_clone3, SYS_close_range,
                                                SYS_faccessat2}}),
                         [](const auto& row) { return row.param.name; });

class RunOnKernelWithout : public ContainerTest, public ::testing::WithParamInterface<Row> {};

TEST_P(RunOnKernelWithout, fails_clearly_or_works) {
  Command command = shell_command({}, "echo fine");
  command.before_exec = without_calls(GetParam().calls, ENOSYS);
  const Result result = run(command);
  if (result.status == 0)
    EXPECT_TRUE(prints(result, "fine\n"));
  else
    EXPECT_TRUE(fails_with(result, 125, "Function not implemented"));
}

INSTANTIATE_TEST_SUITE_P(Calls, RunOnKernelWithout,
                         ::testing::Values(Row{"pidfd_open", {SYS_pidfd_open}},
                                           Row{"pidfd_send_signal", {SYS_pidfd_send_signal}},
                                           Row{"pivot_root", {SYS_pivot_root}}, Row{"seccomp", {SYS_seccomp}},
                                           Row{"unshare", {SYS_unshare}}, Row{"signalfd", {SYS_signalfd4}},
                                           Row{"copy_file_range", {SYS_copy_file_range}}, Row{"statx", {SYS_statx}},
                                           Row{"io_uring", {SYS_io_uring_setup}}, Row{"getrandom", {SYS_getrandom}}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace myct::test
