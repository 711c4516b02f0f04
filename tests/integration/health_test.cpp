// Health checks: what they find, how it is shown, and that nothing is left of one, however it ends.
#include <signal.h>
#include <set>

#include <filesystem>
#include <fstream>

#include "detached.hpp"

namespace myct::test {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// For checks that are only done by hand.
const std::string kNever = "1h";

class Health : public DetachedTest {
 protected:
  /// A container that sleeps, with that check. An interval that is given again counts.
  std::string start_checked(const std::string& name, const std::string& check, const Words& options = {}) const {
    Words all = {"--health-cmd", check, "--health-interval", "50ms"};
    all.insert(all.end(), options.begin(), options.end());
    return start(name, "sleep 1000", all);
  }
  [[nodiscard]] std::string health(const std::string& name) const {
    return inspect(name, "{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}");
  }
  [[nodiscard]] bool becomes_health(const std::string& name, const std::string& status) const {
    return eventually([&] { return health(name) == status; });
  }
  [[nodiscard]] std::string inspect(const std::string& name, const std::string& format) const {
    const std::string text = myct({"inspect", "-f", format, name}).out;
    return text.substr(0, text.rfind('\n'));
  }
  /// Of all results that are kept, one a line.
  [[nodiscard]] std::vector<std::string> results(const std::string& name, const std::string& format) const {
    return lines_of(inspect(name, "{{range .State.Health.Log}}" + format + "{{println}}{{end}}"));
  }
  /// The image gets that health check, by new documents of its.
  void give_image(const std::string& check) const {
    std::string index = read_file(root() + "/images/index.json");
    const std::string manifest_digest = first_digest(index);
    std::string manifest = read_blob(manifest_digest);
    const std::string config_digest = first_digest(manifest);
    std::string config = read_blob(config_digest);
    const std::string place = "\"config\":{";
    ASSERT_NE(config.find(place), std::string::npos) << config;
    config.insert(config.find(place) + place.size(), "\"Healthcheck\":" + check + ",");
    const std::string new_config = write_blob(config);
    manifest.replace(manifest.find(config_digest), config_digest.size(), new_config);
    index.replace(index.find(manifest_digest), manifest_digest.size(), write_blob(manifest));
    index.replace(index.find(config_digest), config_digest.size(), new_config);  // the image's id
    std::ofstream(root() + "/images/index.json") << index;
  }
  [[nodiscard]] static std::string first_digest(const std::string& document) {
    const std::string before = "\"digest\":\"sha256:";
    return document.substr(document.find(before) + before.size(), 64);
  }
  [[nodiscard]] std::string blobs() const { return root() + "/images/blobs/sha256/"; }
  [[nodiscard]] std::string read_blob(const std::string& digest) const { return read_file(blobs() + digest); }
  [[nodiscard]] std::string write_blob(const std::string& content) const {
    const Result sum = run({.argv = {"/usr/bin/sha256sum", write_file("blob", content)}, .env = {}});
    std::ofstream(blobs() + sum.out.substr(0, 64)) << content;
    return sum.out.substr(0, 64);
  }
  [[nodiscard]] Result check(const std::string& name) const { return myct({"healthcheck", "run", name}); }
  [[nodiscard]] Result in(const std::string& name, const std::string& script) const {
    return myct({"exec", name, "sh", "-c", script});
  }
  /// Processes of this test that the kernel knows by that name.
  [[nodiscard]] static std::set<int> processes_named(const std::string& name) {
    std::set<int> found;  // one that is ours and in our control groups is listed twice
    for (const int pid : host().processes())
      if (read_file("/proc/" + std::to_string(pid) + "/comm") == name + "\n") found.insert(pid);
    return found;
  }
  /// The only one of that name, as soon as it is there.
  [[nodiscard]] static int process_named(const std::string& name) {
    std::set<int> found;
    EXPECT_TRUE(eventually([&] {
      found = processes_named(name);
      return found.size() == 1;
    })) << name;
    return found.empty() ? 0 : *found.begin();
  }
  [[nodiscard]] static bool ends(int pid) {
    return eventually([&] { return !std::filesystem::exists("/proc/" + std::to_string(pid)); });
  }
  /// The processes of checks that have written their numbers there, as the container knows them.
  [[nodiscard]] std::vector<std::string> checks_begun(const std::string& name, size_t least) const {
    std::vector<std::string> pids;
    EXPECT_TRUE(eventually([&] {
      pids = lines_of(in(name, "cat /pids 2>/dev/null").out);
      return pids.size() >= least;
    }));
    return pids;
  }
  /// Whether the check of that number is no more.
  [[nodiscard]] bool is_over(const std::string& name, const std::string& pid) const {
    // Where process 1 reaps nobody, what has ended stays as a zombie.
    return eventually([&] { return in(name, "grep -q ') [^Z] ' /proc/" + pid + "/stat").status != 0; });
  }
};

/// One that would go on for ever.
constexpr const char* kEndless = "echo $$ >>/pids; exec sleep 1000";

TEST_F(Health, is_starting_until_a_check_succeeds) {
  start_checked("web", "test -e /ok", {"--health-retries", "1000"});
  EXPECT_THAT(status_of("web"), ::testing::MatchesRegex("Up .* \\(health: starting\\)"));
  EXPECT_EQ(in("web", "touch /ok").status, 0);
  EXPECT_TRUE(becomes_health("web", "healthy"));
  EXPECT_THAT(status_of("web"), ::testing::MatchesRegex("Up .* \\(healthy\\)"));
  EXPECT_EQ(inspect("web", "{{.State.Health.FailingStreak}}"), "0");
  EXPECT_THAT(results("web", "{{.ExitCode}}"), ::testing::Contains("0"));
  remove("web");
}

TEST_F(Health, is_bad_after_as_many_failures_as_there_are_retries_and_good_again_after_a_success) {
  start_checked("web", "echo no; test -e /ok", {"--health-retries", "3"});
  EXPECT_TRUE(becomes_health("web", "unhealthy"));
  EXPECT_THAT(status_of("web"), EndsWith(" (unhealthy)"));
  EXPECT_GE(std::stoi(inspect("web", "{{.State.Health.FailingStreak}}")), 3);
  EXPECT_THAT(results("web", "{{.ExitCode}} {{json .Output}}"), ::testing::Each("1 \"no\\n\""));
  EXPECT_EQ(in("web", "touch /ok").status, 0);
  EXPECT_TRUE(becomes_health("web", "healthy"));
  EXPECT_EQ(myct({"stop", "-t", "0", "web"}).status, 0);
  EXPECT_EQ(health("web"), "unhealthy") << "as Docker says of what is not checked any more";
  remove("web");
}

TEST_F(Health, is_not_bad_in_the_start_period) {
  start_checked("web", "test -e /ok",
                {"--health-interval", kNever, "--health-start-period", "1h", "--health-start-interval", "20ms",
                 "--health-retries", "1"});
  EXPECT_TRUE(eventually([&] { return results("web", "{{.ExitCode}}").size() == 5; }));
  EXPECT_EQ(inspect("web", "{{.State.Health.Status}} {{.State.Health.FailingStreak}}"), "starting 0");
  EXPECT_EQ(in("web", "touch /ok").status, 0);
  EXPECT_TRUE(becomes_health("web", "healthy"));
  EXPECT_EQ(in("web", "rm /ok").status, 0);
  EXPECT_EQ(check("web").status, 1);
  EXPECT_EQ(health("web"), "unhealthy") << "it was healthy once";
  remove("web");
}

TEST_F(Health, check_that_takes_too_long_is_killed) {
  start_checked("web", "echo begun; sleep 1000 & echo $! >>/pids; wait",
                {"--health-timeout", "300ms", "--health-interval", kNever});
  EXPECT_TRUE(fails_with(check("web"), 1, "Health check exceeded timeout (300ms): begun"));
  EXPECT_THAT(results("web", "{{.ExitCode}} {{json .Output}}"),
              ElementsAre("-1 \"Health check exceeded timeout (300ms): begun\\n\""));
  EXPECT_TRUE(is_over("web", checks_begun("web", 1).front()));
  remove("web");
}

TEST_F(Health, check_runs_as_the_program_does) {
  start_checked("web", "echo $A $(id -u) $(pwd); cat; exit 3",
                {"--health-interval", kNever, "-e", "A=b", "-u", "1000", "-w", "/tmp"});
  EXPECT_TRUE(
      fails_with(check("web"), 1, "the health check of container 'web' has failed: exit status 3: b 1000 /tmp"));
  remove("web");
}

TEST_F(Health, check_without_its_shell_has_failed) {
  start_checked("web", "true", {"--health-interval", kNever});
  EXPECT_EQ(in("web", "rm /bin/sh").status, 0);
  EXPECT_TRUE(fails_with(check("web"), 1, "'/bin/sh': No such file or directory"));
  EXPECT_THAT(results("web", "{{.ExitCode}}"), ElementsAre("-1"));
  remove("web");
}

TEST_F(Health, output_of_a_check_is_kept_up_to_a_bound) {
  start_checked("web", "yes | head -c 1000000; exit 1", {"--health-interval", kNever});
  EXPECT_EQ(check("web").status, 1);
  EXPECT_THAT(results("web", "{{len .Output}}"), ElementsAre("4099"));
  EXPECT_THAT(inspect("web", "{{range .State.Health.Log}}{{.Output}}{{end}}"), EndsWith("y\ny\n..."));
  remove("web");
}

TEST_F(Health, is_asked_by_hand) {
  start_checked("web", "test -e /ok", {"--health-interval", kNever, "--health-retries", "1"});
  EXPECT_TRUE(fails_with(check("web"), 1, "the health check of container 'web' has failed: exit status 1"));
  EXPECT_EQ(health("web"), "unhealthy");
  EXPECT_EQ(in("web", "touch /ok").status, 0);
  EXPECT_TRUE(prints(check("web"), ""));
  EXPECT_EQ(health("web"), "healthy");
  EXPECT_TRUE(fails_with(check("db"), 1, "no such container: 'db'"));
  start("db", "sleep 1000");
  EXPECT_TRUE(fails_with(check("db"), 1, "container 'db' has no health check"));
  EXPECT_EQ(myct({"stop", "-t", "0", "web"}).status, 0);
  EXPECT_TRUE(fails_with(check("web"), 1, "cannot check the health of container 'web': it is exited"));
  remove("web");
  remove("db");
}

TEST_F(Health, is_found_by_filters_and_shown_in_lists) {
  start_checked("good", "true", {"--health-interval", kNever});
  start_checked("bad", "false", {"--health-interval", kNever, "--health-retries", "1"});
  start_checked("new", "true", {"--health-interval", kNever});
  start("none", "sleep 1000");
  EXPECT_EQ(check("good").status, 0);
  EXPECT_EQ(check("bad").status, 1);
  const auto having = [&](const std::string& word) {
    return myct({"ps", "--filter", "health=" + word, "--format", "{{.Names}} {{.HealthStatus}}"}).out;
  };
  EXPECT_EQ(having("healthy"), "good healthy\n");
  EXPECT_EQ(having("unhealthy"), "bad unhealthy\n");
  EXPECT_EQ(having("starting"), "new starting\n");
  EXPECT_EQ(having("none"), "none \n");
  for (const std::string name : {"good", "bad", "new", "none"}) remove(name);
}

TEST_F(Health, changes_are_events) {
  Process watching(command({"events", "--filter", "event=health_status", "--format",
                            "{{.Action}} {{.Actor.Attributes.name}}", "--since", "1h"}));
  start_checked("web", "test -e /ok", {"--health-interval", kNever, "--health-retries", "1"});
  EXPECT_EQ(check("web").status, 1);
  EXPECT_EQ(check("web").status, 1);
  EXPECT_EQ(in("web", "touch /ok").status, 0);
  EXPECT_EQ(check("web").status, 0);
  EXPECT_TRUE(watching.read_until("health_status: healthy web\n"));
  EXPECT_EQ(watching.out(), "health_status: unhealthy web\nhealth_status: healthy web\n");
  watching.signal(SIGTERM);
  watching.wait();
  remove("web");
}

TEST_F(Health, begins_anew_with_each_start) {
  start_checked("web", "false", {"--health-interval", kNever, "--health-retries", "1"});
  EXPECT_EQ(check("web").status, 1);
  EXPECT_EQ(health("web"), "unhealthy");
  EXPECT_EQ(myct({"restart", "-t", "0", "web"}).status, 0);
  EXPECT_EQ(health("web"), "starting");
  EXPECT_THAT(results("web", "{{.ExitCode}}"), IsEmpty());
  remove("web");
}

TEST_F(Health, begins_anew_when_the_restart_policy_starts_the_program) {
  start_checked("web", "false", {"--health-interval", kNever, "--health-retries", "1", "--restart", "always"});
  EXPECT_EQ(check("web").status, 1);
  EXPECT_EQ(::kill(init_pid(), SIGKILL), 0);
  EXPECT_TRUE(eventually([&] { return inspect("web", "{{.RestartCount}} {{.State.Status}}") == "1 running"; }));
  EXPECT_EQ(health("web"), "starting");
  remove("web");
}

TEST_F(Health, is_checked_of_a_program_in_the_foreground_too) {
  Process running(shell_command({"--name", "web", "--health-cmd", "true", "--health-interval", "50ms"},
                                "echo up; exec sleep 1000"));
  EXPECT_TRUE(running.read_until("up\n"));
  EXPECT_TRUE(becomes_health("web", "healthy"));
  EXPECT_EQ(myct({"stop", "-t", "0", "web"}).status, 0);
  EXPECT_EQ(running.wait().status, 137);
}

TEST_F(Health, is_not_checked_where_the_user_says_so) {
  start("web", "sleep 1000", {"--no-healthcheck"});
  EXPECT_EQ(health("web"), "none");
  EXPECT_EQ(inspect("web", "{{json .Config.Healthcheck}}"), R"({"Test":["NONE"]})");
  EXPECT_TRUE(fails_with(check("web"), 1, "container 'web' has no health check"));
  remove("web");
}

TEST_F(Health, check_of_the_image_is_done_unless_options_say_otherwise) {
  give_image(R"({"Test":["CMD","test","-e","/ok"],"Interval":50000000,"Retries":1})");
  start("web", "sleep 1000");
  EXPECT_TRUE(becomes_health("web", "unhealthy"));
  EXPECT_EQ(in("web", "touch /ok").status, 0);
  EXPECT_TRUE(becomes_health("web", "healthy"));
  start("other", "sleep 1000", {"--health-retries", "1000", "--health-interval", kNever});
  EXPECT_EQ(inspect("other", "{{json .Config.Healthcheck}}"),
            R"({"Test":["CMD","test","-e","/ok"],"Interval":3600000000000,"Retries":1000})");
  start("unasked", "sleep 1000", {"--no-healthcheck"});
  EXPECT_EQ(health("unasked"), "none");
  Process foreground(shell_command({"--name", "front"}, "echo up; exec sleep 1000"));
  EXPECT_TRUE(foreground.read_until("up\n"));
  EXPECT_TRUE(becomes_health("front", "unhealthy"));
  for (const std::string name : {"web", "other", "unasked", "front"}) remove(name);
  foreground.wait();
}

TEST_F(Health, options_are_shown_as_they_were_given) {
  EXPECT_EQ(myct({"create", "--name", "web", "--health-cmd", "exit 1", "--health-interval", "1m30s", "--health-timeout",
                  "500ms", "--health-retries", "2", "--health-start-period", "1s", "--health-start-interval", "0s",
                  "busybox"})
                .status,
            0);
  EXPECT_EQ(inspect("web", "{{json .Config.Healthcheck}}"),
            R"({"Test":["CMD-SHELL","exit 1"],"Interval":90000000000,"Timeout":500000000,"StartPeriod":1000000000,)"
            R"("Retries":2})");
  EXPECT_EQ(health("web"), "none") << "it never ran";
  remove("web");
}

TEST_F(Health, options_that_mean_nothing_are_refused) {
  const auto with = [&](const Words& options) {
    Words words = {"run", "-d"};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {"busybox", "true"});
    return myct(words);
  };
  EXPECT_TRUE(fails_with(with({"--health-interval", "5"}), 125,
                         "invalid value '5' for '--health-interval': give a time such as 1m30s or 500ms"));
  EXPECT_TRUE(fails_with(with({"--health-timeout", "999us"}), 125, "at least 1ms"));
  EXPECT_TRUE(fails_with(with({"--health-start-period", "-1s"}), 125, "at least 1ms"));
  EXPECT_TRUE(fails_with(with({"--health-start-interval", "soon"}), 125, "--health-start-interval"));
  EXPECT_TRUE(fails_with(with({"--health-retries", "-1"}), 125, "--health-retries"));
  EXPECT_TRUE(fails_with(with({"--no-healthcheck", "--health-cmd", "true"}), 125, "conflicting options"));
  EXPECT_EQ(container_count(), 0U);
}

TEST_F(Health, check_that_hangs_delays_neither_output_nor_the_end) {
  start("web", "read line; echo $line; sleep 1000", {"-i", "--health-cmd", kEndless, "--health-interval", "50ms"});
  (void)process_named("myct-health");
  Process attached(command({"attach", "web"}));
  EXPECT_EQ(in("web", "echo hello >/proc/1/fd/1").status, 0);
  EXPECT_TRUE(logs("web", "hello\n"));
  EXPECT_TRUE(prints(myct({"stop", "-t", "0", "web"}), "web\n"));
  attached.wait();
  EXPECT_THAT(processes_named("myct-health"), IsEmpty());
  remove("web");
}

TEST_F(Health, check_whose_process_is_killed_leaves_nothing_and_the_next_one_comes) {
  start_checked("web", kEndless, {"--health-timeout", "1h"});
  for (const std::string name : {"myct-health", "myct-keeper"}) {
    const size_t begun = checks_begun("web", 1).size();
    const std::string check = checks_begun("web", begun).back();
    ASSERT_EQ(::kill(process_named(name), SIGKILL), 0);
    EXPECT_TRUE(is_over("web", check)) << name;
    EXPECT_THAT(checks_begun("web", begun + 1), SizeIs(begun + 1)) << name;
  }
  remove("web");
}

TEST_F(Health, check_leaves_nothing_when_the_supervisor_is_killed) {
  start_checked("web", kEndless, {"--health-timeout", "1h"});
  (void)checks_begun("web", 1);
  ASSERT_EQ(::kill(process_named("myct-supervisor"), SIGKILL), 0);
  EXPECT_TRUE(eventually([] { return host().processes().empty(); }));
  EXPECT_THAT(status_of("web"), HasSubstr("Exited"));
  remove("web");
}

TEST_F(Health, check_that_a_pause_holds_up_does_not_count) {
  start_checked("web", kEndless, {"--health-timeout", "2s", "--health-retries", "1"});
  const int check = process_named("myct-health");
  (void)checks_begun("web", 1);
  EXPECT_EQ(myct({"pause", "web"}).status, 0);
  EXPECT_TRUE(ends(check));
  EXPECT_THAT(results("web", "{{.ExitCode}}"), IsEmpty());
  EXPECT_EQ(health("web"), "starting");
  EXPECT_THAT(status_of("web"), EndsWith(" (Paused)"));
  EXPECT_EQ(myct({"unpause", "web"}).status, 0);
  EXPECT_TRUE(becomes_health("web", "unhealthy")) << "and then it counts";
  remove("web");
}

TEST_F(Health, check_of_a_line_is_run_by_the_image_s_shell) {
  give_image(R"({"Test":["CMD-SHELL","of the image"]},"Shell":["/bin/ash","-c","echo shell: $0; exit 4"])");
  start("web", "sleep 1000", {"--health-interval", kNever});
  EXPECT_TRUE(fails_with(check("web"), 1, "exit status 4: shell: of the image"));
  EXPECT_EQ(inspect("web", "{{json .Config.Shell}}"), R"(["/bin/ash","-c","echo shell: $0; exit 4"])");
  start("own", "sleep 1000", {"--health-interval", kNever, "--health-cmd", "of the user"});
  EXPECT_TRUE(fails_with(check("own"), 1, "exit status 4: shell: of the user"));
  remove("web");
  remove("own");
}

}  // namespace
}  // namespace myct::test
