// What a user gets wrong: one line that names the thing and the remedy, exit 125, and nothing left behind.
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "kernel.hpp"
#include "sandbox.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;

class RunBadInput : public ContainerTest {};

struct Row {
  const char* name;
  Words words;
  const char* text;
};
void PrintTo(const Row& row, std::ostream* stream) { *stream << row.name; }

class RunBadValue : public ContainerTest, public ::testing::WithParamInterface<Row> {};

TEST_P(RunBadValue, is_refused_in_one_line_with_status_125) {
  EXPECT_TRUE(fails_with(myct(GetParam().words), 125, GetParam().text));
}

INSTANTIATE_TEST_SUITE_P(
    Table, RunBadValue,
    ::testing::Values(
        Row{"unknown_image", {"run", "--pull", "never", "alpin", "true"}, "no image 'alpin'"},
        Row{"malformed_image", {"run", "Not An Image", "true"}, "no image 'Not An Image'"},
        Row{"image_with_capitals", {"run", "Busybox", "true"}, "did you mean 'busybox'?"},
        Row{"empty_image", {"run", "", "true"}, "image"},
        Row{"unknown_tag", {"run", "--pull", "never", "busybox:1", "true"}, "no image 'busybox:1'"},
        Row{"unknown_long_option", {"run", "--fast", "busybox"}, "--fast"},
        Row{"unknown_short_option", {"run", "-X", "busybox"}, "-X"},
        Row{"unknown_option_in_a_bundle", {"run", "-iX", "busybox"}, "X"},
        Row{"option_not_there", {"run", "--kernel-memory=1g", "busybox"}, "--kernel-memory"},
        Row{"missing_value", {"run", "--name"}, "--name"},
        Row{"value_for_a_switch", {"run", "--rm=maybe", "busybox"}, "maybe"},
        Row{"short_name", {"run", "--name", "a", "busybox", "true"}, "invalid container name 'a'"},
        Row{"name_with_slash", {"run", "--name", "a/b", "busybox", "true"}, "invalid container name 'a/b'"},
        Row{"name_that_climbs", {"run", "--name", "../../x", "busybox", "true"}, "invalid container name"},
        Row{"hostname_with_blank", {"run", "-h", "a b", "busybox", "true"}, "invalid hostname 'a b'"},
        Row{"long_hostname",
            {"run", "-h", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "busybox", "true"},
            "at most 64"},
        Row{"variable_without_name", {"run", "-e", "=x", "busybox", "true"}, "invalid environment variable '=x'"},
        Row{"missing_env_file", {"run", "--env-file", "/no/such", "busybox", "true"}, "'/no/such'"},
        Row{"env_file_is_a_directory", {"run", "--env-file", "/etc", "busybox", "true"}, "'/etc'"},
        Row{"ulimit_without_value", {"run", "--ulimit", "nofile", "busybox", "true"}, "invalid ulimit 'nofile'"},
        Row{"unknown_ulimit", {"run", "--ulimit", "fun=1", "busybox", "true"}, "unknown name 'fun'"},
        Row{"ulimit_not_a_number", {"run", "--ulimit", "nofile=x", "busybox", "true"}, "'x' is not a number"},
        Row{"ulimit_soft_above_hard", {"run", "--ulimit", "nofile=2:1", "busybox", "true"}, "above the hard one"},
        Row{"unknown_network", {"run", "--network", "moon", "busybox", "true"}, "no such network: 'moon'"},
        Row{"empty_label", {"run", "--label", "=x", "busybox", "true"}, "invalid label '=x'"},
        Row{"id_file_in_no_directory",
            {"run", "--rm", "--cidfile", "/no/such/cid", "busybox", "true"},
            "'/no/such/cid'"},
        Row{"no_command", {"run", "--entrypoint", "", "busybox"}, "no command given"},
        Row{"control_characters", {"run", "--name", "a\nb", "busybox", "true"}, "invalid container name"},
        Row{"control_characters_in_a_command",
            {"run", "--rm", "-w", "x\n\x1b[2J", "busybox", "true"},
            "not an absolute path"}),
    [](const auto& row) { return row.param.name; });

struct CommandRow {
  const char* name;
  Words words;
  const char* text;
  int status;
};
void PrintTo(const CommandRow& row, std::ostream* stream) { *stream << row.name; }

class BadCommand : public Sandbox, public ::testing::WithParamInterface<CommandRow> {};

TEST_P(BadCommand, is_refused_in_one_line) {
  EXPECT_TRUE(fails_with(myct(GetParam().words), GetParam().status, GetParam().text));
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadCommand,
    ::testing::Values(CommandRow{"none", {}, "no command given", 1}, CommandRow{"unknown", {"fly"}, "fly", 1},
                      CommandRow{"no_image", {"run"}, "no image given", 1},
                      CommandRow{"no_image_after_options", {"run", "--rm", "-i"}, "no image given", 1},
                      CommandRow{"unknown_global_option", {"--fly"}, "--fly", 125},
                      CommandRow{"ps_with_unknown_option", {"ps", "--fly"}, "--fly", 125},
                      CommandRow{"rm_of_nothing", {"rm"}, "CONTAINER", 1},
                      CommandRow{"rm_of_a_stranger", {"rm", "nosuch"}, "no such container: 'nosuch'", 1},
                      CommandRow{"rmi_of_a_stranger", {"rmi", "nosuch"}, "no image 'nosuch'", 1},
                      CommandRow{"import_without_name", {"import", "x.tar"}, "NAME", 1}),
    [](const auto& row) { return row.param.name; });

TEST_F(RunBadInput, names_images_that_are_near_the_one_asked_for) {
  EXPECT_TRUE(fails_with(myct({"run", "--pull", "never", "busibox", "true"}), 125, "did you mean 'busybox'?"));
}

TEST_F(RunBadInput, explains_an_image_without_a_shell) {
  // A root file system that holds nothing but the probe.
  ASSERT_EQ(run({.argv = {"/bin/tar", "-cf", path("bare.tar"), "-C", std::filesystem::path(probe_path()).parent_path(),
                          "probe"},
                 .env = {{"PATH", "/usr/bin:/bin"}}})
                .status,
            0);
  ASSERT_EQ(myct({"import", path("bare.tar"), "bare"}).status, 0);
  EXPECT_TRUE(fails_with(myct({"run", "--rm", "bare", "/bin/sh"}), 127, "run '/bin/sh': No such file or directory"));
  EXPECT_TRUE(fails_with(myct({"run", "--rm", "bare"}), 125, "no command given, and image 'bare' has none"));
  EXPECT_EQ(myct({"run", "--rm", "bare", "/probe", "exit", "9"}).status, 9);
}

TEST_F(RunBadInput, refuses_a_state_directory_that_is_a_file) {
  const std::string file = write_file("file", "");
  EXPECT_TRUE(fails_with(myct({"--root", file, "run", "--rm", "busybox", "true"}), 125, file));
  EXPECT_TRUE(fails_with(myct({"--runtime-dir", file, "run", "--rm", "busybox", "true"}), 125, file));
}

TEST_F(RunBadInput, refuses_to_run_without_permission) {
  Command command = this->command({"run", "--rm", "busybox", "true"});
  run_as_nobody(command, path("myct"));
  const Result result = run(command);
  EXPECT_TRUE(fails_with(result, 125, ""));
  EXPECT_THAT(result.err, ::testing::AnyOf(HasSubstr("Permission denied"), HasSubstr("root")));
}

TEST_F(RunBadInput, refuses_to_run_as_another_user_in_a_directory_of_his_own) {
  const std::string directory = make_directory("nobody");
  std::filesystem::permissions(directory, std::filesystem::perms(0777));
  std::filesystem::copy_file(busybox_tarball(), path("busybox-base.tar.gz"));
  Command command = this->command({"run", "--rm", "--image-path", path(""), "busybox", "true"});
  command.env["MYCT_ROOT"] = directory + "/root";
  command.env["MYCT_RUNTIME_DIR"] = directory + "/run";
  run_as_nobody(command, path("myct"));
  EXPECT_TRUE(fails_with(run(command), 125, "root"));
}

TEST_F(RunBadInput, names_the_capability_that_root_lacks) {
  Command command = this->command({"run", "--rm", "busybox", "true"});
  command.before_exec = without_capability(21 /* CAP_SYS_ADMIN */);
  EXPECT_TRUE(fails_with(run(command), 125, "CAP_SYS_ADMIN"));
}

/// A state directory on a file system of `size`, for the length of a scope.
class SmallDisk {
 public:
  SmallDisk(std::string directory, const char* size) : directory_(std::move(directory)) {
    mounted_ = ::mount("small", directory_.c_str(), "tmpfs", 0, size) == 0;
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (mounted_) ::umount2(directory_.c_str(), MNT_DETACH);
  }
  [[nodiscard]] bool mounted() const noexcept { return mounted_; }

 private:
  std::string directory_;
  bool mounted_ = false;
};

TEST_F(RunBadInput, leaves_nothing_of_an_import_that_fills_the_disk) {
  const std::string directory = make_directory("small");
  const SmallDisk disk(directory, "size=1m");
  ASSERT_TRUE(disk.mounted());
  EXPECT_TRUE(
      fails_with(myct({"--root", directory, "import", busybox_tarball(), "busybox"}), 1, "No space left on device"));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory))
    EXPECT_THAT(entry.path().string(), ::testing::Not(HasSubstr("staging")));
  EXPECT_TRUE(prints(myct({"--root", directory, "images", "-q"}), ""));
}

TEST_F(RunBadInput, leaves_nothing_of_a_run_that_fills_the_disk) {
  // Room for the image's few large files, but not for the inodes of one more container.
  const std::string directory = make_directory("small");
  const SmallDisk disk(directory, "nr_inodes=520");
  ASSERT_TRUE(disk.mounted());
  ASSERT_EQ(myct({"--root", directory, "import", busybox_tarball(), "busybox"}).status, 0);
  ASSERT_EQ(myct({"--root", directory, "run", "--rm", "busybox", "true"}).status, 0);
  // Fill it to the last inode.
  int files = 0;
  while (::mknod((directory + "/fill" + std::to_string(files)).c_str(), S_IFREG | 0600, 0) == 0) ++files;
  const size_t before = static_cast<size_t>(std::distance(std::filesystem::recursive_directory_iterator(directory),
                                                          std::filesystem::recursive_directory_iterator()));
  for (int free = 0; free < 12; ++free) {
    const Result result = myct({"--root", directory, "run", "--rm", "busybox", "true"});
    if (result.status == 0) break;
    EXPECT_TRUE(fails_with(result, 125, "No space left on device")) << free << " inodes free";
    const size_t now = static_cast<size_t>(std::distance(std::filesystem::recursive_directory_iterator(directory),
                                                         std::filesystem::recursive_directory_iterator()));
    EXPECT_EQ(now + static_cast<size_t>(free), before) << "left behind with " << free << " inodes free";
    ::unlink((directory + "/fill" + std::to_string(free)).c_str());
  }
}

TEST_F(RunBadInput, leaves_nothing_of_a_run_whose_documents_do_not_fit) {
  const std::string directory = make_directory("small");
  const SmallDisk disk(directory, "size=3m");
  ASSERT_TRUE(disk.mounted());
  ASSERT_EQ(myct({"--root", directory, "import", busybox_tarball(), "busybox"}).status, 0);
  write_file("fill", "");
  Command fill;
  fill.argv = {"/bin/sh", "-c", "cat /dev/zero >" + directory + "/fill"};
  fill.env = {{"PATH", "/usr/bin:/bin"}};
  (void)run(fill);
  EXPECT_TRUE(
      fails_with(myct({"--root", directory, "run", "--rm", "busybox", "true"}), 125, "No space left on device"));
  EXPECT_FALSE(std::filesystem::exists(directory + "/containers") &&
               !std::filesystem::is_empty(directory + "/containers"));
}

}  // namespace
}  // namespace myct::test
