// `myct events`: what happens to containers and images, as it happens.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "detached.hpp"

namespace myct::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Events : public DetachedTest {
 protected:
  void SetUp() override {
    DetachedTest::SetUp();
    std::filesystem::remove(runtime_dir() + "/events");  // the import of the image that all tests have
  }
  /// What has been printed in this form since the test began.
  [[nodiscard]] std::vector<std::string> all(const std::string& format, const Words& options = {}) const {
    Words words = {"events", "--since", since_, "--until", "0s", "--format", format};
    words.insert(words.end(), options.begin(), options.end());
    const Result result = myct(words);
    EXPECT_EQ(result.status, 0) << result;
    EXPECT_EQ(result.err, "");
    return lines_of(result.out);
  }
  [[nodiscard]] std::vector<std::string> actions(const Words& options = {}) const {
    return all("{{.Action}}", options);
  }
  /// `myct events` that misses nothing of this test.
  [[nodiscard]] Process watch(const Words& options = {}) const {
    Words words = {"events", "--since", since_};
    words.insert(words.end(), options.begin(), options.end());
    return Process(command(words));
  }

  const std::string since_ = std::to_string(
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
};

TEST_F(Events, are_told_as_they_happen) {
  Process watching = watch({"--format", "{{.Action}} {{.Actor.Attributes.name}}"});
  start("web", "sleep 1000");
  EXPECT_TRUE(watching.read_until("create web\nstart web\n"));
  EXPECT_EQ(myct({"pause", "web"}).status, 0);
  EXPECT_TRUE(watching.read_until("start web\npause web\n"));
  EXPECT_EQ(myct({"unpause", "web"}).status, 0);
  EXPECT_EQ(myct({"stop", "-t", "0", "web"}).status, 0);
  EXPECT_TRUE(watching.read_until("unpause web\nkill web\nkill web\ndie web\nstop web\n"));
  EXPECT_EQ(myct({"start", "web"}).status, 0);
  EXPECT_TRUE(watching.read_until("stop web\nstart web\n"));
  EXPECT_EQ(myct({"kill", "web"}).status, 0);
  EXPECT_EQ(myct({"rm", "web"}).status, 0);
  EXPECT_TRUE(watching.read_until("destroy web\n"));
  watching.signal(SIGTERM);
  const Result result = watching.wait();
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.out,
            "create web\nstart web\npause web\nunpause web\nkill web\nkill web\ndie web\nstop web\nstart web\nkill "
            "web\ndie web\n"
            "destroy web\n");
}

TEST_F(Events, begin_with_now_if_no_time_is_given) {
  start("old", "sleep 1000");
  Process watching(command({"events", "--format", "{{.Action}} {{.Actor.Attributes.name}}"}));
  // It is not to be seen from outside when it has begun: so until it tells.
  EXPECT_TRUE(eventually([&] {
    EXPECT_EQ(myct({"create", "--name", "new", "busybox", "true"}).status, 0);
    EXPECT_EQ(myct({"rm", "new"}).status, 0);
    std::ifstream io("/proc/" + std::to_string(watching.pid()) + "/io");
    const std::string text((std::istreambuf_iterator<char>(io)), {});
    return text.find("wchar: 0\n") == std::string::npos;
  }));
  EXPECT_TRUE(watching.read_until("new\n"));
  EXPECT_THAT(watching.out(), ::testing::Not(HasSubstr("old")));
  remove("old");
}

TEST_F(Events, are_json_objects_one_a_line) {
  const std::string id = start("web", "exit 3", {"-l", "tier=front"});
  EXPECT_EQ(myct({"wait", "web"}).out, "3\n");
  const std::vector<std::string> lines = all("json", {"--filter", "event=die"});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0],
              ::testing::MatchesRegex(R"(\{"Action":"die","Actor":\{"Attributes":\{"exitCode":"3","image":"busybox",)"
                                      R"("name":"web","tier":"front"\},"ID":")" +
                                      id + R"("\},"Type":"container","from":"busybox","id":")" + id +
                                      R"(","scope":"local","status":"die","time":[0-9]+,"timeNano":[0-9]+\})"));
  remove("web");
}

TEST_F(Events, take_the_fields_of_docker_s_templates) {
  const std::string id = start("web", "exit 3");
  EXPECT_EQ(myct({"wait", "web"}).out, "3\n");
  const Words die = {"--filter", "event=die"};
  EXPECT_THAT(all("{{.Type}} {{.Status}} {{.ID}} {{.From}} {{.Scope}} {{.Action}} {{.Actor.ID}}", die),
              ElementsAre("container die " + id + " busybox local die " + id));
  EXPECT_THAT(
      all("{{index .Actor.Attributes \"name\"}} {{.Actor.Attributes.none}}|{{index .Actor.Attributes \"x\"}}|", die),
      ElementsAre("web <no value>||"));
  EXPECT_EQ(all("{{.Time}} {{.TimeNano}}", die), all("{{.time}} {{.timeNano}}", die));
  EXPECT_EQ(all("{{json .}}", die), all("json", die)) << "JSON's names are its own";
  const Result unknown = myct({"events", "--since", since_, "--until", "0s", "--format", "{{.Nope}}"});
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.err, HasSubstr("can't evaluate field Nope"));
  remove("web");
}

TEST_F(Events, of_a_removal_by_force_tell_the_kill) {
  start("web", "sleep 1000");
  EXPECT_EQ(myct({"rm", "-f", "web"}).status, 0);
  EXPECT_THAT(all("{{.Action}} {{.Actor.Attributes.signal}}"),
              ElementsAre("create <no value>", "start <no value>", "kill 9", "die <no value>", "destroy <no value>"));
}

TEST_F(Events, are_readable_without_a_format) {
  const std::string id = start("web", "exit 3");
  EXPECT_EQ(myct({"wait", "web"}).out, "3\n");
  const Result result = myct({"events", "--since", since_, "--until", "0s", "--filter", "event=die"});
  EXPECT_THAT(result.out, ::testing::MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{9}Z container die " +
                                                  id + " \\(exitCode=3, image=busybox, name=web\\)\n"));
  remove("web");
}

TEST_F(Events, tell_what_was_done) {
  start("web", "sleep 1000");
  EXPECT_EQ(myct({"exec", "web", "sh", "-c", "exit 4"}).status, 4);
  EXPECT_EQ(myct({"kill", "-s", "USR2", "web"}).status, 0);
  remove("web");
  EXPECT_THAT(all("{{.Action}} {{.Actor.Attributes.execCommand}}", {"-f", "event=exec_start"}),
              ElementsAre("exec_start sh"));
  EXPECT_THAT(all("{{.Actor.Attributes.exitCode}}", {"-f", "event=exec_die"}), ElementsAre("4"));
  EXPECT_THAT(all("{{.Actor.Attributes.signal}}", {"-f", "event=kill"}), ::testing::Contains("12"));
  EXPECT_THAT(all("{{.Actor.Attributes.exitCode}}", {"-f", "event=die"}), ElementsAre("137"));
}

TEST_F(Events, tell_every_restart_by_the_policy) {
  start("web", "exit 1", {"--restart", "on-failure:2"});
  EXPECT_TRUE(becomes("web", "Exited (1)"));
  EXPECT_TRUE(eventually([&] { return actions().size() >= 7; }));
  EXPECT_THAT(actions(), ElementsAre("create", "start", "die", "start", "die", "start", "die"));
  remove("web");
}

TEST_F(Events, of_a_container_in_the_foreground_are_told_too) {
  EXPECT_EQ(shell({"--name", "web"}, "exit 5").status, 5);
  EXPECT_THAT(actions(), ElementsAre("create", "start", "die", "destroy"));
}

TEST_F(Events, of_a_start_that_failed_leave_nothing_open) {
  EXPECT_EQ(myct({"run", "-d", "--rm", "busybox", "/no/such"}).status, 127);
  EXPECT_THAT(actions(), ElementsAre("create", "destroy"));
}

TEST_F(Events, are_filtered) {
  EXPECT_EQ(shell({"--name", "a1", "-l", "tier=front", "-l", "x"}, "true").status, 0);
  EXPECT_EQ(shell({"--name", "b1", "-l", "tier=back"}, "true").status, 0);
  const auto names = [&](const Words& options) {
    std::vector<std::string> found = all("{{.Actor.Attributes.name}}", options);
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
  };
  EXPECT_THAT(names({}), ElementsAre("a1", "b1"));
  EXPECT_THAT(names({"-f", "container=b1"}), ElementsAre("b1"));
  EXPECT_THAT(names({"-f", "container=a1", "-f", "container=b1"}), ElementsAre("a1", "b1"));
  EXPECT_THAT(names({"-f", "label=tier"}), ElementsAre("a1", "b1"));
  EXPECT_THAT(names({"-f", "label=tier=front"}), ElementsAre("a1"));
  EXPECT_THAT(names({"-f", "label=tier", "-f", "label=x"}), ElementsAre("a1"));
  EXPECT_THAT(names({"-f", "image=busybox"}), ElementsAre("a1", "b1"));
  EXPECT_THAT(names({"-f", "image=other"}), IsEmpty());
  EXPECT_THAT(names({"-f", "type=network"}), IsEmpty());
  EXPECT_THAT(actions({"-f", "container=a1", "-f", "event=create", "-f", "event=rm"}),
              ElementsAre("create", "destroy"));
  EXPECT_TRUE(fails_with(myct({"events", "-f", "colour=red"}), 1, "invalid filter 'colour'"));
  EXPECT_TRUE(fails_with(myct({"events", "-f", "red"}), 125, "invalid filter 'red'"));
}

TEST_F(Events, end_at_a_time_that_comes) {
  Process watching = watch({"--until", "2100-01-01"});
  EXPECT_EQ(shell({}, "true").status, 0);
  EXPECT_TRUE(watching.read_until("container destroy"));
  const std::string soon = std::to_string(
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count() +
      1);
  const Result result = myct({"events", "--until", soon});
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_FALSE(result.timed_out);
}

TEST_F(Events, end_quietly_when_nobody_reads_them_any_more) {
  Process watching = watch();
  EXPECT_EQ(shell({}, "true").status, 0);
  ASSERT_TRUE(watching.read_until("destroy"));
  watching.close_stdout();
  // No event has to come for it.
  const Result result = watching.wait();
  EXPECT_FALSE(result.timed_out);
  EXPECT_EQ(result.err, "");
}

TEST_F(Events, refuse_a_template_that_is_none) {
  EXPECT_TRUE(fails_with(myct({"events", "--until", "0s", "--format", "{{.Action"}), 64, "template"));
}

TEST_F(Events, of_images_are_told) {
  ASSERT_EQ(myct({"import", "-c", "LABEL tier=front", busybox_tarball(), "one"}).status, 0);
  std::string id = myct({"images", "-q", "--no-trunc", "one"}).out;
  id.pop_back();
  ASSERT_EQ(myct({"tag", "one", "example.org:5000/two:v"}).status, 0);
  ASSERT_EQ(myct({"save", "-o", path("one.tar"), "one"}).status, 0);
  ASSERT_EQ(myct({"rmi", "one"}).status, 0);
  ASSERT_EQ(myct({"image", "prune", "-af", "--filter", "label=tier"}).status, 0);
  ASSERT_EQ(myct({"load", "-i", path("one.tar")}).status, 0);
  const Words front = {"--filter", "type=image", "--filter", "label=tier=front"};
  EXPECT_THAT(all("{{.Type}} {{.Action}} {{.Actor.Attributes.name}}", front),
              ElementsAre("image import one:latest", "image tag example.org:5000/two:v", "image save one",
                          "image untag one:latest", "image untag example.org:5000/two:v", "image delete " + id,
                          "image load one:latest"));
  EXPECT_THAT(all("{{.ID}} {{.Actor.ID}} {{.From}}|", front), ::testing::Each(id + " " + id + " |"));
  EXPECT_THAT(actions({"--filter", "image=example.org:5000/two"}), ElementsAre("tag", "untag"));
  EXPECT_THAT(actions({"--filter", "image=one:latest"}), ElementsAre("import", "untag", "load"));
  EXPECT_THAT(actions({"--filter", "image=" + id}), ::testing::SizeIs(7));
  EXPECT_THAT(actions({"--filter", "image=" + id.substr(7, 12), "--filter", "event=tag"}), ElementsAre("tag"));
  EXPECT_THAT(actions({"--filter", "container=one"}), IsEmpty());
}

TEST_F(Events, of_containers_are_found_by_their_image_with_its_tag_or_without) {
  EXPECT_EQ(myct({"run", "--rm", "busybox:latest", "true"}).status, 0);
  for (const char* image : {"busybox", "busybox:latest"})
    EXPECT_THAT(actions({"-f", "type=container", "-f", std::string("image=") + image}), ::testing::SizeIs(4)) << image;
}

// --- rotation --------------------------------------------------------------------------------------------------------

class EventsRotation : public Events {
 protected:
  /// Fills the file up, to a few events below the bound, with what is older than any --since here.
  void fill() const {
    std::filesystem::create_directories(runtime_dir());
    std::ofstream file(runtime_dir() + "/events", std::ios::app);
    const std::string line =
        R"({"Action":"old","Type":"container","timeNano":1,"id":"x","fill":")" + std::string(4000, 'x') + "\"}\n";
    for (size_t size = 0; size + line.size() + 500 < (4U << 20); size += line.size()) file << line;
  }
};

TEST_F(EventsRotation, loses_and_repeats_nothing) {
  fill();
  const std::string format = "{{.Action}} {{.Actor.Attributes.name}}";
  Process following = watch({"--format", format});
  std::string expected;
  for (int round = 0; round < 6; ++round) {
    const std::string name = "c" + std::to_string(round);
    EXPECT_EQ(shell({"--name", name}, "true").status, 0);
    for (const char* action : {"create ", "start ", "die ", "destroy "}) expected.append(action).append(name) += "\n";
  }
  EXPECT_TRUE(following.read_until("destroy c5\n"));
  EXPECT_EQ(following.out(), expected);
  ASSERT_TRUE(std::filesystem::exists(runtime_dir() + "/events.1")) << "nothing was rotated";
  EXPECT_LT(std::filesystem::file_size(runtime_dir() + "/events"), 4U << 20);
  std::string again;
  for (const std::string& line : all(format)) again += line + "\n";
  EXPECT_EQ(again, expected);
  EXPECT_EQ(run(Command{.argv = {"/bin/rm", runtime_dir() + "/events.1"}, .env = {}}).status, 0);
}

TEST_F(EventsRotation, does_not_mind_what_a_kill_has_torn) {
  EXPECT_EQ(shell({"--name", "a1"}, "true").status, 0);
  std::ofstream(runtime_dir() + "/events", std::ios::app) << R"({"Action":"torn","Ty)"
                                                          << "\nnonsense\n[1]\n";
  EXPECT_EQ(shell({"--name", "b1"}, "true").status, 0);
  EXPECT_EQ(actions().size(), 8U);
}

}  // namespace
}  // namespace myct::test
