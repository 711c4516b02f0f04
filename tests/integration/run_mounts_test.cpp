// Volumes, bind mounts and tmpfs: -v, --mount, --tmpfs, --read-only.
#include <sys/mount.h>
#include <sys/stat.h>

#include <filesystem>

#include "sandbox.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class RunMounts : public ContainerTest {
 protected:
  [[nodiscard]] std::vector<std::string> volumes() const {
    std::vector<std::string> names;
    std::error_code absent;
    for (const fs::directory_entry& entry : fs::directory_iterator(root() + "/volumes", absent))
      names.push_back(entry.path().filename().string());
    return names;
  }
  void remove_volumes() const { fs::remove_all(root() + "/volumes"); }
};

TEST_F(RunMounts, binds_a_directory) {
  const std::string directory = make_directory("d");
  EXPECT_TRUE(prints(shell({"-v", directory + ":/x"}, "echo inside >/x/file; ls -d /x"), "/x\n"));
  EXPECT_EQ(read_file(directory + "/file"), "inside\n");
}

TEST_F(RunMounts, binds_a_file) {
  const std::string file = write_file("f", "from the host\n");
  EXPECT_TRUE(
      prints(shell({"-v", file + ":/deep/er/f"}, "cat /deep/er/f; echo changed >/deep/er/f"), "from the host\n"));
  EXPECT_EQ(read_file(file), "changed\n");
}

TEST_F(RunMounts, binds_a_relative_directory) {
  make_directory("d");
  write_file("d/f", "relative\n");
  Command command = shell_command({"-v", "./d:/x"}, "cat /x/f");
  command.directory = path("");
  EXPECT_TRUE(prints(run(command), "relative\n"));
}

TEST_F(RunMounts, makes_a_missing_bind_source) {
  EXPECT_TRUE(prints(shell({"-v", path("new/deep") + ":/x"}, "touch /x/f"), ""));
  EXPECT_TRUE(fs::exists(path("new/deep/f")));
}

TEST_F(RunMounts, keeps_no_bind_source_that_it_made_for_a_failed_start) {
  EXPECT_EQ(myct({"run", "--rm", "-v", path("new") + ":/x", "--image", "busybox", "/no/such"}).status, 127);
  EXPECT_FALSE(fs::exists(path("new")));
}

TEST_F(RunMounts, binds_read_only) {
  const std::string directory = make_directory("d");
  const Result result = shell({"-v", directory + ":/x:ro"}, "touch /x/f");
  EXPECT_THAT(result.err, HasSubstr("Read-only file system"));
  EXPECT_EQ(result.status, 1);
}

TEST_F(RunMounts, binds_read_only_what_is_mounted_below_too) {
  const std::string directory = make_directory("d");
  fs::create_directory(directory + "/below");
  ASSERT_EQ(::mount("below", (directory + "/below").c_str(), "tmpfs", 0, nullptr), 0);
  const Result result = shell({"-v", directory + ":/x:ro"}, "touch /x/below/f");
  ASSERT_EQ(::umount((directory + "/below").c_str()), 0);
  EXPECT_THAT(result.err, HasSubstr("Read-only file system")) << result;
}

TEST_F(RunMounts, binds_with_what_is_mounted_below) {
  const std::string directory = make_directory("d");
  fs::create_directory(directory + "/below");
  ASSERT_EQ(::mount("below", (directory + "/below").c_str(), "tmpfs", 0, nullptr), 0);
  write_file("d/below/f", "deep\n");
  const Result deep = shell({"-v", directory + ":/x"}, "cat /x/below/f");
  const Result shallow =
      shell({"--mount", "type=bind,src=" + directory + ",dst=/x,bind-nonrecursive"}, "ls -A /x/below");
  ASSERT_EQ(::umount((directory + "/below").c_str()), 0);
  EXPECT_TRUE(prints(deep, "deep\n"));
  EXPECT_TRUE(prints(shallow, ""));
}

TEST_F(RunMounts, shows_a_slave_bind_what_the_host_mounts_later) {
  const std::string directory = make_directory("d");
  fs::create_directory(directory + "/below");
  ASSERT_EQ(::mount(directory.c_str(), directory.c_str(), nullptr, MS_BIND, nullptr), 0);
  ASSERT_EQ(::mount(nullptr, directory.c_str(), nullptr, MS_SHARED, nullptr), 0);
  Command command = shell_command({"-i", "-v", directory + ":/x:rslave"}, "echo ready; read go; cat /x/below/f");
  command.standard_input = Stdin::Pipe;
  Process running(command);
  ASSERT_TRUE(running.read_until("ready\n"));
  ASSERT_EQ(::mount("below", (directory + "/below").c_str(), "tmpfs", 0, nullptr), 0);
  write_file("d/below/f", "later\n");
  running.write("go\n");
  const Result result = running.wait();
  EXPECT_EQ(::umount((directory + "/below").c_str()), 0);
  EXPECT_EQ(::umount(directory.c_str()), 0);
  EXPECT_TRUE(prints(result, "ready\nlater\n"));
}

TEST_F(RunMounts, keeps_a_containers_mounts_from_the_host) {
  const std::string directory = make_directory("d");
  const Result result = shell({"--privileged", "-v", directory + ":/x"}, "mount -t tmpfs none /x && touch /x/inside");
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_FALSE(fs::exists(directory + "/inside"));
}

TEST_F(RunMounts, sorts_mounts_by_depth) {
  make_directory("outer");
  write_file("inner", "inner\n");
  EXPECT_TRUE(prints(shell({"-v", path("inner") + ":/x/y/f", "-v", path("outer") + ":/x"}, "cat /x/y/f"), "inner\n"));
}

TEST_F(RunMounts, follows_links_of_the_image_inside_the_container_only) {
  // In the image, /var/run is a link to /run, an absolute one.
  const std::string directory = make_directory("d");
  write_file("d/f", "here\n");
  EXPECT_TRUE(prints(shell({"-v", directory + ":/var/run/x"}, "cat /run/x/f"), "here\n"));
}

TEST_F(RunMounts, keeps_a_named_volume) {
  EXPECT_TRUE(prints(shell({"-v", "data:/x"}, "echo kept >/x/f"), ""));
  EXPECT_TRUE(prints(shell({"-v", "data:/y"}, "cat /y/f"), "kept\n"));
  EXPECT_THAT(volumes(), ::testing::ElementsAre("data"));
  remove_volumes();
}

TEST_F(RunMounts, fills_a_new_volume_from_the_image) {
  EXPECT_TRUE(prints(shell({"-v", "data:/etc"}, "grep -c root: /etc/passwd; stat -c '%a %u:%g' /etc /etc/shadow"),
                     "1\n755 0:0\n640 0:0\n"));
  EXPECT_TRUE(prints(shell({"-v", "data:/copy"}, "ls /copy/passwd; readlink /copy/mtab || true"), "/copy/passwd\n"));
  remove_volumes();
}

TEST_F(RunMounts, fills_a_new_volume_with_links_modes_and_owners) {
  EXPECT_TRUE(prints(shell({"-v", "data:/var"}, "readlink /var/run; stat -c %a /var/tmp"), "/run\n1777\n"));
  remove_volumes();
}

TEST_F(RunMounts, gives_a_new_volume_the_owner_and_mode_of_its_place) {
  EXPECT_TRUE(prints(shell({"-v", "data:/tmp"}, "stat -c '%a %u:%g' /tmp"), "1777 0:0\n"));
  remove_volumes();
}

TEST_F(RunMounts, fills_a_volume_only_once) {
  EXPECT_TRUE(prints(shell({"-v", "data:/etc"}, "rm /etc/shells"), ""));
  EXPECT_TRUE(prints(shell({"-v", "data:/etc"}, "ls /etc/shells 2>/dev/null || echo gone"), "gone\n"));
  remove_volumes();
}

TEST_F(RunMounts, does_not_fill_a_volume_that_must_not_be_filled) {
  EXPECT_TRUE(prints(shell({"-v", "data:/etc/x:nocopy"}, "ls -A /etc/x"), ""));
  EXPECT_TRUE(prints(shell({"-v", "bare:/home:nocopy"}, "ls -A /home"), ""));
  EXPECT_TRUE(prints(shell({"--mount", "type=volume,src=third,dst=/bin2,volume-nocopy"}, "ls -A /bin2"), ""));
  remove_volumes();
}

TEST_F(RunMounts, removes_an_anonymous_volume_with_its_container) {
  EXPECT_TRUE(prints(shell({"-v", "/x"}, "touch /x/f; grep -c ' /x ' /proc/mounts"), "1\n"));
  EXPECT_THAT(volumes(), ::testing::IsEmpty());
}

TEST_F(RunMounts, keeps_an_anonymous_volume_of_a_kept_container_until_told) {
  ASSERT_EQ(myct({"run", "--name", "keeper", "-v", "/x", "--image", "busybox", "true"}).status, 0);
  EXPECT_EQ(volumes().size(), 1U);
  EXPECT_EQ(myct({"rm", "-v", "keeper"}).status, 0);
  EXPECT_THAT(volumes(), ::testing::IsEmpty());
}

TEST_F(RunMounts, removes_no_named_volume_with_its_container) {
  EXPECT_EQ(shell({"-v", "data:/x", "-v", "/y"}, "true").status, 0);
  EXPECT_THAT(volumes(), ::testing::ElementsAre("data"));
  remove_volumes();
}

TEST_F(RunMounts, keeps_no_volume_that_it_made_for_a_failed_start) {
  EXPECT_EQ(myct({"run", "--rm", "-v", "data:/x", "--image", "busybox", "/no/such"}).status, 127);
  EXPECT_THAT(volumes(), ::testing::IsEmpty());
}

TEST_F(RunMounts, takes_the_long_form_of_each_kind) {
  const std::string directory = make_directory("d");
  const Result result =
      shell({"--mount", "type=bind,source=" + directory + ",target=/b,readonly", "--mount",
             "type=volume,src=data,destination=/v", "--mount", "type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=0700"},
            "touch /b/f 2>/dev/null || echo read-only; touch /v/f && echo volume; stat -c %a /t; "
            "awk '$2==\"/t\" {print $3}' /proc/mounts; df -k /t | awk 'NR==2 {print $2}'");
  EXPECT_TRUE(prints(result, "read-only\nvolume\n700\ntmpfs\n1024\n"));
  remove_volumes();
}

TEST_F(RunMounts, mounts_a_tmpfs_with_dockers_options) {
  EXPECT_TRUE(prints(shell({"--tmpfs", "/t"},
                           "awk '$2==\"/t\" {print $3 \",\" $4}' /proc/mounts | grep -o "
                           "'tmpfs,rw,nosuid,nodev,noexec'; stat -c %a /t"),
                     "tmpfs,rw,nosuid,nodev,noexec\n1777\n"));
}

TEST_F(RunMounts, mounts_a_tmpfs_with_other_options) {
  EXPECT_TRUE(prints(
      shell({"--tmpfs", "/t:exec,size=64k,mode=0750"},
            "cp /bin/sh /t/sh 2>/dev/null || echo full; stat -c %a /t; grep ' /t ' /proc/mounts | grep -c noexec "
            "|| true"),
      "full\n750\n0\n"));
}

TEST_F(RunMounts, makes_the_root_read_only_but_not_what_lies_on_it) {
  const Result result =
      shell({"--read-only", "--tmpfs", "/t", "-v", make_directory("d") + ":/d"},
            "touch /f 2>/dev/null || echo read-only; touch /t/f /d/f /dev/shm/f && echo x >/dev/null && "
            "echo writable; touch /etc/hosts 2>/dev/null || echo hosts");
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(result.out, "read-only\nwritable\nhosts\n") << result;
}

struct BadMountRow {
  const char* name;
  Words options;
  const char* text;
};
void PrintTo(const BadMountRow& row, std::ostream* stream) { *stream << row.name; }

class RunBadMount : public ContainerTest, public ::testing::WithParamInterface<BadMountRow> {};

TEST_P(RunBadMount, is_refused_in_one_line) {
  EXPECT_TRUE(fails_with(shell(GetParam().options, "true"), 125, GetParam().text));
}

INSTANTIATE_TEST_SUITE_P(
    Table, RunBadMount,
    ::testing::Values(
        BadMountRow{"relative_target", {"-v", "/tmp:x"}, "is not absolute"},
        BadMountRow{"root_target", {"-v", "/tmp:/"}, "destination can't be '/'"},
        BadMountRow{"dotdot_target", {"-v", "/tmp:/a/../b"}, "'..'"},
        BadMountRow{"four_fields", {"-v", "/tmp:/x:ro:rw"}, "invalid volume"}, BadMountRow{"empty", {"-v", ""}, "''"},
        BadMountRow{"unknown_option", {"-v", "/tmp:/x:fast"}, "unknown option 'fast'"},
        BadMountRow{"bad_volume_name", {"-v", "a b:/x"}, "no volume name"},
        BadMountRow{"same_target_twice", {"-v", "/tmp:/x", "--tmpfs", "/x"}, "duplicate mount point: '/x'"},
        BadMountRow{"unknown_type", {"--mount", "type=nfs,dst=/x"}, "type 'nfs'"},
        BadMountRow{"unknown_field", {"--mount", "type=bind,src=/tmp,dst=/x,colour=red"}, "unknown field 'colour'"},
        BadMountRow{"no_target", {"--mount", "type=bind,src=/tmp"}, "'target' is missing"},
        BadMountRow{"no_source", {"--mount", "type=bind,dst=/x"}, "'source' is missing"},
        BadMountRow{"missing_source", {"--mount", "type=bind,src=/no/such,dst=/x"}, "'/no/such' does not exist"},
        BadMountRow{"tmpfs_source", {"--mount", "type=tmpfs,src=a,dst=/x"}, "a tmpfs has no source"},
        BadMountRow{"mixed_kinds", {"--mount", "type=bind,src=/tmp,dst=/x,tmpfs-size=1m"}, "tmpfs-size"},
        BadMountRow{"bad_boolean", {"--mount", "type=bind,src=/tmp,dst=/x,ro=maybe"}, "maybe"},
        BadMountRow{"bad_tmpfs_option", {"--tmpfs", "/x:colour=red"}, "colour"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace myct::test
