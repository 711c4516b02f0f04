// kill -9 of myct in the middle: the container dies with it, and what is left goes with the next command.
#include <signal.h>
#include <unistd.h>

#include <filesystem>

#include "sandbox.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;

class Kill : public ContainerTest {
 protected:
  /// Starts a container, kills its myct, and waits until no process is left.
  void kill_in_the_middle(const Words& words) const {
    Process running(command(words));
    ASSERT_TRUE(running.read_until("ready"));
    running.signal(SIGKILL);
    EXPECT_EQ(running.wait().signal, SIGKILL);
    EXPECT_TRUE(eventually([] { return host().processes().empty(); })) << "the container outlives its myct";
  }
  [[nodiscard]] Words hold(const Words& options) const {
    Words words = {"run", "-v", probe_path() + ":/probe"};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {"busybox", "sh", "-c", "sleep 1000 & exec /probe hold"});
    return words;
  }
};

TEST_F(Kill, of_myct_ends_every_process_of_the_container) {
  kill_in_the_middle(hold({"--rm"}));
  EXPECT_EQ(myct({"ps"}).status, 0);
}

TEST_F(Kill, of_myct_ends_every_process_under_an_init) {
  kill_in_the_middle(hold({"--rm", "--init"}));
  EXPECT_EQ(myct({"ps"}).status, 0);
}

TEST_F(Kill, of_myct_ends_a_container_whose_program_changed_its_user) {
  kill_in_the_middle(hold({"--rm", "-u", "33"}));
  EXPECT_EQ(myct({"ps"}).status, 0);
}

TEST_F(Kill, leaves_a_removable_container_to_the_next_ps) {
  kill_in_the_middle(hold({"--rm", "--name", "gone"}));
  EXPECT_THAT(myct({"ps", "-a"}).out, ::testing::Not(HasSubstr("gone")));
  EXPECT_EQ(leftovers(), std::set<std::string>());
}

TEST_F(Kill, frees_the_name_for_the_next_run) {
  kill_in_the_middle(hold({"--rm", "--name", "web"}));
  EXPECT_TRUE(prints(myct({"run", "--rm", "--name", "web", "busybox", "echo", "again"}), "again\n"));
}

TEST_F(Kill, leaves_a_removable_container_to_the_next_run_of_another_name) {
  kill_in_the_middle(hold({"--rm", "--name", "web"}));
  EXPECT_TRUE(prints(myct({"run", "--rm", "--name", "other", "busybox", "echo", "again"}), "again\n"));
  EXPECT_EQ(myct({"ps", "-a"}).status, 0);
}

TEST_F(Kill, takes_anonymous_volumes_away_with_the_container) {
  kill_in_the_middle(hold({"--rm", "-v", "/data"}));
  EXPECT_EQ(myct({"ps"}).status, 0);
}

TEST_F(Kill, shows_a_kept_container_as_ended_and_lets_it_be_removed) {
  kill_in_the_middle(hold({"--name", "kept"}));
  EXPECT_THAT(myct({"ps", "-a"}).out, HasSubstr("Exited"));
  EXPECT_TRUE(prints(myct({"rm", "kept"}), "kept\n"));
}

/// Delays that grow from 0 to `longest`, as many as can be had cheaply.
std::vector<std::chrono::microseconds> moments(std::chrono::milliseconds longest, int count) {
  const int rounds = rounds_at_this_pace(count);
  std::vector<std::chrono::microseconds> all;
  for (int round = 0; round < rounds; ++round)
    all.emplace_back(std::chrono::microseconds(at_this_pace(longest)) * round / rounds);
  return all;
}

/// The kill comes after a growing delay, from 0 to beyond a whole run.
class KillAtAnyMoment : public Kill {
 protected:
  void expect_nothing_left_behind(const Words& options) const {
    for (const std::chrono::microseconds delay : moments(std::chrono::milliseconds(18), 60)) {
      Words words = {"run", "--rm", "--name", "victim"};
      words.insert(words.end(), options.begin(), options.end());
      words.insert(words.end(), {"busybox", "true"});
      Process running(command(words));
      ::usleep(static_cast<useconds_t>(delay.count()));
      running.signal(SIGKILL);
      running.wait();
      ASSERT_TRUE(eventually([] { return host().processes().empty(); }));
      ASSERT_EQ(myct({"ps", "-a"}).status, 0);
      ASSERT_THAT(leftovers(), ::testing::IsEmpty()) << "killed after " << delay.count() << " us";
    }
  }
};

TEST_F(KillAtAnyMoment, leaves_nothing_that_the_next_command_does_not_remove) { expect_nothing_left_behind({}); }

TEST_F(KillAtAnyMoment, leaves_no_anonymous_volume) { expect_nothing_left_behind({"-v", "/data"}); }

TEST_F(Kill, of_an_import_leaves_none_or_a_whole_image) {
  for (const std::chrono::microseconds delay : moments(std::chrono::milliseconds(45), 30)) {
    Process importing(command({"import", busybox_tarball(), "victim"}));
    ::usleep(static_cast<useconds_t>(delay.count()));
    importing.signal(SIGKILL);
    importing.wait();
    const Result list = myct({"images"});
    ASSERT_EQ(list.status, 0) << list;
    if (list.out.find("victim") == std::string::npos) continue;
    ASSERT_TRUE(prints(myct({"run", "--rm", "victim", "sh", "-c", "ls /bin | wc -l"}),
                       myct({"run", "--rm", "busybox", "sh", "-c", "ls /bin | wc -l"}).out));
    ASSERT_EQ(myct({"rmi", "victim"}).status, 0);
  }
  // What a killed import has left is swept by the next one.
  EXPECT_EQ(myct({"import", busybox_tarball(), "last"}).status, 0);
}

}  // namespace
}  // namespace myct::test
