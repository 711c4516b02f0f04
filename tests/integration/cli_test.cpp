// What holds for every command: other names, docker's nouns, exit statuses that scripts depend on, manual pages.
#include <algorithm>
#include <filesystem>
#include <iterator>
#include <sstream>

#include "sandbox.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;

class Cli : public ContainerTest {};

TEST_F(Cli, takes_the_nouns_of_docker) {
  ASSERT_EQ(myct({"container", "run", "--name", "web", "busybox", "true"}).status, 0);
  for (const Words& words : {Words{"ls", "-aq"}, Words{"container", "ls", "-aq"}, Words{"container", "ps", "-aq"},
                             Words{"container", "list", "-aq"}})
    EXPECT_EQ(myct(words).out, myct({"ps", "-aq"}).out) << words.front();
  EXPECT_EQ(myct({"image", "ls"}).out, myct({"images"}).out);
  EXPECT_TRUE(prints(myct({"container", "rm", "web"}), "web\n"));
  EXPECT_EQ(myct({"image", "import", busybox_tarball(), "second"}).status, 0);
  EXPECT_TRUE(prints(myct({"image", "rm", "second"}), "Untagged: second:latest\n"));
}

TEST_F(Cli, leaves_a_noun_alone_that_is_no_command) {
  ASSERT_EQ(myct({"import", busybox_tarball(), "container"}).status, 0);
  EXPECT_TRUE(prints(myct({"run", "--rm", "container", "echo", "ls"}), "ls\n"));
}

TEST_F(Cli, keeps_the_options_of_a_program_behind_a_noun) {
  EXPECT_TRUE(prints(myct({"container", "run", "--rm", "--", "busybox", "echo", "-n", "--rm"}), "--rm"));
}

struct StatusRow {
  const char* name;
  Words words;
  int status;
  const char* text;
};

class CliStatus : public ContainerTest, public ::testing::WithParamInterface<StatusRow> {};

TEST_P(CliStatus, is_docker_s) { EXPECT_TRUE(fails_with(myct(GetParam().words), GetParam().status, GetParam().text)); }

INSTANTIATE_TEST_SUITE_P(
    Table, CliStatus,
    ::testing::Values(
        StatusRow{"nothing", {}, 1, "no command given"}, StatusRow{"unknown_command", {"bogus"}, 1, "'bogus'"},
        StatusRow{"unknown_word_after_a_noun", {"container", "bogus"}, 1, "unknown command 'container bogus'"},
        StatusRow{
            "noun_alone", {"image"}, 1, "'image' needs another word: there are: image inspect, prune, ls, list, rm, "},
        StatusRow{"word_of_another_noun", {"image", "ps"}, 1, "unknown command 'image ps'"},
        StatusRow{"unknown_global_option", {"--foo", "ps"}, 125, "myct: unknown option '--foo': see 'myct ps --help'"},
        StatusRow{"unknown_option", {"ps", "--foo"}, 125, "myct: unknown option '--foo': see 'myct ps --help'"},
        StatusRow{"unknown_option_with_a_value", {"ps", "--foo=bar"}, 125, "unknown option '--foo':"},
        StatusRow{"unknown_letter", {"ps", "-aZ"}, 125, "unknown option '-Z'"},
        StatusRow{"unknown_option_and_a_word_too_many", {"ps", "extra", "--foo"}, 125, "unknown option '--foo'"},
        StatusRow{"word_too_many", {"ps", "extra"}, 1, "myct: unexpected word 'extra': see 'myct ps --help'"},
        StatusRow{"words_too_many", {"ps", "extra", "more"}, 1, "unexpected word 'extra'"},
        StatusRow{"word_too_few", {"rm"}, 1, "CONTAINER is required"},
        StatusRow{"missing_value", {"run", "--restart"}, 125, "myct: --restart: needs a POLICY: see 'myct run --help'"},
        StatusRow{"missing_value_of_a_list", {"run", "-l"}, 125, "--label: needs a KEY[=VALUE]"},
        StatusRow{"missing_number", {"ps", "-n"}, 125, "--last: needs an N"},
        StatusRow{"no_number", {"ps", "-n", "x"}, 125, "myct: --last: 'x' is not a number"},
        StatusRow{"too_large_a_number", {"ps", "-n", "99999999999999999999"}, 125, "is not a number"},
        StatusRow{"flag_of_another_value", {"run", "--rm=maybe", "x"}, 125, "--rm: 'maybe' is neither true nor false"},
        StatusRow{"word_that_is_none_of_a_few",
                  {"inspect", "--type", "pod", "x"},
                  125,
                  "--type: 'pod' is neither container nor image"},
        StatusRow{"no_image", {"run"}, 1, "no image given"},
        StatusRow{"bad_value", {"run", "--ulimit", "bad", "busybox"}, 125, "bad"},
        StatusRow{"run_of_an_unknown_option", {"run", "--foo", "busybox"}, 125, "--foo"},
        StatusRow{"run_of_a_missing_image", {"run", "--pull", "never", "nosuch"}, 125, "nosuch"},
        StatusRow{"run_of_a_missing_program", {"run", "--rm", "busybox", "nosuch"}, 127, "nosuch"},
        StatusRow{"run_of_a_directory", {"run", "--rm", "busybox", "/bin"}, 126, "/bin"},
        StatusRow{"rm_of_a_stranger", {"rm", "nosuch"}, 1, "no such container: 'nosuch'"},
        StatusRow{"rmi_of_a_stranger", {"rmi", "nosuch"}, 1, "no image 'nosuch'"},
        StatusRow{"import_of_a_missing_file", {"import", "/no/such", "x"}, 1, "/no/such"}),
    [](const auto& row) { return row.param.name; });

TEST_F(Cli, takes_an_equals_sign_behind_short_options_too) {
  EXPECT_TRUE(prints(myct({"run", "-d=false", "-e=A=b", "-w=/tmp", "--rm", "busybox", "sh", "-c", "echo $A; pwd"}),
                     "b\n/tmp\n"));
  EXPECT_TRUE(prints(myct({"run", "--rm", "busybox", "echo", "-n=1", "-e=A"}), "-n=1 -e=A\n"));
  EXPECT_EQ(myct({"create", "-t=false", "--name=web", "-l=color=red", "busybox", "true"}).status, 0);
  EXPECT_TRUE(prints(myct({"ps", "-a=true", "-f=label=color=red", "--format={{.Names}}"}), "web\n"));
  EXPECT_TRUE(prints(myct({"ps", "-a=false", "-f=label=color=red", "--format={{.Names}}"}), ""));
  EXPECT_TRUE(fails_with(myct({"run", "-m=x", "busybox", "true"}), 125, "invalid size 'x' for --memory"));
  EXPECT_EQ(myct({"rm", "web"}).status, 0);
}

TEST_F(Cli, helps_however_it_is_asked) {
  EXPECT_TRUE(prints(myct({"help"}), myct({"--help"}).out));
  EXPECT_TRUE(prints(myct({"help", "ps"}), myct({"ps", "--help"}).out));
  EXPECT_TRUE(prints(myct({"help", "run"}), myct({"run", "--help"}).out));
  EXPECT_TRUE(prints(myct({"help", "system", "check"}), myct({"system", "check", "--help"}).out));
  EXPECT_THAT(myct({"ps", "--help"}).out, HasSubstr("--no-trunc"));
  EXPECT_TRUE(fails_with(myct({"help", "bogus"}), 1, "unknown command 'bogus'"));
  EXPECT_TRUE(prints(myct({"run", "--rm", "busybox", "echo", "help"}), "help\n"));
  EXPECT_THAT(myct({"-v"}).out, ::testing::MatchesRegex("myct version [0-9.]+\n"));
}

TEST_F(Cli, lists_what_may_follow_a_noun) {
  const Result container = myct({"container", "--help"});
  EXPECT_EQ(container.status, 0) << container;
  EXPECT_THAT(container.out, ::testing::StartsWith("Usage: myct container COMMAND"));
  EXPECT_THAT(container.out, HasSubstr("\n  rm                                Remove containers\n"));
  EXPECT_TRUE(prints(myct({"help", "container"}), container.out));
  EXPECT_THAT(myct({"system", "--help"}).out, HasSubstr("\n  check "));
}

TEST_F(Cli, tells_its_version_to_templates) {
  const std::string version = myct({"version"}).out.substr(std::string("myct version ").size());
  EXPECT_TRUE(prints(myct({"version", "--format", "{{.Client.Version}}"}), version));
  EXPECT_TRUE(prints(myct({"version", "-f", "{{.Server.Version}}"}), version));
  EXPECT_EQ(myct({"version", "-f", "{{.Client.Arch}}"}).out,
            myct({"inspect", "-f", "{{.Architecture}}", "busybox"}).out);
  EXPECT_THAT(myct({"version", "--format", "json"}).out, ::testing::StartsWith("{\"Client\":{\"Version\":\""));
  EXPECT_TRUE(fails_with(myct({"version", "-f", "{{.Nope}}"}), 1, "can't evaluate field Nope"));
  EXPECT_TRUE(fails_with(myct({"version", "-f", "{{"}), 64, "template"));
}

TEST_F(Cli, writes_a_manual_page_for_every_command_that_troff_takes) {
  ASSERT_TRUE(prints(myct({"__man", path("man")}), ""));
  const std::string help = myct({"--help"}).out;
  size_t pages = 0;
  for (const std::string& line : lines_of(help.substr(help.find("Subcommands:")))) {
    if (!line.starts_with("  ")) continue;
    const std::string name = line.substr(2, line.find("  ", 2) - 2);
    std::string file = "man/myct-" + name + ".1";
    std::replace(file.begin(), file.end(), ' ', '-');
    const std::string page = read_file(path(file));
    EXPECT_THAT(page, HasSubstr(".SH SYNOPSIS\n\\fBmyct\\fR")) << file;
    EXPECT_THAT(page, HasSubstr("\\fB\\-\\-help\\fR")) << file;
    ++pages;
  }
  EXPECT_GT(pages, 5U);
  for (const auto& entry : std::filesystem::directory_iterator(path("man"))) {
    Command groff = command({});
    groff.argv = {"/usr/bin/groff", "-man", "-Tutf8", "-ww", entry.path()};
    const Result result = run(groff);
    EXPECT_EQ(result.status, 0) << entry.path() << result;
    EXPECT_EQ(result.err, "") << entry.path();
  }
}

/// The words behind `marker` of an error's line: "keys are a, b".
std::vector<std::string> listed(const std::string& error, const std::string& marker) {
  std::string text = error.substr(std::min(error.size(), error.find(marker) + marker.size()));
  std::replace(text.begin(), text.end(), ',', ' ');
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

TEST_F(Cli, has_manual_pages_that_name_all_keys_and_fields) {
  ASSERT_TRUE(prints(myct({"__man", path("man")}), ""));
  ASSERT_EQ(myct({"create", "--name", "web", "busybox", "true"}).status, 0);
  const std::string ps = read_file(path("man/myct-ps.1"));
  const std::vector<std::string> keys = listed(myct({"ps", "-f", "x=y"}).err, "keys are ");
  ASSERT_GT(keys.size(), 10U);
  for (const std::string& key : keys)
    EXPECT_THAT(ps, ::testing::ContainsRegex("\n\\\\fB([a-z]+, )?" + key + "[,\\]")) << key;
  const std::vector<std::string> fields = listed(myct({"ps", "-a", "--format", "{{.Nope}}"}).err, "fields are ");
  ASSERT_GT(fields.size(), 10U);
  for (const std::string& field : fields) EXPECT_THAT(ps, ::testing::ContainsRegex("\\." + field + "[,\\]")) << field;
  const std::vector<std::string> event_keys = listed(myct({"events", "-f", "x=y"}).err, "there are: ");
  ASSERT_EQ(event_keys.size(), 5U);
  const std::string events = read_file(path("man/myct-events.1"));
  for (const std::string& key : event_keys) EXPECT_THAT(events, HasSubstr("\\fB" + key + "\\fR")) << key;
  const std::vector<std::string> prune_keys = listed(myct({"prune", "--filter", "x=y"}).err, "there are: ");
  ASSERT_EQ(prune_keys.size(), 3U);
  const std::string prune = read_file(path("man/myct-prune.1"));
  for (const std::string& key : prune_keys) EXPECT_THAT(prune, ::testing::ContainsRegex("[ B]" + key + "[,\\]")) << key;
  EXPECT_THAT(events, HasSubstr("\\fB64\\fR\n"));
  EXPECT_THAT(read_file(path("man/myct-wait.1")), HasSubstr("128+n"));
  EXPECT_TRUE(prints(myct({"rm", "web"}), "web\n"));
}

}  // namespace
}  // namespace myct::test
