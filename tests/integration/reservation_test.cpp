// Memory that is reserved: what the kernel leaves to a container is bounded by what the groups above it have
// (cgroup-v2.rst, "memory.low").
#include <sys/xattr.h>

#include "limits.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr int64_t kMebibyte = 1 << 20;

class Reservation : public LimitsTest {
 protected:
  /// Of a group below the hierarchy's root.
  [[nodiscard]] static std::string low(const std::string& name) {
    const std::string text = read_file(host().cgroups() + "/" + name + "/memory.low");
    return text.substr(0, text.find('\n'));
  }
};

TEST_F(Reservation, is_left_to_a_container_when_others_want_its_memory) {
  NEEDS_CONTROLLER("memory");
  // The kernel reclaims in the service, as it does everywhere when the host runs short.
  const OwnGroup service("service");
  ASSERT_EQ(::setxattr(service.path().c_str(), "trusted.delegate", "1", 1, 0), 0);
  std::ofstream(service.path() + "/memory.max") << 200 * kMebibyte;
  const OwnGroup main("service/main");
  std::vector<std::string> ids;
  const auto fill = [&](const std::string& name, const std::string& mebibytes, const Words& options) {
    Words words = {"run", "-d", "--name", name, "--shm-size", "900m"};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {"busybox", "sh", "-c",
                               "dd if=/dev/zero of=/dev/shm/f bs=1M count=" + mebibytes +
                                   " 2>/dev/null; echo ready; exec sleep 1000"});
    Command started = command(words);
    started.before_exec = main.enter();
    const Result result = run(started);
    ASSERT_EQ(result.status, 0) << result;
    ASSERT_TRUE(logs(name, "ready\n"));
    ids.push_back(result.out.substr(0, result.out.find('\n')));
  };
  fill("keeps", "60", {"--memory-reservation", "80m"});
  fill("other", "60", {});
  fill("press", "200", {});
  const auto used = [&](size_t number) {
    return std::stoll(read_file(service.path() + "/myct/" + ids[number] + "/memory.current")) / kMebibyte;
  };
  EXPECT_GE(used(0), 60);
  EXPECT_LT(used(1), 60);  // or there was no pressure
  for (const char* name : {"keeps", "other", "press"}) remove(name);
}

TEST_F(Reservation, is_handed_down_by_groups_made_for_it) {
  NEEDS_CONTROLLER("memory");
  start("one", "sleep 1000", {"--cgroup-parent", "/reserve/of/mine", "--memory-reservation", "32m"});
  EXPECT_EQ(low("reserve") + " " + low("reserve/of/mine"), "33554432 33554432");
  start("two", "sleep 1000", {"--cgroup-parent", "/reserve/of/mine", "--memory-reservation", "16m"});
  EXPECT_EQ(low("reserve") + " " + low("reserve/of/mine"), "50331648 50331648");
  EXPECT_EQ(myct({"update", "--memory-reservation", "8m", "one"}).status, 0);
  EXPECT_EQ(low("reserve") + " " + low("reserve/of/mine"), "25165824 25165824");
  remove("two");
  EXPECT_EQ(low("reserve") + " " + low("reserve/of/mine"), "8388608 8388608");
  remove("one");
  EXPECT_FALSE(fs::exists(host().cgroups() + "/reserve"));
}

TEST_F(Reservation, is_said_to_be_bounded_by_a_group_of_somebody_elses) {
  NEEDS_CONTROLLER("memory");
  const OwnGroup pool("pool");
  const Words options = {"--cgroup-parent", "/pool", "--memory-reservation", "32m"};
  const Result result = shell(options, "cat /sys/fs/cgroup/memory.low");
  EXPECT_EQ(result.out, "33554432\n");
  EXPECT_THAT(result.err, HasSubstr("/pool', which has 0 bytes"));
  EXPECT_EQ(low("pool"), "0");
  std::ofstream(pool.path() + "/memory.low") << 64 * kMebibyte;
  EXPECT_TRUE(prints(shell(options, "cat /sys/fs/cgroup/memory.low"), "33554432\n"));
}

}  // namespace
}  // namespace myct::test
