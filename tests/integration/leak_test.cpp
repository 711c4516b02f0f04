// Nothing accumulates: many runs one after the other, and many at once.
#include <dirent.h>

#include <filesystem>
#include <set>
#include <vector>

#include "sandbox.hpp"

namespace myct::test {
namespace {

namespace fs = std::filesystem;

class Leak : public ContainerTest {
 protected:
  /// Namespaces of the machine that a process is in, of the kinds that a container has of its own.
  [[nodiscard]] static std::set<std::string> namespaces_of_ours() {
    std::set<std::string> all;
    for (const int pid : host().processes())
      for (const char* type : {"mnt", "pid", "uts", "ipc", "net", "cgroup"}) {
        std::error_code gone;
        const fs::path link = fs::read_symlink("/proc/" + std::to_string(pid) + "/ns/" + type, gone);
        if (!gone) all.insert(link.string());
      }
    return all;
  }
};

TEST_F(Leak, is_none_in_two_hundred_runs) {
  ASSERT_TRUE(prints(myct({"run", "--rm", "busybox", "true"}), ""));
  const std::set<std::string> objects = leftovers();
  const auto files = [&] {
    return std::distance(fs::recursive_directory_iterator(root()), fs::recursive_directory_iterator()) +
           std::distance(fs::recursive_directory_iterator(runtime_dir()), fs::recursive_directory_iterator());
  };
  const auto before = files();
  for (int i = 0; i < rounds_at_this_pace(200); ++i)
    ASSERT_TRUE(prints(myct({"run", "--rm", "busybox", "true"}), "")) << "run " << i;
  EXPECT_EQ(leftovers(), objects);
  EXPECT_EQ(files(), before);
  EXPECT_TRUE(host().processes().empty());
  EXPECT_TRUE(namespaces_of_ours().empty());
}

TEST_F(Leak, is_none_when_starts_fail) {
  for (int i = 0; i < 20; ++i) ASSERT_EQ(myct({"run", "--rm", "busybox", "/no/such"}).status, 127);
  EXPECT_EQ(leftovers(), std::set<std::string>());
}

TEST_F(Leak, is_none_when_a_failed_start_was_to_be_kept) {
  // Unlike Docker, which keeps it as "created": nothing has been in it that would be worth a look.
  ASSERT_EQ(myct({"run", "--name", "never", "busybox", "/no/such"}).status, 127);
  EXPECT_EQ(leftovers(), std::set<std::string>());
}

TEST_F(Leak, is_none_when_twenty_run_at_once) {
  std::vector<Process> running;
  for (int i = 0; i < 20; ++i)
    running.emplace_back(shell_command({"-v", "/data"}, "echo " + std::to_string(i) + "; touch /data/f /root/f"));
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(prints(running[static_cast<size_t>(i)].wait(), std::to_string(i) + "\n"));
  EXPECT_EQ(leftovers(), std::set<std::string>());
}

TEST_F(Leak, is_none_when_one_name_is_fought_for) {
  std::vector<Process> running;
  for (int i = 0; i < 10; ++i)
    running.emplace_back(command({"run", "--rm", "--name", "one", "-i", "busybox", "sh", "-c", "echo won; sleep 0.1"}));
  int winners = 0;
  for (Process& process : running) {
    const Result result = process.wait();
    if (result.status == 0)
      ++winners;
    else
      EXPECT_TRUE(fails_with(result, 125, "'one' is already in use"));
  }
  EXPECT_GE(winners, 1);
}

TEST_F(Leak, is_none_when_many_fill_one_volume_at_once) {
  std::vector<Process> running;
  for (int i = 0; i < 8; ++i)
    running.emplace_back(shell_command({"-v", "data:/etc"}, "ls /etc/passwd /etc/group | wc -l"));
  for (Process& process : running) EXPECT_TRUE(prints(process.wait(), "2\n"));
  fs::remove_all(root() + "/volumes");
}

}  // namespace
}  // namespace myct::test
