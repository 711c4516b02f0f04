// Each command that changes containers, killed at each of its system calls in turn; and so the supervisor of the
// container that it works on. After each kill ps tells the truth, `rm -f` removes all there is, the name is free, and
// the container beside runs on as if nothing had happened.
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>

#include "sandbox.hpp"
#include "tracer.hpp"

namespace myct::test {
namespace {

/// What there is of the container before the command that is killed.
enum class Before : uint8_t { Nothing, Created, Running };

struct Scenario {
  const char* title;
  Before before;
  Words words;
  unsigned stride = 1;  ///< a prime, where all the calls would take too long
  bool look = true;     ///< false: `rm -f` comes at once, before ps could have mended anything
};

class SyscallFault : public ContainerTest {
 protected:
  // A kill leaves the same in memory, where a sync, of which there are some at each point, takes no time.
  static void SetUpTestSuite() {
    if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", /*overwrite=*/0);
  }
  void SetUp() override {
    ContainerTest::SetUp();
    ASSERT_EQ(myct({"run", "--network", "none", "-d", "--name", "neighbour", "busybox", "sleep", "1000"}).status, 0);
    // What is made only once on a machine: caches, directories.
    ASSERT_EQ(
        myct({"run", "--network", "none", "-d", "--init", "--name", "victim", "-v", "/data", "busybox", "true"}).status,
        0);
    ASSERT_EQ(myct({"rm", "-fv", "victim"}).status, 0);
    baseline_ = leftovers();
  }
  void TearDown() override {
    EXPECT_EQ(myct({"rm", "-f", "neighbour"}).status, 0);
    ContainerTest::TearDown();
  }

  /// Kills the myct that does it, at each of its calls.
  void kill_myct(const Scenario& scenario) {
    kill_at_every_call(scenario, [&](unsigned nth) {
      Command traced = command(scenario.words);
      traced.before_exec = be_traced;
      Process starting(traced);
      const KillPoint point = kill_at_call(starting.pid(), nth);
      starting.wait();
      return point;
    });
  }
  /// Kills the supervisor that the command starts.
  void kill_new_supervisor(const Scenario& scenario) {
    kill_at_every_call(scenario, [&](unsigned nth) {
      Command traced = command(scenario.words);
      traced.before_exec = be_traced;
      Process starting(traced);
      const KillPoint point = kill_child_at_call(starting.pid(), nth);
      starting.wait();
      return point;
    });
  }
  /// Kills the supervisor that runs already, while the command deals with its container.
  void kill_old_supervisor(const Scenario& scenario) {
    kill_at_every_call(scenario, [&](unsigned nth) {
      SeizedProcess supervisor(owner_of("victim"));
      Process dealing(command(scenario.words));
      const KillPoint point = supervisor.kill_at_call(nth);
      const Result result = dealing.wait();
      EXPECT_FALSE(result.timed_out) << "it waits for a supervisor that is gone: " << result;
      return point;
    });
  }

 private:
  template <typename Attempt>
  void kill_at_every_call(const Scenario& scenario, Attempt attempt) {
    constexpr int kMostFailures = 5;
    unsigned points = 0;
    size_t left = 0;
    int failures = 0;
    const unsigned stride = stride_at_this_pace(scenario.stride);
    for (unsigned nth = 1;; nth += stride) {
      make_victim(scenario.before);
      ASSERT_FALSE(HasFatalFailure());
      const KillPoint point = attempt(nth);
      if (point.end != Traced::Ended) ++points;
      const std::string where = scenario.title + (": killed at its call " + std::to_string(nth)) + ", number " +
                                std::to_string(point.call) + " of the kernel's";
      SCOPED_TRACE(where);
      const size_t left_here = check_and_clean_up(scenario);
      left += left_here;
      if (left_here != 0 || HasFailure()) ++failures;
      if (failures >= kMostFailures || point.end != Traced::Killed) break;
    }
    EXPECT_GT(points * stride, 10U) << "hardly anything was killed";
    EXPECT_TRUE(prints(myct({"system", "check"}), ""));
    std::cout << scenario.title << ": " << points << " points killed, ";
    if (stride > 1) std::cout << "each " << stride << " calls apart, ";
    std::cout << left << " left-overs\n";
  }

  /// That it can be made shows that nothing of the one before holds its name.
  void make_victim(Before before) const {
    Words words = {"create"};
    if (before == Before::Running) words = {"run", "-d"};
    words.insert(words.end(), network_.begin(), network_.end());
    words.insert(words.end(), {"--name", "victim", "-v", "/data", "busybox", "sleep", "1000"});
    const Result made = myct(words);
    ASSERT_EQ(made.status, 0) << "the name is not free: " << made;
    ASSERT_EQ(made.err, "");
    if (before != Before::Nothing) return;
    ASSERT_TRUE(prints(myct({"rm", "-v", "victim"}), "victim\n"));
  }

  struct Shown {
    std::string state;
    std::string id;
  };
  /// By name. What ps has to say beyond that is a failure.
  [[nodiscard]] std::map<std::string, Shown> show() const {
    const Result list = myct({"ps", "-a", "--no-trunc", "--format", "{{.Names}} {{.State}} {{.ID}}"});
    EXPECT_EQ(list.status, 0) << list;
    EXPECT_EQ(list.err, "");
    std::map<std::string, Shown> shown;
    for (const std::string& line : lines_of(list.out)) {
      std::istringstream words(line);
      std::string name;
      words >> name;
      words >> shown[name].state >> shown[name].id;
    }
    return shown;
  }
  /// Whether the kernel has processes of it.
  [[nodiscard]] static bool runs(const std::string& id) {
    std::ifstream members(host().cgroups() + "/myct/" + id + "/cgroup.procs");
    std::string pid;
    return static_cast<bool>(std::getline(members, pid));
  }
  [[nodiscard]] bool shows_the_truth() const {
    const std::map<std::string, Shown> shown = show();
    const auto neighbour = shown.find("neighbour");
    if (neighbour == shown.end() || neighbour->second.state != "running") return false;
    if (host().cgroups().empty()) return true;
    for (const auto& [name, container] : shown)
      if ((container.state == "running") != runs(container.id)) return false;
    return true;
  }
  [[nodiscard]] int owner_of(const std::string& name) const {
    const std::string id = show()[name].id;
    const std::string run = read_file(runtime_dir() + "/containers/" + id + "/run.json");
    return std::stoi(run.substr(run.find("\"pid\":", run.find("\"owner\"")) + 6));
  }
  [[nodiscard]] std::set<std::string> left_here() const {
    const std::set<std::string> now = leftovers();
    std::set<std::string> left;
    std::set_difference(now.begin(), now.end(), baseline_.begin(), baseline_.end(), std::inserter(left, left.end()));
    return left;
  }

  /// What ps does not show has no name, and so everybody may have it.
  void expect_free_unless_shown() const {
    const std::map<std::string, Shown> shown = show();
    EXPECT_LE(shown.size(), 2U);
    for (const std::string& name : names_) {
      if (shown.contains(name)) continue;
      const auto make = [&] {
        return myct({"create", "--network", "none", "--name", name, "busybox", "true"}).status == 0;
      };
      EXPECT_TRUE(eventually(make)) << "neither shown nor free: " << name;
      EXPECT_TRUE(prints(myct({"rm", name}), name + "\n"));
    }
    if (!shown.contains("renamed")) return;
    EXPECT_TRUE(prints(myct({"rename", "renamed", "victim"}), ""));
  }
  void expect_the_truth() const {
    EXPECT_TRUE(eventually([&] { return shows_the_truth(); })) << myct({"ps", "-a"}) << myct({"inspect", "victim"});
    EXPECT_EQ(myct({"exec", "neighbour", "true"}).status, 0) << "another container does not answer any more";
    expect_free_unless_shown();
  }
  /// The number of things left over.
  size_t check_and_clean_up(const Scenario& scenario) {
    if (scenario.look) expect_the_truth();
    const Result removed = myct({"rm", "-fv", "victim"});
    EXPECT_EQ(removed.status, 0) << removed;  // also where there is nothing
    EXPECT_EQ(removed.err, "");
    if (!scenario.look) (void)show();  // what was made before it had a name
    // The kernel ends what was killed in its own time.
    if (eventually([&] { return left_here().empty(); })) return 0;
    for (const std::string& object : left_here()) ADD_FAILURE() << "left behind: " << object;
    const size_t left = left_here().size();
    baseline_ = leftovers();
    return left;
  }

 protected:
  std::set<std::string> baseline_;
  std::vector<std::string> names_ = {"victim"};  ///< those that the container may have after the kill
  Words network_ = {"--network", "none"};        ///< that it is made with before the kill
};

const Words kCreate = {"create", "--network", "none", "--name", "victim", "-v", "/data", "busybox", "sleep", "1000"};
const Words kRunDetached = {"run", "--network", "none",    "-d",    "--name", "victim",
                            "-v",  "/data",     "busybox", "sleep", "1000"};
const Words kRunRemoved = {"run", "--network", "none", "--rm", "--name", "victim", "-v", "/data", "busybox", "true"};

TEST_F(SyscallFault, create_killed_at_every_call_leaves_nothing) {
  kill_myct({.title = "create", .before = Before::Nothing, .words = kCreate});
}

TEST_F(SyscallFault, start_killed_at_every_call_leaves_nothing) {
  kill_myct({.title = "start", .before = Before::Created, .words = {"start", "victim"}});
}

TEST_F(SyscallFault, run_d_killed_at_every_call_leaves_nothing) {
  kill_myct({.title = "run -d", .before = Before::Nothing, .words = kRunDetached});
}

TEST_F(SyscallFault, run_rm_killed_at_every_call_leaves_nothing) {
  kill_myct({.title = "run --rm", .before = Before::Nothing, .words = kRunRemoved});
}

TEST_F(SyscallFault, stop_killed_at_every_call_leaves_nothing) {
  kill_myct({.title = "stop", .before = Before::Running, .words = {"stop", "-t", "0", "victim"}});
}

TEST_F(SyscallFault, rm_killed_at_every_call_leaves_nothing) {
  kill_myct({.title = "rm -f", .before = Before::Running, .words = {"rm", "-fv", "victim"}});
}

TEST_F(SyscallFault, rename_killed_at_every_call_leaves_one_name) {
  names_ = {"victim", "renamed"};
  kill_myct({.title = "rename", .before = Before::Running, .words = {"rename", "victim", "renamed"}});
}

TEST_F(SyscallFault, exec_killed_at_every_call_leaves_no_process_in_the_container) {
  kill_myct({.title = "exec", .before = Before::Created, .words = {"exec", "neighbour", "sleep", "1000"}});
}

TEST_F(SyscallFault, changes_killed_at_every_call_leave_nothing) {
  kill_myct({.title = "restart", .before = Before::Running, .words = {"restart", "-t", "0", "victim"}});
  kill_myct({.title = "update", .before = Before::Created, .words = {"update", "--restart", "always", "victim"}});
  kill_myct({.title = "kill", .before = Before::Running, .words = {"kill", "victim"}});
}

TEST_F(SyscallFault, runs_of_other_kinds_killed_on_the_way_leave_nothing) {
  Words kept = kRunRemoved;
  std::erase(kept, "--rm");
  kill_myct({.title = "run", .before = Before::Nothing, .words = kept, .stride = 5});
  Words terminal = kRunRemoved;
  terminal.insert(terminal.begin() + 1, "-t");
  kill_myct({.title = "run --rm -t", .before = Before::Nothing, .words = terminal, .stride = 3});
  Words bridged = kRunRemoved;
  std::erase(bridged, "--network");
  std::erase(bridged, "none");
  kill_myct({.title = "run --rm on the bridge", .before = Before::Nothing, .words = bridged, .stride = 11});
  Words init = kRunDetached;
  init.insert(init.begin() + 1, {"--init", "--rm", "--tmpfs", "/t"});
  kill_myct({.title = "run -d --rm --init", .before = Before::Nothing, .words = init, .stride = 3});
}

TEST_F(SyscallFault, on_a_network_of_its_own_with_names_and_a_port_leaves_nothing) {
  network_ = {"--network", "app", "--network-alias", "www", "-p", "8080:80"};
  const auto with_network = [&](Words words, const Words& rest) {
    words.insert(words.end(), network_.begin(), network_.end());
    words.insert(words.end(), {"--name", "victim", "-v", "/data", "busybox"});
    words.insert(words.end(), rest.begin(), rest.end());
    return words;
  };
  ASSERT_EQ(myct({"network", "create", "app"}).status, 0);
  ASSERT_EQ(myct(with_network({"run", "--rm"}, {"true"})).status, 0);
  // What stays until the network goes; the name server does not.
  const std::string networks = runtime_dir() + "/networks/app/";
  ASSERT_TRUE(eventually([&] { return ::access((networks + "server").c_str(), F_OK) == -1; }));
  baseline_ = leftovers();
  kill_myct({.title = "run --rm on a network of its own",
             .before = Before::Nothing,
             .words = with_network({"run", "--rm"}, {"true"}),
             .stride = 11});
  kill_new_supervisor({.title = "supervisor in run -d on a network of its own",
                       .before = Before::Nothing,
                       .words = with_network({"run", "-d"}, {"sleep", "1000"}),
                       .stride = 11});
  kill_myct({.title = "rm -f on a network of its own",
             .before = Before::Running,
             .words = {"rm", "-fv", "victim"},
             .stride = 7});
  kill_old_supervisor({.title = "supervisor in stop on a network of its own",
                       .before = Before::Running,
                       .words = {"stop", "-t", "0", "victim"},
                       .stride = 3});
  EXPECT_EQ(myct({"network", "rm", "app"}).status, 0);
}

TEST_F(SyscallFault, network_create_and_rm_killed_at_every_call_leave_nothing) {
  ASSERT_EQ(myct({"network", "create", "app"}).status, 0);
  ASSERT_EQ(myct({"network", "rm", "app"}).status, 0);
  baseline_ = leftovers();
  const auto kill_at = [&](const Words& words, unsigned nth) {
    Command traced = command(words);
    traced.before_exec = be_traced;
    Process changing(traced);
    const KillPoint point = kill_at_call(changing.pid(), nth);
    changing.wait();
    return point.end == Traced::Killed;
  };
  const auto expect_free = [&] {
    EXPECT_EQ(myct({"network", "rm", "-f", "app"}).status, 0);
    EXPECT_TRUE(eventually([&] { return leftovers() == baseline_; })) << ::testing::PrintToString(leftovers());
    EXPECT_TRUE(prints(myct({"system", "check"}), ""));
    return !HasFailure();
  };
  const unsigned stride = stride_at_this_pace(2);
  bool goes_on = true;
  for (unsigned nth = 1; goes_on; nth += stride) {
    SCOPED_TRACE("create, killed at its call " + std::to_string(nth));
    goes_on = kill_at({"network", "create", "app"}, nth);
    ASSERT_TRUE(expect_free());
  }
  goes_on = true;
  for (unsigned nth = 1; goes_on; nth += stride) {
    SCOPED_TRACE("rm, killed at its call " + std::to_string(nth));
    ASSERT_EQ(myct({"network", "create", "app"}).status, 0);
    ASSERT_EQ(myct({"run", "--rm", "--network", "app", "busybox", "true"}).status, 0);
    goes_on = kill_at({"network", "rm", "app"}, nth);
    ASSERT_TRUE(expect_free());
  }
}

TEST_F(SyscallFault, supervisor_killed_at_every_call_of_start_leaves_nothing) {
  kill_new_supervisor({.title = "supervisor in start", .before = Before::Created, .words = {"start", "victim"}});
}

TEST_F(SyscallFault, supervisor_killed_at_every_call_of_run_d_leaves_nothing) {
  kill_new_supervisor({.title = "supervisor in run -d", .before = Before::Nothing, .words = kRunDetached});
}

TEST_F(SyscallFault, supervisor_killed_at_every_call_of_a_whole_life_leaves_nothing) {
  kill_new_supervisor(
      {.title = "supervisor in run -d --rm, to its end",
       .before = Before::Nothing,
       .words = {"run", "--network", "none", "-d", "--rm", "--name", "victim", "-v", "/data", "busybox", "true"}});
}

TEST_F(SyscallFault, supervisor_killed_on_the_way_through_a_restart_leaves_nothing) {
  kill_new_supervisor({.title = "supervisor in run -d --restart, through a restart to its end",
                       .before = Before::Nothing,
                       .words = {"run", "--network", "none", "-d", "--restart", "on-failure:1", "--name", "victim",
                                 "-v", "/data", "busybox", "false"},
                       .stride = 5});
}

TEST_F(SyscallFault, supervisor_killed_at_every_call_of_stop_leaves_nothing) {
  kill_old_supervisor(
      {.title = "supervisor in stop", .before = Before::Running, .words = {"stop", "-t", "0", "victim"}});
}

TEST_F(SyscallFault, supervisor_killed_at_every_call_of_rm_leaves_nothing) {
  kill_old_supervisor({.title = "supervisor in rm -f", .before = Before::Running, .words = {"rm", "-fv", "victim"}});
}

TEST_F(SyscallFault, is_cleaned_up_by_rm_alone) {
  kill_myct(
      {.title = "run -d, then rm -f", .before = Before::Nothing, .words = kRunDetached, .stride = 3, .look = false});
  kill_myct(
      {.title = "run --rm, then rm -f", .before = Before::Nothing, .words = kRunRemoved, .stride = 5, .look = false});
  kill_new_supervisor({.title = "supervisor in start, then rm -f",
                       .before = Before::Created,
                       .words = {"start", "victim"},
                       .stride = 3,
                       .look = false});
  kill_old_supervisor({.title = "supervisor in stop, then rm -f",
                       .before = Before::Running,
                       .words = {"stop", "-t", "0", "victim"},
                       .look = false});
}

}  // namespace
}  // namespace myct::test
