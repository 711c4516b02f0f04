// The completion scripts in the real shells: what a person types, with a tab in it, and what the shell then runs.
#include <unistd.h>

#include "kernel.hpp"
#include "sandbox.hpp"

namespace myct::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// Two containers that have ended, and an image with a tag.
class Completion : public ContainerTest {
 protected:
  void SetUp() override {
    ContainerTest::SetUp();
    for (const char* name : {"web-one", "web-two"})
      ASSERT_EQ(myct({"run", "--name", name, "busybox", "true"}).status, 0);
    ASSERT_EQ(myct({"import", busybox_tarball(), "toolbox:1.36"}).status, 0);
    write_file("settings.env", "A=b\n");
  }
  void TearDown() override {
    for (const char* name : {"web-one", "web-two"}) EXPECT_EQ(myct({"rm", name}).status, 0);
    ContainerTest::TearDown();
  }

  /// What `myct __complete WORDS…` offers, without the descriptions.
  [[nodiscard]] std::vector<std::string> offers(const Words& words) const {
    Words all = {"__complete"};
    all.insert(all.end(), words.begin(), words.end());
    const Result result = myct(all);
    EXPECT_EQ(result.status, 0) << result;
    EXPECT_EQ(result.err, "");
    std::vector<std::string> found;
    for (const std::string& line : lines_of(result.out)) found.push_back(line.substr(0, line.find('\t')));
    return found;
  }

  /// A directory with a `myct` in it that completes as the real one does, and else says what it was called with.
  [[nodiscard]] std::string make_talker() const {
    const std::string directory = make_directory("bin");
    write_file(
        "bin/myct",
        "#!/bin/sh\ncase $1 in __complete | completion) exec " + myct_path() + " \"$@\" ;; esac\necho \"ran <$*>\"\n",
        0755);
    return directory;
  }
  [[nodiscard]] Command shell_with_myct(const Words& argv) const {
    Command shell = command({});
    shell.argv = argv;
    shell.env["PATH"] = make_talker() + ":" + shell.env["PATH"];
    shell.env["TERM"] = "dumb";
    shell.env["PS1"] = "prompt> ";
    shell.directory = path("");
    return shell;
  }
};

TEST_F(Completion, offers_every_command_of_help_with_its_summary) {
  const std::string help = myct({"--help"}).out;
  const Result result = myct({"__complete", ""});
  const std::string list = help.substr(help.find("Subcommands:"));
  for (const std::string& line : lines_of(list)) {
    if (!line.starts_with("  ")) continue;
    const std::string name = line.substr(2, line.find("  ", 2) - 2);
    const std::string summary = line.substr(line.find_first_not_of(' ', 2 + name.size()));
    if (name.find(' ') != std::string::npos) continue;  // of two words the first is offered first
    EXPECT_THAT(result.out, HasSubstr(name + "\t" + summary + "\n"));
  }
  EXPECT_THAT(result.out, HasSubstr("run\t"));
  EXPECT_THAT(result.out, Not(HasSubstr("__")));
}

TEST_F(Completion, offers_the_options_of_the_command) {
  EXPECT_THAT(offers({"rm", "--f"}), ElementsAre("--force"));
  EXPECT_THAT(offers({"--deb"}), ElementsAre("--debug"));
  EXPECT_THAT(offers({"run", "busybox", "--"}), IsEmpty()) << "those belong to the program";
  EXPECT_THAT(offers({"rm", "--", "--f"}), IsEmpty());
}

TEST_F(Completion, offers_values_of_options) {
  EXPECT_THAT(offers({"run", "--network", ""}), ElementsAre("bridge", "container:", "host", "none", "ns:"));
  EXPECT_THAT(offers({"run", "-it", "--network=n"}), ElementsAre("--network=none", "--network=ns:"));
  EXPECT_THAT(offers({"run", "--cidfile", ""}), ElementsAre(":file"));
  EXPECT_THAT(offers({"--root", ""}), ElementsAre(":directory"));
  EXPECT_THAT(offers({"run", "--image", "tool"}), ElementsAre("toolbox:1.36"));
  EXPECT_THAT(offers({"completion", ""}), ElementsAre("bash", "zsh", "fish"));
}

TEST_F(Completion, offers_containers_that_are_not_named_yet) {
  EXPECT_THAT(offers({"rm", "web-"}), ElementsAre("web-two", "web-one"));
  EXPECT_THAT(offers({"container", "rm", "web-two", ""}), ElementsAre("web-one"));
  const std::string id = lines_of(myct({"ps", "-aq"}).out).at(1);
  EXPECT_THAT(offers({"rm", id.substr(0, 5)}), ElementsAre(id));
}

TEST_F(Completion, offers_images_where_an_image_is_meant) {
  EXPECT_THAT(offers({"run", "--rm", ""}), ::testing::UnorderedElementsAre("busybox", "toolbox:1.36"));
  EXPECT_THAT(offers({"rmi", "busybox:"}), ElementsAre("busybox:latest"));
  EXPECT_THAT(offers({"run", "--image", "busybox", ""}), IsEmpty()) << "the first word is the program";
  EXPECT_THAT(offers({"import", ""}), ElementsAre(":file"));
}

TEST_F(Completion, follows_the_global_options) {
  EXPECT_THAT(offers({"--root", path("empty"), "rm", ""}), IsEmpty());
  EXPECT_THAT(offers({"--root=" + root(), "rm", "web-o"}), ElementsAre("web-one"));
}

TEST_F(Completion, is_silent_about_what_it_does_not_know) {
  for (const Words& words :
       {Words{"fly", ""}, Words{"container", "fly", ""}, Words{"rm", "--fly="}, Words{"version", ""}})
    EXPECT_THAT(offers(words), IsEmpty()) << words.front();
  write_file("file", "");
  EXPECT_THAT(offers({"--root", path("file"), "rm", ""}), IsEmpty());
}

TEST_F(Completion, offers_no_names_to_other_users) {
  Command complete = command({"__complete", "rm", ""});
  run_as_nobody(complete, path("myct"));
  EXPECT_TRUE(prints(run(complete), ""));
}

struct TypedRow {
  const char* name;
  const char* keys;
  const char* ran;
};

/// compinit asks who owns its thousand files and reads the first line of each, which takes a minute under emulation: so
/// it asks nothing (-C), and is shown the basic ones only; those that complete files are read when they are called.
constexpr const char* kStartZsh =
    "autoload -U compinit; all=($fpath); fpath=(${(M)all:#*/Completion(/Base|)}); compinit -C -D; fpath=($all); "
    "autoload -U ${^${(M)all:#*/Completion/Unix}}/_*(:t); ";

class CompletionKeys : public Completion, public ::testing::WithParamInterface<std::tuple<const char*, TypedRow>> {};

TEST_P(CompletionKeys, make_the_shell_run) {
  const auto& [shell, row] = GetParam();
  const bool zsh = std::string_view(shell) == "zsh";
  if (::access((std::string("/usr/bin/") + shell).c_str(), X_OK) != 0) GTEST_SKIP() << shell << " is not installed";
  Terminal terminal(30, 200);
  terminal.start(
      shell_with_myct(zsh ? Words{"/usr/bin/zsh", "-f", "-i"} : Words{"/usr/bin/bash", "--norc", "--noprofile", "-i"}));
  ASSERT_TRUE(terminal.read_until("prompt> ")) << terminal.shown();
  // The digits keep the echo of the line from being taken for its output.
  const std::string start =
      zsh ? kStartZsh + std::string("eval \"$(myct completion zsh)\"") : "eval \"$(myct completion bash)\"";
  terminal.type(start + "; echo loaded $((40 + 2))\r");
  ASSERT_TRUE(terminal.read_until("loaded 42")) << terminal.shown();
  ASSERT_TRUE(terminal.read_until("prompt> ")) << terminal.shown();
  terminal.type(std::string("myct ") + row.keys + "\r");
  EXPECT_TRUE(terminal.read_until("ran <")) << terminal.shown();
  ASSERT_TRUE(terminal.read_until(">")) << terminal.shown();
  std::string ran = terminal.shown();
  ran.pop_back();
  EXPECT_EQ(ran, row.ran);
  terminal.type("exit\r");
  (void)terminal.wait();
}

INSTANTIATE_TEST_SUITE_P(
    Table, CompletionKeys,
    ::testing::Combine(
        ::testing::Values("bash", "zsh"),
        ::testing::Values(TypedRow{"command", "ver\t", "version"}, TypedRow{"container", "rm web-o\t", "rm web-one"},
                          TypedRow{"second_container", "rm web-one web\t", "rm web-one web-two"},
                          TypedRow{"tag_behind_a_colon", "rmi toolbox:1\t", "rmi toolbox:1.36"},
                          TypedRow{"option", "run --netw\t", "run --network"},
                          TypedRow{"value", "run --network h\t", "run --network host"},
                          TypedRow{"value_behind_equals", "run --network=h\t", "run --network=host"},
                          TypedRow{"value_of_nothing_yet", "run --restart= --image=t\t",
                                   "run --restart= --image=toolbox:1.36"},
                          TypedRow{"file", "run --env-file sett\t", "run --env-file settings.env"},
                          TypedRow{"file_behind_equals", "run --env-file=sett\t", "run --env-file=settings.env"},
                          TypedRow{"word_after_a_noun", "image im\t", "image import"})),
    [](const auto& row) { return std::string(std::get<0>(row.param)) + "_" + std::get<1>(row.param).name; });

TEST_F(Completion, works_in_fish) {
  if (::access("/usr/bin/fish", X_OK) != 0) GTEST_SKIP() << "fish is not installed";
  const auto asked = [this](const std::string& line) {
    const Result result = run(shell_with_myct(
        {"/usr/bin/fish", "--no-config", "-c", "myct completion fish | source; complete -C $argv[1]", "--", line}));
    EXPECT_EQ(result.status, 0) << result;
    return result.out;
  };
  EXPECT_EQ(asked("myct ver"), "version\tPrint the version\n");
  EXPECT_EQ(asked("myct rm web-o"), "web-one\tbusybox, exited\n");
  EXPECT_EQ(asked("myct run --network=h"), "--network=host\n");
  EXPECT_EQ(asked("myct run --env-file sett"), "settings.env\n");
  EXPECT_EQ(asked("myct run --env-file=sett"), "--env-file=settings.env\n");
  EXPECT_THAT(asked("myct rm --f"), HasSubstr("--force\tKill it"));
}

TEST_F(Completion, of_an_unknown_shell_is_refused) {
  EXPECT_TRUE(fails_with(myct({"completion", "csh"}), 1, "unknown shell 'csh'"));
}

}  // namespace
}  // namespace myct::test
