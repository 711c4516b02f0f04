// `myct inspect`.
#include "sandbox.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

class Inspect : public ContainerTest {
 protected:
  void SetUp() override {
    ContainerTest::SetUp();
    ASSERT_EQ(myct({"run", "--name", "web", "-l", "tier=front", "-h", "box", "-e", "A=1", "--ulimit", "nofile=100:200",
                    "busybox", "sh", "-c", "printf 123456789012 > /file; exit 3"})
                  .status,
              3);
  }
  void TearDown() override {
    for (const std::string& id : lines_of(myct({"ps", "-aq"}).out)) (void)myct({"rm", "-f", id});
    ContainerTest::TearDown();
  }
  [[nodiscard]] std::string field(const std::string& form) const { return myct({"inspect", "-f", form, "web"}).out; }
};

TEST_F(Inspect, prints_an_array_of_documents) {
  const Result result = myct({"inspect", "web", "busybox"});
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.out, StartsWith("[\n    {\n        \"Id\": \""));
  EXPECT_THAT(result.out, HasSubstr("        \"Name\": \"/web\",\n"));
  EXPECT_THAT(result.out, HasSubstr("        \"RepoTags\": [\n            \"busybox:latest\"\n        ]"));
  EXPECT_THAT(result.out, ::testing::EndsWith("    }\n]\n"));
  EXPECT_THAT(myct({"inspect", "-f", "json", "web"}).out, MatchesRegex("\\[\\{\"Id\":.*\\}\\]\n"));
}

TEST_F(Inspect, answers_what_scripts_ask) {
  EXPECT_EQ(field("{{.State.Status}} {{.State.Running}} {{.State.ExitCode}}"), "exited false 3\n");
  EXPECT_EQ(field("{{.Name}} {{.Path}} {{.Config.Image}} {{.Config.Hostname}}"), "/web sh busybox box\n");
  EXPECT_EQ(field("{{index .Config.Labels \"tier\"}} {{.Config.Labels.none}}"), "front <no value>\n");
  EXPECT_THAT(field("{{range .Config.Env}}{{println .}}{{end}}"), HasSubstr("A=1\n"));
  EXPECT_EQ(field("{{range .HostConfig.Ulimits}}{{.Name}}={{.Soft}}:{{.Hard}}{{end}}"), "nofile=100:200\n");
  EXPECT_EQ(field("{{.HostConfig.RestartPolicy.Name}} {{.NetworkSettings.IPAddress}}|"), "no |\n");
  EXPECT_EQ(field("{{.GraphDriver.Data.UpperDir}}"),
            root() + "/containers/" + field("{{.Id}}").substr(0, 64) + "/upper\n");
  EXPECT_EQ(read_file(field("{{.HostnamePath}}").substr(0, field("{{.HostnamePath}}").size() - 1)), "box\n");
  EXPECT_EQ(field("{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}"), "none\n");
  EXPECT_EQ(field("{{.HostConfig.PidMode}}|{{.HostConfig.Memory}}|{{.NetworkSettings.SandboxKey}}|"), "|0||\n");
  EXPECT_EQ(field("{{.State.StartedAt}}").substr(0, 2), "20");
}

TEST_F(Inspect, shows_the_log_that_there_is) {
  const std::string form = "{{.HostConfig.LogConfig.Type}} {{json .HostConfig.LogConfig.Config}}";
  EXPECT_EQ(field(form), "none {}\n") << "its output went to its myct's own";
  EXPECT_EQ(myct({"start", "-a", "web"}).status, 3);
  EXPECT_EQ(field(form), "json-file {}\n");
  ASSERT_EQ(myct({"create", "--name", "bounded", "--log-opt", "max-size=10m", "busybox", "true"}).status, 0);
  EXPECT_EQ(myct({"inspect", "-f", form, "bounded"}).out, "json-file {\"max-size\":\"10m\"}\n");
}

TEST_F(Inspect, measures_when_asked_to) {
  EXPECT_EQ(myct({"inspect", "-s", "-f", "{{.SizeRw}}", "web"}).out, "12\n");
  EXPECT_THAT(myct({"inspect", "-f", "{{.SizeRw}}", "web"}).err, HasSubstr("can't evaluate field SizeRw"));
}

TEST_F(Inspect, looks_for_containers_first_and_for_images_when_told) {
  ASSERT_EQ(myct({"run", "--name", "busybox", "busybox", "true"}).status, 0);
  EXPECT_EQ(myct({"inspect", "-f", "{{.Name}}", "busybox"}).out, "/busybox\n");
  EXPECT_EQ(myct({"inspect", "--type", "image", "-f", "{{.RepoTags}} {{.Os}}", "busybox"}).out,
            "[busybox:latest] linux\n");
  EXPECT_THAT(myct({"inspect", "--type=container", "busybox:latest"}).err,
              HasSubstr("no such container: busybox:latest"));
  const std::string id = myct({"images", "-q"}).out.substr(0, 12);
  EXPECT_EQ(myct({"inspect", "-f", "{{slice .Id 7 19}}", id}).out, id + "\n");
}

TEST_F(Inspect, names_what_is_missing_and_prints_what_was_found) {
  const Result none = myct({"inspect", "nosuch"});
  EXPECT_EQ(none.status, 1);
  EXPECT_EQ(none.out, "[]\n");
  EXPECT_EQ(none.err, "myct: no such object: nosuch\n");
  const Result one = myct({"inspect", "-f", "{{.Name}}", "nosuch", "web"});
  EXPECT_EQ(one.status, 1);
  EXPECT_EQ(one.out, "/web\n");
  EXPECT_EQ(one.err, "myct: no such object: nosuch\n");
}

TEST_F(Inspect, refuses_templates_that_cannot_be) {
  EXPECT_TRUE(fails_with(myct({"inspect", "-f", "{{.Id", "web"}), 64, "unclosed action"));
  const Result unknown = myct({"inspect", "-f", "{{.Nope}}", "web"});
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.err, HasSubstr("myct: execute template at '.Nope': can't evaluate field Nope: fields are Id, "));
  EXPECT_EQ(myct({"inspect", "--type", "network", "web"}).status, 125);
}

TEST_F(Inspect, shows_a_running_container) {
  Process running(probe_command({"--name", "busy"}, {"hold"}));
  ASSERT_TRUE(running.read_until("ready"));
  const std::string pid = std::to_string(init_pid());
  EXPECT_EQ(myct({"inspect", "-f", "{{.State.Status}} {{.State.Running}} {{.State.Pid}}", "busy"}).out,
            "running true " + pid + "\n");
  EXPECT_EQ(myct({"rm", "-f", "busy"}).status, 0);
}

}  // namespace
}  // namespace myct::test
