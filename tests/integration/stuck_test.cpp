// Ending containers where something is in the way: a supervisor that does not move, a full disk, a lost run directory.
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <regex>

#include "detached.hpp"

namespace myct::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Stuck : public DetachedTest {
 protected:
  [[nodiscard]] std::string directory_of(const std::string& id) const { return root() + "/containers/" + id; }
  [[nodiscard]] std::string run_directory_of(const std::string& id) const {
    return runtime_dir() + "/containers/" + id;
  }
  [[nodiscard]] pid_t supervisor_of(const std::string& id) const {
    const std::string run = read_file(run_directory_of(id) + "/run.json");
    std::smatch found;
    EXPECT_TRUE(std::regex_search(run, found, std::regex(R"re("owner":\{[^}]*"pid":(\d+))re"))) << run;
    return std::stoi(found[1]);
  }
  [[nodiscard]] static bool is_locked(const std::string& directory) {
    const Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return ::flock(fd.get(), LOCK_EX | LOCK_NB) == -1;
  }
  [[nodiscard]] static std::string named(pid_t supervisor) {
    return "process " + std::to_string(supervisor) + ", the supervisor of the container";
  }
};

// --- a supervisor that does not move ---------------------------------------------------------------------------------

TEST_F(Stuck, a_stopped_supervisor_is_named_and_killed_by_stop) {
  const pid_t supervisor = supervisor_of(start_program("web", {"sleep", "1000"}));
  ASSERT_EQ(::kill(supervisor, SIGSTOP), 0);
  const Result result = myct({"stop", "-t", "0", "web"});
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.err, HasSubstr(named(supervisor)));
  EXPECT_EQ(status_of("web"), "Exited (255)") << "nobody knows when it ended";
  EXPECT_THAT(myct({"inspect", "web"}).out, HasSubstr(R"("FinishedAt": "0001-01-01T00:00:00Z")"));
  remove("web");
}

TEST_F(Stuck, a_stopped_supervisor_is_named_and_killed_by_rm) {
  const pid_t supervisor = supervisor_of(start_program("web", {"sleep", "1000"}));
  ASSERT_EQ(::kill(supervisor, SIGSTOP), 0);
  const Result result = myct({"rm", "-f", "web"});
  EXPECT_EQ(result.out, "web\n") << result;
  EXPECT_THAT(result.err, HasSubstr(named(supervisor)));
  EXPECT_EQ(status_of("web"), "");
}

TEST_F(Stuck, a_supervisor_that_has_the_lock_and_does_not_move_is_killed_by_stop) {
  const std::string id = start_program("web", {"sleep", "1000"});
  const pid_t supervisor = supervisor_of(id);
  // It comes to a stop where it tells of the end: nobody reads.
  const std::string events = runtime_dir() + "/events";
  fs::rename(events, events + ".kept");
  ASSERT_EQ(::mkfifo(events.c_str(), 0600), 0);
  ASSERT_EQ(::kill(init_pid(), SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return is_locked(directory_of(id)); }));
  const Result result = myct({"stop", "web"});
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.err, HasSubstr(named(supervisor)));
  fs::rename(events + ".kept", events);
  EXPECT_EQ(status_of("web"), "Exited (255)");
  remove("web");
}

TEST_F(Stuck, a_lock_that_somebody_does_not_let_go_of_is_waited_for_no_longer_than_that_is_said) {
  const std::string id = start_program("web", {"sleep", "1000"});
  {
    const Fd lock(::open(directory_of(id).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);
    const Result result = myct({"stop", "web"});
    EXPECT_TRUE(fails_with(result, 1, "was not let go of by process " + std::to_string(::getpid())));
  }
  remove("web");
}

TEST_F(Stuck, a_supervisor_takes_signals_that_mean_nothing_to_it_for_nothing) {
  const std::string id = start_program("web", {"sleep", "1000"});
  for (const int number : {SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE, SIGHUP})
    EXPECT_EQ(::kill(supervisor_of(id), number), 0) << number;
  EXPECT_TRUE(prints(myct({"exec", "web", "echo", "alive"}), "alive\n"));
  EXPECT_TRUE(status_of("web").starts_with("Up ")) << status_of("web");
  remove("web");
}

TEST_F(Stuck, a_supervisor_ends_its_program_in_order_when_it_is_interrupted) {
  for (const int number : {SIGINT, SIGQUIT, SIGTERM}) {
    const std::string id =
        start("web", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.02; done", {"--restart", "always"});
    ASSERT_TRUE(logs("web", "ready\n"));
    ASSERT_EQ(::kill(supervisor_of(id), number), 0);
    EXPECT_TRUE(becomes("web", "Exited (7)")) << number << ": " << status_of("web");
    remove("web");
  }
}

// --- a full disk -----------------------------------------------------------------------------------------------------

class FullDisk : public Stuck {
 protected:
  void SetUp() override {
    Stuck::SetUp();
    fs::create_directories(containers());
    ASSERT_EQ(::mount("tmpfs", containers().c_str(), "tmpfs", 0, "size=1m,mode=0711"), 0);
  }
  void TearDown() override {
    EXPECT_EQ(::umount2(containers().c_str(), 0), 0);
    Stuck::TearDown();
  }
  [[nodiscard]] std::string containers() const { return root() + "/containers"; }
  void fill() const {
    std::ofstream file(containers() + "/fill", std::ios::binary);
    const std::string page(4096, 'x');
    while (file.write(page.data(), static_cast<std::streamsize>(page.size())).flush()) {
    }
  }
  void make_room() const { fs::remove(containers() + "/fill"); }
};

TEST_F(FullDisk, does_not_keep_a_container_from_being_stopped_or_killed) {
  for (const Words& ending : {Words{"stop", "-t", "0", "web"}, Words{"kill", "web"}}) {
    start_program("web", {"sleep", "1000"});
    fill();
    EXPECT_TRUE(prints(myct(ending), "web\n"));
    EXPECT_TRUE(status_of("web").starts_with("Exited (137)")) << status_of("web");
    make_room();
    remove("web");
  }
}

TEST_F(FullDisk, is_told_of_where_it_may_bring_a_container_back) {
  const std::string id = start_program("web", {"sleep", "1000"}, {"--restart", "unless-stopped"});
  fill();
  const Result result = myct({"stop", "-t", "0", "web"});
  EXPECT_EQ(result.out, "web\n") << result;
  EXPECT_THAT(result.err, HasSubstr("its restart policy may start it again"));
  EXPECT_TRUE(status_of("web").starts_with("Exited (137)")) << status_of("web");
  make_room();
  EXPECT_TRUE(status_of("web").starts_with("Exited (137)"));
  EXPECT_THAT(read_file(directory_of(id) + "/container.json"), HasSubstr(R"("stoppedByUser":true)"))
      << "there is room for it now";
  remove("web");
}

TEST_F(FullDisk, that_has_room_again_when_the_program_ends_brings_nothing_back) {
  start("web", "trap 'until [ -e /end ]; do sleep 0.02; done; exit 7' TERM; echo ready; while :; do sleep 0.02; done",
        {"--restart", "always"});
  ASSERT_TRUE(logs("web", "ready\n"));
  fill();
  Process stopping(command({"stop", "-t", "20", "web"}));
  ASSERT_TRUE(stopping.read_error_until("restart policy"));
  make_room();
  EXPECT_EQ(myct({"exec", "web", "touch", "/end"}).status, 0);
  EXPECT_EQ(stopping.wait().status, 0);
  EXPECT_TRUE(status_of("web").starts_with("Exited (7)")) << status_of("web");
  remove("web");
}

// --- a lost run directory --------------------------------------------------------------------------------------------

class LostRunDirectory : public Stuck {
 protected:
  void SetUp() override {
    Stuck::SetUp();
    if (host().cgroups().empty()) GTEST_SKIP() << "no cgroup v2 hierarchy on this machine";
    id_ = start_program("web", {"sleep", "1000"});
    init_ = init_pid();
    fs::remove_all(run_directory_of(id_));
  }
  [[nodiscard]] bool runs() const { return ::kill(init_, 0) == 0; }

  std::string id_;
  pid_t init_ = 0;
};

TEST_F(LostRunDirectory, lets_no_second_program_be_started) {
  EXPECT_TRUE(fails_with(myct({"start", "web"}), 1, "it runs, and its run directory is gone"));
  EXPECT_TRUE(fails_with(myct({"rm", "web"}), 1, "its processes run"));
  EXPECT_TRUE(runs());
  remove("web");
  EXPECT_TRUE(eventually([] { return host().processes().empty(); })) << "the supervisor, too, ends by itself";
}

TEST_F(LostRunDirectory, is_found_by_system_check_which_kills_what_runs) {
  const Result found = myct({"system", "check"});
  EXPECT_EQ(found.status, 1);
  EXPECT_THAT(found.out, HasSubstr("container 'web': it runs, and its run directory is gone (--repair kills it)"));
  EXPECT_TRUE(runs());
  EXPECT_EQ(myct({"system", "check", "--repair"}).status, 0);
  EXPECT_TRUE(eventually([&] { return !runs(); }));
  EXPECT_TRUE(becomes("web", "Exited (137)")) << status_of("web");
  EXPECT_TRUE(prints(myct({"start", "web"}), "web\n"));
  remove("web");
}

}  // namespace
}  // namespace myct::test
