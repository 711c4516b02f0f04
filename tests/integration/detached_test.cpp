// Containers that live on: started by one myct, and looked after by others.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "detached.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;

class Detached : public DetachedTest {};

TEST_F(Detached, runs_on_when_myct_has_ended) {
  const std::string id = start("web", "sleep 1000");
  EXPECT_TRUE(status_of("web").starts_with("Up "));
  EXPECT_EQ(myct({"ps", "-q", "--no-trunc"}).out, id + "\n");
  remove("web");
  EXPECT_EQ(myct({"ps", "-aq"}).out, "");
}

TEST_F(Detached, keeps_what_it_wrote) {
  start("web", "echo out; echo err >&2; echo -n partial");
  EXPECT_TRUE(prints(myct({"wait", "web"}), "0\n"));
  const Result logs = myct({"logs", "web"});
  EXPECT_EQ(logs.out, "out\npartial");
  EXPECT_EQ(logs.err, "err\n");
  remove("web");
}

TEST_F(Detached, tells_its_exit_status) {
  start("web", "exit 7");
  EXPECT_TRUE(prints(myct({"wait", "web"}), "7\n"));
  EXPECT_TRUE(status_of("web").starts_with("Exited (7)"));
  remove("web");
}

TEST_F(Detached, tells_who_waits_before_it_is_removed) {
  start("web", "sleep 0.3; exit 5", {"--rm"});
  EXPECT_TRUE(prints(myct({"wait", "web"}), "5\n"));
  EXPECT_TRUE(eventually([&] { return leftovers().empty(); }));
}

TEST_F(Detached, is_removed_at_its_end_with_rm) {
  start("web", "true", {"--rm", "-v", "/data"});
  EXPECT_TRUE(eventually([&] { return container_count() == 0; }));
  EXPECT_TRUE(eventually([&] { return leftovers().empty(); }));
}

TEST_F(Detached, fails_with_nothing_left_when_it_cannot_be_started) {
  EXPECT_TRUE(fails_with(myct({"run", "-d", "--name", "web", "busybox", "/no/such"}), 127,
                         "run '/no/such': No such file or directory"));
  EXPECT_EQ(myct({"ps", "-aq"}).out, "");
}

TEST_F(Detached, has_no_streams_of_the_shell_that_started_it) {
  // The pipe of $(myct run -d ...) ends at once: run() would wait until its time is up.
  const auto began = std::chrono::steady_clock::now();
  start("web", "sleep 1000");
  EXPECT_LT(std::chrono::steady_clock::now() - began, kTimeLimit);
  remove("web");
}

TEST_F(Detached, keeps_no_descriptor_of_its_starter_open) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  Command starting = command({"run", "-d", "--name", "web", "busybox", "sleep", "1000"});
  starting.streams = {{9, ends[1]}};
  EXPECT_EQ(run(starting).status, 0);
  ::close(ends[1]);
  char byte = 0;
  EXPECT_EQ(::read(ends[0], &byte, 1), 0) << "somebody holds the pipe open";
  ::close(ends[0]);
  remove("web");
}

TEST_F(Detached, survives_the_kill_of_its_starter_and_its_process_group) {
  Command starting = command({"run", "-d", "--name", "web", "busybox", "sleep", "1000"});
  starting.before_exec = [] { ::setpgid(0, 0); };
  Process process(starting);
  ASSERT_TRUE(process.read_until("\n"));
  ::kill(-process.pid(), SIGKILL);
  process.wait();
  EXPECT_TRUE(status_of("web").starts_with("Up "));
  remove("web");
}

TEST_F(Detached, is_created_and_started_later) {
  const Result created = myct({"create", "--name", "web", "busybox", "sh", "-c", "echo hello; sleep 1000"});
  EXPECT_THAT(created.out, MatchesRegex("[0-9a-f]{64}\n"));
  EXPECT_EQ(status_of("web"), "Created");
  EXPECT_EQ(myct({"ps", "-q"}).out, "");
  EXPECT_TRUE(prints(myct({"start", "web"}), "web\n"));
  EXPECT_TRUE(prints(myct({"start", "web"}), "web\n")) << "one that runs is left alone";
  EXPECT_TRUE(status_of("web").starts_with("Up "));
  EXPECT_TRUE(eventually([&] { return myct({"logs", "web"}).out == "hello\n"; }));
  remove("web");
}

TEST_F(Detached, keeps_its_files_from_one_start_to_the_next) {
  start("web", "echo x >>/count; wc -l </count");
  EXPECT_EQ(myct({"wait", "web"}).out, "0\n");
  EXPECT_EQ(myct({"start", "-a", "web"}).out, "2\n");
  EXPECT_EQ(myct({"start", "-a", "web"}).out, "3\n");
  EXPECT_EQ(myct({"logs", "web"}).out, "1\n2\n3\n");
  remove("web");
}

TEST_F(Detached, that_was_run_in_the_foreground_has_a_log_from_its_next_start_on) {
  EXPECT_TRUE(prints(myct({"run", "--name", "web", "busybox", "echo", "hello"}), "hello\n"));
  EXPECT_TRUE(fails_with(myct({"logs", "web"}), 1, "it was run in the foreground"));
  EXPECT_TRUE(prints(myct({"start", "web"}), "web\n"));
  EXPECT_EQ(myct({"wait", "web"}).out, "0\n");
  EXPECT_TRUE(prints(myct({"logs", "web"}), "hello\n"));
  remove("web");
}

TEST_F(Detached, has_its_host_files_again_when_a_loss_of_power_took_them) {
  const Result created =
      myct({"create", "--name", "web", "--hostname", "box", "busybox", "cat", "/etc/hosts", "/etc/hostname"});
  const std::string directory = root() + "/containers/" + created.out.substr(0, 64);
  std::filesystem::resize_file(directory + "/hosts", 0);
  std::filesystem::remove(directory + "/hostname");
  const Result result = myct({"start", "-a", "web"});
  EXPECT_THAT(result.out, HasSubstr("127.0.0.1"));
  EXPECT_THAT(result.out, HasSubstr("box\n"));
  remove("web");
}

TEST_F(Detached, gives_its_status_and_input_to_who_starts_it_attached) {
  ASSERT_EQ(myct({"create", "-i", "--name", "web", "busybox", "sh", "-c", "cat; exit 3"}).status, 0);
  const Result result = myct({"start", "-ai", "web"}, "some input");
  EXPECT_EQ(result.status, 3) << result;
  EXPECT_EQ(result.out, "some input");
  remove("web");
}

TEST_F(Detached, stays_with_the_reason_when_start_fails) {
  ASSERT_EQ(myct({"create", "--name", "web", "busybox", "/no/such"}).status, 0);
  EXPECT_TRUE(fails_with(myct({"start", "web"}), 1, "No such file or directory"));
  EXPECT_TRUE(status_of("web").starts_with("Exited (127)"));
  remove("web");
}

TEST_F(Detached, ends_by_its_stop_signal) {
  start("web", "trap 'echo usr1; exit 9' USR1; echo ready; while :; do sleep 0.05; done", {"--stop-signal", "USR1"});
  ASSERT_TRUE(eventually([&] { return myct({"logs", "web"}).out == "ready\n"; }));
  EXPECT_TRUE(prints(myct({"stop", "web"}), "web\n"));
  EXPECT_TRUE(status_of("web").starts_with("Exited (9)"));
  EXPECT_TRUE(prints(myct({"stop", "web"}), "web\n")) << "one that is stopped is left alone";
  remove("web");
}

TEST_F(Detached, is_killed_when_it_does_not_stop_in_time) {
  start("web", "trap '' TERM; echo ready; while :; do sleep 0.05; done");
  ASSERT_TRUE(eventually([&] { return myct({"logs", "web"}).out == "ready\n"; }));
  EXPECT_TRUE(prints(myct({"stop", "-t", "0", "web"}), "web\n"));
  EXPECT_TRUE(status_of("web").starts_with("Exited (137)"));
  remove("web");
}

TEST_F(Detached, gets_the_signal_that_kill_names) {
  start("web", "trap 'exit 4' HUP; echo ready; while :; do sleep 0.05; done");
  ASSERT_TRUE(eventually([&] { return myct({"logs", "web"}).out == "ready\n"; }));
  EXPECT_TRUE(prints(myct({"kill", "-s", "SIGHUP", "web"}), "web\n"));
  EXPECT_TRUE(prints(myct({"wait", "web"}), "4\n"));
  EXPECT_TRUE(fails_with(myct({"kill", "web"}), 1, "cannot kill container 'web': it is exited"));
  remove("web");
}

TEST_F(Detached, is_started_anew_by_restart) {
  start("web", "echo started; sleep 1000");
  ASSERT_TRUE(eventually([&] { return myct({"logs", "web"}).out == "started\n"; }));
  EXPECT_TRUE(prints(myct({"restart", "-t", "0", "web"}), "web\n"));
  EXPECT_TRUE(eventually([&] { return myct({"logs", "web"}).out == "started\nstarted\n"; }));
  EXPECT_TRUE(status_of("web").starts_with("Up "));
  remove("web");
}

TEST_F(Detached, stands_still_while_it_is_paused) {
  start("web", "while :; do echo tick; sleep 0.01; done");
  ASSERT_TRUE(eventually([&] { return !myct({"logs", "web"}).out.empty(); }));
  EXPECT_TRUE(prints(myct({"pause", "web"}), "web\n"));
  EXPECT_THAT(status_of("web"), HasSubstr("(Paused)"));
  const std::string frozen = myct({"logs", "web"}).out;
  ::usleep(100'000);
  EXPECT_EQ(myct({"logs", "web"}).out, frozen);
  EXPECT_TRUE(fails_with(myct({"pause", "web"}), 1, "already paused"));
  EXPECT_TRUE(fails_with(myct({"exec", "web", "true"}), 1, "it is paused"));
  EXPECT_TRUE(fails_with(myct({"rm", "web"}), 1, "it is paused"));
  EXPECT_TRUE(prints(myct({"unpause", "web"}), "web\n"));
  EXPECT_TRUE(eventually([&] { return myct({"logs", "web"}).out != frozen; }));
  EXPECT_TRUE(prints(myct({"pause", "web"}), "web\n"));
  remove("web");
}

TEST_F(Detached, is_refused_to_rm_while_it_runs) {
  start("web", "sleep 1000");
  EXPECT_TRUE(fails_with(myct({"rm", "web"}), 1, "cannot remove container 'web': it is running"));
  remove("web");
}

TEST_F(Detached, is_called_otherwise_after_rename) {
  const std::string id = start("web", "sleep 1000");
  start("other", "sleep 1000");
  EXPECT_TRUE(prints(myct({"rename", "web", "site"}), ""));
  EXPECT_TRUE(status_of("site").starts_with("Up "));
  EXPECT_EQ(status_of("web"), "");
  EXPECT_TRUE(fails_with(myct({"rename", "site", "other"}), 1, "already in use"));
  EXPECT_TRUE(fails_with(myct({"rename", "site", "!"}), 1, "invalid container name"));
  // The end is recorded under the new name.
  EXPECT_EQ(myct({"stop", "-t", "0", "site"}).status, 0);
  EXPECT_TRUE(status_of("site").starts_with("Exited"));
  EXPECT_EQ(myct({"rm", "-f", "site", "other"}).out, "site\nother\n");
}

TEST_F(Detached, several_at_once_and_each_failure_is_named) {
  for (const char* name : {"a1", "a2", "a3"}) start(name, "sleep 1000");
  const Result result = myct({"stop", "-t", "0", "a1", "nosuch", "a2", "a3"});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.out, "a1\na2\na3\n");
  EXPECT_THAT(result.err, HasSubstr("no such container: 'nosuch'"));
  EXPECT_EQ(myct({"rm", "a1", "a2", "a3"}).out, "a1\na2\na3\n");
}

TEST_F(Detached, errors_of_several_come_in_the_order_of_the_words) {
  // The first fails long after the second: its process 1 ignores TERM, and has taken its program away.
  start("broken", "rm /bin/sh; echo gone; sleep 1000");
  ASSERT_TRUE(logs("broken", "gone\n"));
  const Result result = myct({"restart", "-t", "1", "broken", "nosuch"});
  EXPECT_EQ(result.status, 1);
  const std::vector<std::string> errors = lines_of(result.err);
  ASSERT_EQ(errors.size(), 2U) << result;
  EXPECT_THAT(errors[0], HasSubstr("'sh'"));
  EXPECT_EQ(errors[1].find("myct: no such container: 'nosuch'"), 0U) << errors[1];
  EXPECT_EQ(myct({"rm", "broken"}).status, 0);
}

// --- restart policies ------------------------------------------------------------------------------------------------

class RestartPolicy : public Detached {};

TEST_F(RestartPolicy, on_failure_starts_again_as_often_as_it_says) {
  start("web", "echo run; exit 3", {"--restart", "on-failure:2"});
  EXPECT_TRUE(becomes("web", "Exited (3)"));
  EXPECT_TRUE(eventually([&] { return myct({"logs", "web"}).out == "run\nrun\nrun\n"; }));
  EXPECT_TRUE(eventually([&] { return host().processes().empty(); }));
  EXPECT_EQ(myct({"inspect", "-f", "{{.RestartCount}}", "web"}).out, "2\n");
  remove("web");
}

TEST_F(RestartPolicy, on_failure_leaves_a_success_alone) {
  start("web", "echo run", {"--restart", "on-failure"});
  EXPECT_TRUE(becomes("web", "Exited (0)"));
  EXPECT_EQ(myct({"logs", "web"}).out, "run\n");
  remove("web");
}

TEST_F(RestartPolicy, always_starts_again_until_it_is_stopped) {
  start("web", "echo run; exit 0", {"--restart", "always"});
  EXPECT_TRUE(eventually([&] { return lines_of(myct({"logs", "web"}).out).size() >= 3; }));
  EXPECT_TRUE(prints(myct({"stop", "-t", "0", "web"}), "web\n"));
  const std::string log = myct({"logs", "web"}).out;
  EXPECT_THAT(status_of("web"), HasSubstr("Exited (0)"));
  EXPECT_TRUE(eventually([&] { return host().processes().empty(); }));
  EXPECT_EQ(myct({"logs", "web"}).out, log);
  remove("web");
}

TEST_F(RestartPolicy, is_shown_while_it_waits) {
  start("web", "exit 1", {"--restart", "always"});
  EXPECT_TRUE(becomes("web", "Restarting (1)"));
  remove("web");
}

TEST_F(RestartPolicy, does_not_bring_back_what_is_removed) {
  start("web", "exit 1", {"--restart", "always"});
  remove("web");
  EXPECT_TRUE(eventually([&] { return host().processes().empty(); }));
  EXPECT_EQ(myct({"ps", "-aq"}).out, "");
}

TEST_F(RestartPolicy, starts_again_what_was_killed_from_inside) {
  start("web", "echo run; sleep 1000", {"--restart", "unless-stopped"});
  ASSERT_TRUE(eventually([&] { return myct({"logs", "web"}).out == "run\n"; }));
  ::kill(init_pid(), SIGKILL);
  EXPECT_TRUE(eventually([&] { return myct({"logs", "web"}).out == "run\nrun\n"; }));
  EXPECT_TRUE(becomes("web", "Up "));
  remove("web");
}

TEST_F(RestartPolicy, can_be_changed_while_it_runs) {
  start("web", "sleep 0.5; exit 1", {"--restart", "always"});
  EXPECT_TRUE(prints(myct({"update", "--restart", "no", "web"}), "web\n"));
  EXPECT_TRUE(becomes("web", "Exited (1)"));
  EXPECT_TRUE(eventually([&] { return host().processes().empty(); }));
  remove("web");
}

TEST_F(RestartPolicy, and_rm_exclude_each_other) {
  EXPECT_TRUE(fails_with(myct({"run", "-d", "--rm", "--restart", "always", "busybox", "true"}), 125,
                         "conflicting options: --restart and --rm"));
  EXPECT_TRUE(fails_with(myct({"run", "-d", "--restart", "sometimes", "busybox", "true"}), 125,
                         "invalid restart policy 'sometimes'"));
}

TEST_F(RestartPolicy, decides_what_is_started_after_a_boot) {
  start("plain", "sleep 1000");
  start("always", "sleep 1000", {"--restart", "always"});
  start("kept", "sleep 1000", {"--restart", "unless-stopped"});
  start("stopped", "sleep 1000", {"--restart", "unless-stopped"});
  EXPECT_EQ(myct({"stop", "-t", "0", "stopped"}).status, 0);
  // What a boot does: every process is gone, and with them all of /run.
  for (const int pid : host().processes()) ::kill(pid, SIGKILL);
  ASSERT_TRUE(eventually([] { return host().processes().empty(); }));
  const Result gone = run(Command{.argv = {"/bin/rm", "-rf", runtime_dir()}, .env = {}});
  ASSERT_EQ(gone.status, 0);
  EXPECT_EQ(myct({"ps", "-q"}).out, "");
  EXPECT_TRUE(status_of("plain").starts_with("Exited (255)"));
  EXPECT_EQ(myct({"start", "--all-restartable"}).status, 0);
  EXPECT_TRUE(status_of("always").starts_with("Up "));
  EXPECT_TRUE(status_of("kept").starts_with("Up "));
  EXPECT_TRUE(status_of("plain").starts_with("Exited"));
  EXPECT_TRUE(status_of("stopped").starts_with("Exited"));
  EXPECT_EQ(myct({"rm", "-f", "plain", "always", "kept", "stopped"}).status, 0);
}

// --- kills -----------------------------------------------------------------------------------------------------------

TEST_F(RestartPolicy, does_not_start_after_a_boot_what_was_never_started) {
  ASSERT_EQ(myct({"create", "--name", "web", "--restart", "always", "busybox", "sleep", "1000"}).status, 0);
  EXPECT_EQ(myct({"start", "--all-restartable"}).status, 0);
  EXPECT_EQ(status_of("web"), "Created");
  remove("web");
}

TEST_F(RestartPolicy, is_asked_again_before_the_next_run) {
  start("web", "exit 1", {"--restart", "always"});
  EXPECT_TRUE(becomes("web", "Restarting (1)"));
  const std::string count = myct({"inspect", "-f", "{{.RestartCount}}", "web"}).out;
  EXPECT_EQ(myct({"update", "--restart", "no", "web"}).status, 0);
  EXPECT_TRUE(becomes("web", "Exited (1)"));
  EXPECT_TRUE(eventually([] { return host().processes().empty(); }));
  remove("web");
}

// --- what a container may leave
// ---------------------------------------------------------------------------------------

TEST_F(Detached, is_removed_however_deep_its_directories_are) {
  start("deep", "i=0; while [ $i -lt 1500 ]; do mkdir d && cd d || exit 1; i=$((i+1)); done; touch file");
  EXPECT_EQ(myct({"wait", "deep"}).out, "0\n");
  Command removing = command({"rm", "deep"});
  removing.before_exec = [] {
    const rlimit few{.rlim_cur = 256, .rlim_max = 256};
    ::setrlimit(RLIMIT_NOFILE, &few);
  };
  EXPECT_TRUE(prints(run(removing), "deep\n"));
  EXPECT_EQ(myct({"ps", "-aq"}).status, 0);
}

TEST_F(Detached, is_the_only_thing_in_its_directory_that_ps_touches) {
  start("web", "sleep 1000");
  const std::string other = root() + "/containers/lost+found";
  std::filesystem::create_directories(other + "/x");
  EXPECT_EQ(myct({"ps", "-a"}).status, 0);
  EXPECT_TRUE(std::filesystem::exists(other + "/x"));
  std::filesystem::remove_all(other);
  remove("web");
}

TEST_F(Detached, is_found_by_its_name_with_docker_s_slash) {
  start("web", "sleep 1000");
  EXPECT_TRUE(prints(myct({"stop", "-t", "0", "/web"}), "/web\n"));
  remove("web");
}

TEST_F(Detached, survives_its_starters_bound_on_file_sizes) {
  Command starting =
      command({"run", "-d", "--name", "web", "busybox", "sh", "-c", "head -c 100000 /dev/zero; sleep 1000"});
  starting.before_exec = [] {
    const rlimit small{.rlim_cur = 65536, .rlim_max = 65536};
    ::setrlimit(RLIMIT_FSIZE, &small);
  };
  EXPECT_EQ(run(starting).status, 0);
  ::usleep(200'000);
  EXPECT_TRUE(status_of("web").starts_with("Up "));
  remove("web");
}

TEST_F(Detached, is_stopped_though_nobody_reads_its_output) {
  Command starting = command(
      {"run", "--log-driver", "json-file", "--name", "web", "busybox", "sh", "-c", "yes | head -c 3000000; exit 7"});
  int ends[2];
  // What the program inherits would be a reader that lives as long as it does.
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  starting.streams = {{1, ends[1]}};
  Process running(starting);
  ::close(ends[1]);
  ASSERT_TRUE(eventually([&] { return status_of("web").starts_with("Up") || status_of("web").starts_with("Exited"); }));
  EXPECT_TRUE(prints(myct({"stop", "-t", "0", "web"}), "web\n"));
  EXPECT_THAT(status_of("web"), Not(HasSubstr("(255)")));
  ::close(ends[0]);
  EXPECT_FALSE(running.wait().timed_out);
  remove("web");
}

class SupervisorKill : public Detached {
 protected:
  /// The only child that we have adopted is the supervisor.
  [[nodiscard]] int supervisor() const {
    const std::string text = read_file(runtime_dir() + "/containers/" + id_ + "/run.json");
    const size_t owner = text.find("\"owner\"");
    const size_t pid = text.find("\"pid\":", owner);
    return std::stoi(text.substr(pid + 6));
  }
  void kill_supervisor(const Words& options) {
    id_ = start("web", "sleep 1000", options);
    ::kill(supervisor(), SIGKILL);
    EXPECT_TRUE(eventually([] { return host().processes().empty(); })) << "the program outlives its supervisor";
  }
  std::string id_;
};

TEST_F(SupervisorKill, ends_the_container_and_ps_tells_so) {
  kill_supervisor({});
  EXPECT_TRUE(status_of("web").starts_with("Exited (255)"));
  EXPECT_TRUE(prints(myct({"wait", "web"}), "255\n"));
  EXPECT_TRUE(prints(myct({"start", "web"}), "web\n"));
  EXPECT_TRUE(status_of("web").starts_with("Up "));
  remove("web");
}

TEST_F(SupervisorKill, leaves_a_removable_container_to_the_next_command) {
  kill_supervisor({"--rm"});
  EXPECT_EQ(myct({"ps", "-aq"}).out, "");
  EXPECT_THAT(leftovers(), IsEmpty());
}

TEST_F(SupervisorKill, is_found_and_mended_by_system_check) {
  kill_supervisor({});
  const Result found = myct({"system", "check"});
  EXPECT_EQ(found.status, 1);
  EXPECT_THAT(found.out, HasSubstr("container 'web': its myct was killed before its end was recorded"));
  EXPECT_EQ(myct({"system", "check", "--repair"}).status, 0);
  EXPECT_TRUE(prints(myct({"system", "check"}), ""));
  remove("web");
}

TEST_F(SupervisorKill, wakes_who_waits) {
  id_ = start("web", "sleep 1000");
  Process waiting(command({"wait", "web"}));
  EXPECT_TRUE(eventually([&] {
    for (const std::string& file : {runtime_dir() + "/containers/" + id_})
      for (const auto& entry : std::filesystem::directory_iterator(file))
        if (entry.path().filename().string().starts_with("wait-")) return true;
    return false;
  }));
  ::kill(supervisor(), SIGKILL);
  EXPECT_EQ(waiting.wait().out, "255\n");
  remove("web");
}

TEST_F(SupervisorKill, by_sigterm_stops_the_container) {
  id_ = start("web", "trap 'exit 6' TERM; echo ready; while :; do sleep 0.05; done", {"--restart", "always"});
  ASSERT_TRUE(eventually([&] { return myct({"logs", "web"}).out == "ready\n"; }));
  ::kill(supervisor(), SIGTERM);
  EXPECT_TRUE(becomes("web", "Exited (6)"));
  remove("web");
}

}  // namespace
}  // namespace myct::test
