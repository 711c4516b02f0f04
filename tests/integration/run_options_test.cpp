// The options of `myct run` that set names, environment, user, limits and files of record; and how words are parsed.
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <filesystem>

#include "sandbox.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class RunOptions : public ContainerTest {};

// --- where the options end ---------------------------------------------------------------------------------------

TEST_F(RunOptions, stop_at_the_first_other_word) {
  EXPECT_TRUE(prints(myct({"run", "--rm", "busybox", "echo", "--name", "-n", "--rm", "-it", "--", "-h"}),
                     "--name -n --rm -it -- -h\n"));
}

TEST_F(RunOptions, stop_at_the_command_after_an_image_option) {
  EXPECT_TRUE(prints(myct({"run", "--rm", "--image", "busybox", "echo", "--image", "x"}), "--image x\n"));
  EXPECT_TRUE(prints(myct({"run", "--rm", "--image=busybox", "echo", "--env", "A=1"}), "--env A=1\n"));
}

TEST_F(RunOptions, end_at_two_dashes) {
  EXPECT_TRUE(prints(myct({"run", "--rm", "--image", "busybox", "--", "echo", "-x"}), "-x\n"));
  EXPECT_TRUE(prints(myct({"run", "--rm", "--", "busybox", "echo", "-x"}), "-x\n"));
}

TEST_F(RunOptions, may_follow_one_dash_in_a_bundle) {
  Command command = this->command({"run", "--rm", "-iu33", "busybox", "sh", "-c", "id -u; cat"});
  command.standard_input = Stdin::Pipe;
  command.input = "in\n";
  EXPECT_TRUE(prints(run(command), "33\nin\n"));
}

TEST_F(RunOptions, pass_arguments_through_unchanged) {
  EXPECT_TRUE(prints(probe({}, {"arguments", "", " ", "a b", "$HOME", "'", "\"", "\\", "ä", "*", "--help"}),
                     "\n \na b\n$HOME\n'\n\"\n\\\nä\n*\n--help\n"));
}

TEST_F(RunOptions, take_an_image_by_name_tag_and_id) {
  const std::string id = lines_of(myct({"images", "-q"}).out).at(0);
  for (const std::string& name : {std::string("busybox"), std::string("busybox:latest"), id})
    EXPECT_TRUE(prints(myct({"run", "--rm", name, "echo", "yes"}), "yes\n")) << name;
}

TEST_F(RunOptions, run_the_images_command_when_none_is_given) {
  EXPECT_TRUE(
      prints(myct({"run", "--rm", "-i", "busybox"}, "echo from the image\\'s shell\n"), "from the image's shell\n"));
}

TEST_F(RunOptions, import_an_image_from_the_search_path_on_first_use) {
  fs::copy_file(busybox_tarball(), path("other-base.tar.gz"));
  EXPECT_TRUE(prints(myct({"run", "--rm", "--image-path", path(""), "--image", "other", "echo", "1"}), "1\n"));
  fs::remove(path("other-base.tar.gz"));
  EXPECT_TRUE(prints(myct({"run", "--rm", "--image", "other", "echo", "2"}), "2\n"));
}

TEST_F(RunOptions, find_tarballs_by_the_environments_path_and_in_the_state_folder) {
  fs::copy_file(busybox_tarball(), path("first-base.tar.gz"));
  Command command = this->command({"run", "--rm", "--image", "first", "echo", "1"});
  command.env["MYCT_IMAGE_PATH"] = "/no/such:" + path("");
  EXPECT_TRUE(prints(run(command), "1\n"));
  fs::create_directory(root() + "/tarballs");
  fs::copy_file(busybox_tarball(), root() + "/tarballs/second-base.tar.gz");
  EXPECT_TRUE(prints(myct({"run", "--rm", "--image", "second", "echo", "2"}), "2\n"));
  fs::remove_all(root() + "/tarballs");
}

TEST_F(RunOptions, take_the_state_directories_by_option_over_the_environment) {
  Command command = this->command({"--root", root(), "--runtime-dir", runtime_dir(), "--cgroup-manager", "cgroupfs",
                                   "run", "--rm", "busybox", "echo", "1"});
  command.env["MYCT_ROOT"] = "/no/such";
  command.env["MYCT_RUNTIME_DIR"] = "/no/such";
  EXPECT_TRUE(prints(run(command), "1\n"));
}

// --- names -------------------------------------------------------------------------------------------------------

TEST_F(RunOptions, keep_a_container_until_it_is_removed) {
  EXPECT_TRUE(prints(myct({"run", "--name", "kept", "busybox", "sh", "-c", "exit 0"}), ""));
  EXPECT_THAT(myct({"ps", "-a"}).out, HasSubstr("kept"));
  EXPECT_THAT(myct({"ps", "-a"}).out, HasSubstr("Exited (0)"));
  EXPECT_THAT(myct({"ps"}).out, ::testing::Not(HasSubstr("kept")));
  EXPECT_TRUE(prints(myct({"rm", "kept"}), "kept\n"));
}

TEST_F(RunOptions, keep_a_container_when_removal_is_switched_off) {
  EXPECT_TRUE(prints(myct({"run", "--rm=false", "--name", "kept", "busybox", "true"}), ""));
  EXPECT_EQ(container_count(), 1U);
  EXPECT_TRUE(prints(myct({"rm", "kept"}), "kept\n"));
}

TEST_F(RunOptions, remove_a_container_before_returning) {
  EXPECT_TRUE(prints(myct({"run", "--rm", "--name", "gone", "busybox", "true"}), ""));
  EXPECT_EQ(container_count(), 0U);
  EXPECT_EQ(leftovers(), std::set<std::string>());
}

TEST_F(RunOptions, make_up_a_name) {
  ASSERT_EQ(myct({"run", "busybox", "true"}).status, 0);
  const std::vector<std::string> lines = lines_of(myct({"ps", "-a"}).out);
  ASSERT_EQ(lines.size(), 2U);
  const std::string name = lines[1].substr(lines[1].find_last_of(' ') + 1);
  EXPECT_THAT(name, ::testing::MatchesRegex("[a-z]+_[a-z]+"));
  EXPECT_TRUE(prints(myct({"rm", name}), name + "\n"));
}

TEST_F(RunOptions, refuse_a_name_in_use_and_free_it_with_the_container) {
  ASSERT_EQ(myct({"run", "--name", "taken", "busybox", "true"}).status, 0);
  const Result second = myct({"run", "--rm", "--name", "taken", "busybox", "true"});
  EXPECT_TRUE(fails_with(second, 125, "the container name 'taken' is already in use by container "));
  EXPECT_THAT(second.err, HasSubstr("myct rm"));
  EXPECT_EQ(container_count(), 1U);
  ASSERT_EQ(myct({"rm", "taken"}).status, 0);
  EXPECT_TRUE(prints(myct({"run", "--rm", "--name", "taken", "busybox", "echo", "free"}), "free\n"));
}

TEST_F(RunOptions, list_a_running_container) {
  Process running(probe_command({"--name", "busy"}, {"hold"}));
  ASSERT_TRUE(running.read_until("ready"));
  ASSERT_NE(init_pid(), 0);
  const Result list = myct({"ps"});
  EXPECT_THAT(list.out, HasSubstr("busy"));
  EXPECT_THAT(list.out, HasSubstr("\"/probe hold\""));
  EXPECT_THAT(list.out, HasSubstr("Up "));
  EXPECT_TRUE(fails_with(myct({"rm", "busy"}), 1, "it is running"));
  EXPECT_TRUE(prints(myct({"rm", "-f", "busy"}), "busy\n"));
  EXPECT_EQ(running.wait().status, 137);
}

TEST_F(RunOptions, set_the_host_name) {
  EXPECT_TRUE(prints(shell({"--hostname", "web-1.example"}, "hostname; cat /etc/hostname; echo $HOSTNAME"),
                     "web-1.example\nweb-1.example\nweb-1.example\n"));
  EXPECT_TRUE(prints(shell({"-h", "short"}, "hostname"), "short\n"));
}

// --- environment -------------------------------------------------------------------------------------------------

TEST_F(RunOptions, start_with_dockers_environment) {
  const Result result = shell({"-h", "box"}, "env | grep -v '^PWD=\\|^SHLVL=\\|^OLDPWD=' | sort");
  EXPECT_TRUE(
      prints(result, "HOME=/root\nHOSTNAME=box\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"));
}

TEST_F(RunOptions, set_variables_and_let_the_last_win) {
  EXPECT_TRUE(prints(shell({"-e", "A=1", "--env", "B=x=y z", "-eC=", "--env=A=2"}, "echo \"[$A][$B][${C-unset}]\""),
                     "[2][x=y z][]\n"));
}

TEST_F(RunOptions, copy_a_variable_of_the_caller_or_leave_it_out) {
  Command command = shell_command({"-e", "MINE", "-e", "NOBODYS"}, "echo \"[$MINE][${NOBODYS-unset}]\"");
  command.env["MINE"] = "copied";
  EXPECT_TRUE(prints(run(command), "[copied][unset]\n"));
}

TEST_F(RunOptions, pass_on_nothing_else_of_the_callers_environment) {
  Command command = shell_command({}, "env");
  command.env["SECRET"] = "leaked";
  EXPECT_THAT(run(command).out, ::testing::Not(HasSubstr("leaked")));
}

TEST_F(RunOptions, override_default_variables) {
  EXPECT_TRUE(
      prints(shell({"-e", "PATH=/bin", "-e", "HOME=/elsewhere", "-e", "HOSTNAME=other"}, "echo $PATH $HOME $HOSTNAME"),
             "/bin /elsewhere other\n"));
}

TEST_F(RunOptions, read_variables_from_files_before_those_of_the_command_line) {
  const std::string file =
      write_file("env", "\xef\xbb\xbf# comment\n  A=1\n\nQUOTED=\"as is\" # kept\nCOPIED\nB=file\n");
  Command command = shell_command({"--env-file", file, "-e", "B=line"}, "echo \"[$A][$QUOTED][$COPIED][$B]\"");
  command.env["COPIED"] = "yes";
  EXPECT_TRUE(prints(run(command), "[1][\"as is\" # kept][yes][line]\n"));
}

TEST_F(RunOptions, set_term_only_with_a_terminal) {
  EXPECT_TRUE(prints(shell({}, "echo ${TERM-unset}"), "unset\n"));
  EXPECT_EQ(shell({"-t"}, "echo $TERM").out, "xterm\r\n");
}

// --- user and directory ------------------------------------------------------------------------------------------

struct UserRow {
  const char* name;
  const char* user;
  const char* ids;
};
void PrintTo(const UserRow& row, std::ostream* stream) { *stream << row.user; }

class RunUser : public ContainerTest, public ::testing::WithParamInterface<UserRow> {};

TEST_P(RunUser, is_looked_up_in_the_images_files) {
  EXPECT_TRUE(prints(shell({"-u", GetParam().user}, "echo $(id -u) $(id -g) $(id -G) $HOME"),
                     std::string(GetParam().ids) + "\n"));
}

INSTANTIATE_TEST_SUITE_P(Table, RunUser,
                         ::testing::Values(UserRow{"root", "root", "0 0 0 /root"},
                                           UserRow{"name", "www-data", "33 33 33 /var/www"},
                                           UserRow{"number_in_the_files", "33", "33 33 33 /var/www"},
                                           UserRow{"unknown_number", "4242", "4242 0 0 /"},
                                           UserRow{"number_and_group", "4242:4343", "4242 4343 4343 /"},
                                           UserRow{"name_and_group_name", "www-data:users", "33 100 100 /var/www"},
                                           UserRow{"group_only", ":users", "0 100 100 /root"}),
                         [](const auto& row) { return row.param.name; });

TEST_F(RunOptions, take_the_users_supplementary_groups) {
  const std::string group =
      write_file("group", "root:x:0:\nwww-data:x:33:\naudio:x:29:www-data\nvideo:x:44:root,www-data\n");
  // The files of the image count, so the group file has to be in one.
  ASSERT_EQ(run({.argv = {"/bin/sh", "-c",
                          "mkdir image && tar -xzf '" + busybox_tarball() + "' -C image && cp '" + group +
                              "' image/etc/group && tar -cf image.tar -C image ."},
                 .env = {{"PATH", "/usr/bin:/bin"}},
                 .directory = path("")})
                .status,
            0);
  ASSERT_EQ(myct({"import", path("image.tar"), "groups"}).status, 0);
  EXPECT_TRUE(prints(myct({"run", "--rm", "-u", "www-data", "groups", "id", "-G"}), "33 29 44\n"));
  EXPECT_TRUE(prints(myct({"run", "--rm", "-u", "www-data:audio", "groups", "id", "-G"}), "29\n"));
}

TEST_F(RunOptions, refuse_an_unknown_user_or_group) {
  EXPECT_TRUE(fails_with(shell({"-u", "nosuch"}, "true"), 125, "unable to find user 'nosuch'"));
  EXPECT_TRUE(fails_with(shell({"-u", "0:nosuch"}, "true"), 125, "unable to find group 'nosuch'"));
  EXPECT_TRUE(fails_with(shell({"-u", "4294967296"}, "true"), 125, "4294967296"));
  EXPECT_TRUE(fails_with(shell({"-u", "-1"}, "true"), 125, "-1"));
}

TEST_F(RunOptions, make_a_missing_working_directory) {
  EXPECT_TRUE(
      prints(shell({"-w", "/new/deep", "-u", "33"}, "pwd; stat -c '%a %u:%g' /new/deep"), "/new/deep\n755 0:0\n"));
  EXPECT_TRUE(prints(shell({"--workdir=/etc"}, "pwd"), "/etc\n"));
  EXPECT_TRUE(prints(shell({}, "pwd"), "/\n"));
}

TEST_F(RunOptions, refuse_a_working_directory_that_is_none) {
  EXPECT_TRUE(fails_with(shell({"-w", "relative"}, "true"), 125, "'relative' is not an absolute path"));
  const Result result = shell({"-w", "/etc/passwd"}, "true");
  EXPECT_TRUE(fails_with(result, 125, "/etc/passwd"));
  EXPECT_THAT(result.err, HasSubstr("Not a directory"));
}

// --- entrypoint and init -----------------------------------------------------------------------------------------

TEST_F(RunOptions, put_an_entrypoint_before_the_command) {
  EXPECT_TRUE(prints(myct({"run", "--rm", "--entrypoint", "echo", "busybox", "a", "b"}), "a b\n"));
}

TEST_F(RunOptions, clear_the_images_command_with_an_entrypoint) {
  EXPECT_TRUE(prints(myct({"run", "--rm", "--entrypoint", "echo", "busybox"}), "\n"));
  EXPECT_TRUE(fails_with(myct({"run", "--rm", "--entrypoint", "", "busybox"}), 125, "no command given"));
  EXPECT_TRUE(prints(myct({"run", "--rm", "--entrypoint", "", "busybox", "echo", "x"}), "x\n"));
}

TEST_F(RunOptions, run_an_init_as_process_1) {
  EXPECT_TRUE(prints(
      shell({"--init"}, "cat /proc/1/comm; tr '\\0' ' ' </proc/1/cmdline; echo; [ $$ -ne 1 ] && echo child"),
      "docker-init\n/sbin/docker-init -- sh -c cat /proc/1/comm; tr '\\0' ' ' </proc/1/cmdline; echo; [ $$ -ne 1 ] "
      "&& echo child \nchild\n"));
}

TEST_F(RunOptions, reap_orphans_with_an_init) { EXPECT_TRUE(prints(probe({"--init"}, {"zombies", "20"}), "0\n")); }

// --- limits ------------------------------------------------------------------------------------------------------

TEST_F(RunOptions, set_resource_limits) {
  EXPECT_TRUE(prints(probe({"--ulimit", "nofile=64:128"}, {"rlimit", std::to_string(RLIMIT_NOFILE)}), "64 128\n"));
  EXPECT_TRUE(prints(probe({"--ulimit=core=0"}, {"rlimit", std::to_string(RLIMIT_CORE)}), "0 0\n"));
  EXPECT_TRUE(prints(
      probe({"--ulimit", "cpu=100", "--ulimit", "stack=1048576:2097152"}, {"rlimit", std::to_string(RLIMIT_STACK)}),
      "1048576 2097152\n"));
}

TEST_F(RunOptions, take_what_the_machine_gives_of_a_limit_and_say_so) {
  Command command = probe_command({"--ulimit", "nofile=1000:2000"}, {"rlimit", std::to_string(RLIMIT_NOFILE)});
  command.before_exec = [] {
    const rlimit low{.rlim_cur = 256, .rlim_max = 512};
    ::setrlimit(RLIMIT_NOFILE, &low);
    // Without CAP_SYS_RESOURCE it cannot be raised again.
    ::prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE, 0, 0, 0);
  };
  const Result result = run(command);
  EXPECT_EQ(result.out, "512 512\n") << result;
  EXPECT_THAT(result.err, HasSubstr("RLIMIT_NOFILE"));
  EXPECT_EQ(lines_of(result.err).size(), 1U);
}

// --- network, labels, files of record ----------------------------------------------------------------------------

TEST_F(RunOptions, share_the_hosts_network) {
  const std::string ours = fs::read_symlink("/proc/self/ns/net").string();
  EXPECT_TRUE(prints(shell({"--network", "host"}, "readlink /proc/self/ns/net"), ours + "\n"));
  EXPECT_TRUE(prints(shell({"--net=host"}, "cat /etc/hosts"), read_file("/etc/hosts")));
  EXPECT_EQ(lines_of(shell({"--network", "none"}, "readlink /proc/self/ns/net; ls /sys/class/net").out).at(1), "lo");
}

TEST_F(RunOptions, record_labels) {
  ASSERT_EQ(
      myct({"run", "--name", "labelled", "--label", "a=1", "-l", "b", "--label", "a=2", "busybox", "true"}).status, 0);
  std::string record;
  for (const auto& entry : fs::directory_iterator(root() + "/containers"))
    record = read_file(entry.path().string() + "/container.json");
  EXPECT_THAT(record, HasSubstr(R"("labels":{"a":"2","b":""})"));
  EXPECT_EQ(myct({"rm", "labelled"}).status, 0);
}

TEST_F(RunOptions, write_the_id_without_a_newline_to_a_new_file) {
  const Result result = shell({"--cidfile", path("cid")}, "hostname");
  EXPECT_EQ(result.status, 0) << result;
  const std::string id = read_file(path("cid"));
  EXPECT_THAT(id, ::testing::MatchesRegex("[0-9a-f]+"));
  EXPECT_EQ(id.size(), 64U);
  EXPECT_EQ(result.out, id.substr(0, 12) + "\n");
}

TEST_F(RunOptions, refuse_an_id_file_that_exists) {
  write_file("cid", "old");
  const Result result = shell({"--cidfile", path("cid")}, "true");
  EXPECT_TRUE(fails_with(result, 125, "container ID file '" + path("cid") + "' exists"));
  EXPECT_EQ(read_file(path("cid")), "old");
}

TEST_F(RunOptions, remove_the_id_file_of_a_failed_start) {
  EXPECT_EQ(myct({"run", "--rm", "--cidfile", path("cid"), "busybox", "/no/such"}).status, 127);
  EXPECT_FALSE(fs::exists(path("cid")));
}

TEST_F(RunOptions, have_a_configuration_in_the_containers_directory) {
  ASSERT_EQ(myct({"run", "--name", "kept", "busybox", "true"}).status, 0);
  std::string config;
  for (const auto& entry : fs::directory_iterator(root() + "/containers"))
    config = read_file(entry.path().string() + "/config.json");
  EXPECT_THAT(config, HasSubstr("\"ociVersion\""));
  EXPECT_THAT(config, HasSubstr("\"args\":[\"true\"]"));
  EXPECT_EQ(myct({"rm", "kept"}).status, 0);
}

TEST_F(RunOptions, print_help_and_version) {
  EXPECT_THAT(myct({"run", "--help"}).out, HasSubstr("Usage: myct run"));
  EXPECT_THAT(myct({"--version"}).out, ::testing::StartsWith("myct version "));
  EXPECT_THAT(myct({"version"}).out, ::testing::StartsWith("myct version "));
  EXPECT_EQ(myct({"--help"}).status, 0);
}

}  // namespace
}  // namespace myct::test
