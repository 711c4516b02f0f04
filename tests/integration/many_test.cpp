// Many at once: containers that have nothing to do with one another, and one that many want to change.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iostream>

#include "sandbox.hpp"

namespace myct::test {
namespace {

using ::testing::IsEmpty;

class Many : public ContainerTest {
 protected:
  void TearDown() override {
    for (const std::string& id : lines_of(myct({"ps", "-aq"}).out)) (void)myct({"rm", "-f", id});
    ContainerTest::TearDown();
  }
  [[nodiscard]] static std::string name(int number) { return "many" + std::to_string(number); }
  [[nodiscard]] size_t count(Words words) const {
    words.insert(words.begin(), {"ps", "-q"});
    return lines_of(myct(words).out).size();
  }
  [[nodiscard]] std::string value_of(const std::string& field, const std::string& reference) const {
    const Result result = myct({"inspect", "-f", "{{" + field + "}}", reference});
    EXPECT_EQ(result.status, 0) << result;
    return result.out.substr(0, result.out.find('\n'));
  }
  void start_web(const Words& options = {}) const {
    Words words = {"run", "-d", "--name", "web"};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {"busybox", "sleep", "1000"});
    ASSERT_EQ(myct(words).status, 0);
  }
};

TEST_F(Many, many_are_started_used_stopped_and_removed_at_once) {
  const int kMany = std::max(10, rounds_at_this_pace(50));
  for (const Result& result : at_once(kMany, [](int number) {
         return Words{"run",     "-d",    "--name", name(number),
                      "-v",      "/data", "-l",     "number=" + std::to_string(number),
                      "busybox", "sh",    "-c",     "echo " + std::to_string(number) + "; sleep 1000"};
       })) {
    EXPECT_EQ(result.status, 0) << result;
    EXPECT_EQ(result.err, "");
  }
  EXPECT_EQ(count({}), static_cast<size_t>(kMany));
  const std::vector<Result> answers = at_once(kMany, [](int number) {
    return Words{"exec", name(number), "sh", "-c", "touch /data/mine; ls /data | wc -l; hostname"};
  });
  for (int number = 0; number < kMany; ++number)
    EXPECT_TRUE(
        prints(answers[static_cast<size_t>(number)], "1\n" + value_of(".Id", name(number)).substr(0, 12) + "\n"));
  for (int number = 0; number < kMany; ++number) {
    EXPECT_TRUE(prints(myct({"logs", name(number)}), std::to_string(number) + "\n"));
    EXPECT_EQ(value_of(".Config.Labels.number", name(number)), std::to_string(number));
  }
  const std::vector<Result> stopped = at_once(kMany, [](int number) { return Words{"stop", "-t", "0", name(number)}; });
  for (int number = 0; number < kMany; ++number)
    EXPECT_TRUE(prints(stopped[static_cast<size_t>(number)], name(number) + "\n"));
  EXPECT_EQ(count({}), 0U);
  EXPECT_EQ(count({"-a", "--filter", "exited=137"}), static_cast<size_t>(kMany));
  const std::vector<Result> removed = at_once(kMany, [](int number) { return Words{"rm", "-v", name(number)}; });
  for (int number = 0; number < kMany; ++number)
    EXPECT_TRUE(prints(removed[static_cast<size_t>(number)], name(number) + "\n"));
  EXPECT_THAT(leftovers(), IsEmpty());
}

TEST_F(Many, many_each_go_through_a_whole_life_beside_the_others) {
  const int kMany = std::max(10, rounds_at_this_pace(50));
  std::vector<Process> running;
  for (int number = 0; number < kMany; ++number) {
    Command life = command({});
    // One shell per container: its steps meet all the steps of the others.
    life.argv = {"/bin/sh", "-ec",
                 "id=$($0 run -d --name $1 -v /data busybox sleep 1000)\n"
                 "test \"$($0 exec $1 echo hello)\" = hello\n"
                 "$0 ps -q --no-trunc | grep -qx $id\n"
                 "$0 stop -t 0 $1\n"
                 "test \"$($0 wait $id)\" = 137\n"
                 "$0 rm -v $1\n"
                 "! $0 inspect $id >/dev/null 2>&1\n"
                 "echo lived",
                 myct_path(), name(number)};
    running.emplace_back(life);
  }
  for (int number = 0; number < kMany; ++number) {
    const std::string spoken = name(number) + "\n" + name(number) + "\nlived\n";
    EXPECT_TRUE(prints(running[static_cast<size_t>(number)].wait(), spoken));
  }
  EXPECT_THAT(leftovers(), IsEmpty());
}

TEST_F(Many, twenty_run_and_are_removed_at_once) {
  constexpr int kMany = 20;
  const auto began = std::chrono::steady_clock::now();
  for (const Result& result : at_once(kMany, [](int number) {
         return Words{"run", "--rm", "busybox", "echo", name(number)};
       }))
    EXPECT_EQ(result.status, 0) << result;
  const auto took = std::chrono::steady_clock::now() - began;
  std::cout << "twenty run --rm at once: " << std::chrono::duration_cast<std::chrono::milliseconds>(took).count()
            << " ms\n";
  EXPECT_THAT(leftovers(), IsEmpty());
}

TEST_F(Many, twenty_detached_ones_remove_themselves_at_once) {
  for (const Result& result :
       at_once(20, [](int) { return Words{"run", "-d", "--rm", "-v", "/data", "busybox", "true"}; }))
    EXPECT_EQ(result.status, 0) << result;
  EXPECT_TRUE(eventually([&] { return leftovers().empty(); }));
}

TEST_F(Many, renames_of_one_leave_it_one_name) {
  start_web();
  const std::string id = value_of(".Id", "web");
  for (const Result& result : at_once(20, [&](int number) { return Words{"rename", id, name(number)}; }))
    EXPECT_TRUE(prints(result, ""));
  const std::string last = value_of(".Name", id);
  int named = 0;
  for (int number = 0; number < 20; ++number)
    if (myct({"inspect", name(number)}).status == 0) {
      ++named;
      EXPECT_EQ("/" + name(number), last);
    }
  EXPECT_EQ(named, 1) << "a name is lost, or one is left";
  EXPECT_NE(myct({"inspect", "web"}).status, 0);
  EXPECT_EQ(myct({"create", "--name", "web", "busybox", "true"}).status, 0) << "the first name is not free";
}

TEST_F(Many, changes_of_different_kinds_are_none_of_them_lost) {
  for (int round = 0; round < rounds_at_this_pace(10); ++round) {
    start_web({"--restart", "on-failure:3"});
    const std::string id = value_of(".Id", "web");
    const std::vector<Result> results = at_once(3, [&](int number) {
      if (number == 0) return Words{"rename", id, "site"};
      if (number == 1) return Words{"update", "--restart", "always", id};
      return Words{"stop", "-t", "0", id};
    });
    for (const Result& result : results) EXPECT_EQ(result.status, 0) << result;
    EXPECT_EQ(value_of(".Name", id), "/site");
    EXPECT_EQ(value_of(".HostConfig.RestartPolicy.Name", id), "always");
    EXPECT_EQ(value_of(".State.Status", id), "exited") << "the policy has brought it back";
    EXPECT_TRUE(prints(myct({"rm", "-f", "site"}), "site\n"));
    EXPECT_TRUE(eventually([] { return host().processes().empty(); }));
  }
}

TEST_F(Many, starts_and_stops_of_one_neither_fail_nor_wait_for_ever) {
  start_web();
  for (const Result& result : at_once(40, [&](int number) {
         if (number % 4 == 0) return Words{"ps", "-a"};
         if (number % 4 == 1) return Words{"start", "web"};
         if (number % 4 == 2) return Words{"stop", "-t", "0", "web"};
         return Words{"update", "--restart", number % 8 == 3 ? "no" : "unless-stopped", "web"};
       })) {
    EXPECT_EQ(result.status, 0) << result;
    EXPECT_FALSE(result.timed_out);
    EXPECT_EQ(result.err, "");
  }
  // Whichever came last, what is shown is so.
  const bool running = value_of(".State.Status", "web") == "running";
  EXPECT_EQ(myct({"exec", "web", "true"}).status, running ? 0 : 1);
  EXPECT_TRUE(prints(myct({"start", "web"}), "web\n"));
  EXPECT_TRUE(prints(myct({"exec", "web", "echo", "well"}), "well\n"));
  EXPECT_TRUE(prints(myct({"rm", "-f", "web"}), "web\n"));
}

/// Whether the process waits for a lock (the lines with an arrow, proc_locks(5)).
bool waits_for_a_lock(pid_t pid) {
  std::ifstream locks("/proc/locks");
  const std::string who = " " + std::to_string(pid) + " ";
  for (std::string line; std::getline(locks, line);)
    if (line.find("->") != std::string::npos && line.find(who) != std::string::npos) return true;
  return false;
}

TEST_F(Many, wait_their_turn_to_change_one_and_not_for_another) {
  start_web();
  ASSERT_EQ(myct({"run", "-d", "--name", "other", "busybox", "sleep", "1000"}).status, 0);
  const std::string directory = root() + "/containers/" + value_of(".Id", "web");
  for (const Words& words : {Words{"pause", "web"}, Words{"unpause", "web"}, Words{"kill", "-s", "CONT", "web"},
                             Words{"update", "--restart", "always", "web"}, Words{"rename", "web", "site"},
                             Words{"stop", "-t", "0", "site"}, Words{"start", "site"}, Words{"rm", "-f", "site"}}) {
    const int lock = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT_EQ(::flock(lock, LOCK_EX), 0);
    Process waiting(command(words));
    EXPECT_TRUE(eventually([&] { return waits_for_a_lock(waiting.pid()); })) << words.front();
    EXPECT_EQ(myct({"exec", "other", "true"}).status, 0);
    ::close(lock);
    EXPECT_EQ(waiting.wait().status, 0) << words.front();
  }
}

TEST_F(Many, start_it_but_once) {
  ASSERT_EQ(myct({"create", "--name", "web", "busybox", "sh", "-c", "echo started; sleep 1000"}).status, 0);
  for (const Result& result : at_once(20, [](int) { return Words{"start", "web"}; }))
    EXPECT_TRUE(prints(result, "web\n"));
  EXPECT_TRUE(eventually([&] { return myct({"logs", "web"}).out == "started\n"; }));
}

TEST_F(Many, remove_one_and_each_finds_it_gone) {
  for (int round = 0; round < rounds_at_this_pace(5); ++round) {
    start_web({"-v", "/data"});
    size_t removed = 0;
    for (const Result& result : at_once(10, [](int) { return Words{"rm", "-fv", "web"}; })) {
      EXPECT_EQ(result.status, 0) << result;  // with -f one that does not exist is no error
      EXPECT_EQ(result.err, "");
      removed += lines_of(result.out).size();
    }
    EXPECT_GE(removed, 1U);
    EXPECT_THAT(leftovers(), IsEmpty());
  }
}

TEST_F(Many, want_one_name_and_one_gets_it) {
  for (int round = 0; round < 3; ++round) {
    int winners = 0;
    for (const Result& result :
         at_once(15, [](int) { return Words{"run", "-d", "--name", "web", "busybox", "sleep", "1000"}; })) {
      if (result.status == 0)
        ++winners;
      else
        EXPECT_TRUE(fails_with(result, 125, "the container name 'web' is already in use"));
    }
    EXPECT_EQ(winners, 1);
    EXPECT_EQ(count({"-a"}), 1U);
    EXPECT_TRUE(prints(myct({"exec", "web", "echo", "won"}), "won\n"));
    EXPECT_TRUE(prints(myct({"rm", "-f", "web"}), "web\n"));
    EXPECT_THAT(leftovers(), IsEmpty());
  }
}

TEST_F(Many, are_removed_while_others_look_at_them) {
  constexpr int kMany = 10;
  for (int number = 0; number < kMany; ++number)
    ASSERT_EQ(myct({"run", "-d", "--name", name(number), "busybox", "sleep", "1000"}).status, 0);
  for (const Result& result : at_once(4 * kMany, [](int number) {
         if (number % 4 == 0) return Words{"rm", "-f", name(number / 4)};
         return Words{"ps", "-as", "--format", "{{.Names}} {{.Status}} {{.Size}}"};
       })) {
    EXPECT_EQ(result.status, 0) << result;
    EXPECT_EQ(result.err, "");
  }
  EXPECT_THAT(leftovers(), IsEmpty());
}

}  // namespace
}  // namespace myct::test
