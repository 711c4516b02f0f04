// `myct import`: formats, sources, and files that are none.
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>

#include "sandbox.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class Import : public Sandbox {
 protected:
  /// A line of the host's shell, in the test's directory, with the busybox tarball as $BASE and myct as $MYCT.
  [[nodiscard]] Result host_shell(const std::string& script) const {
    Command command = this->command({});
    command.argv = {"/bin/bash", "-c", "set -eo pipefail; " + script};
    command.env["BASE"] = busybox_tarball();
    command.env["MYCT"] = myct_path();
    command.directory = path("");
    return run(command);
  }
  void expect_no_image() const { EXPECT_TRUE(prints(myct({"images", "-q"}), "")); }
  /// Layers that are there, whether an image names them or not.
  [[nodiscard]] std::vector<std::string> layers() const {
    std::vector<std::string> names;
    std::error_code absent;
    for (const fs::directory_entry& entry : fs::directory_iterator(root() + "/layers", absent))
      names.push_back(entry.path().filename().string());
    return names;
  }
};

struct FormatRow {
  const char* name;
  const char* compressor;
};
void PrintTo(const FormatRow& row, std::ostream* stream) { *stream << row.name; }

class ImportFormat : public Import, public ::testing::WithParamInterface<FormatRow> {};

TEST_P(ImportFormat, is_read_from_a_file_and_from_standard_input) {
  ASSERT_EQ(host_shell(std::string("zcat $BASE | ") + GetParam().compressor + " >image").status, 0);
  const Result file = myct({"import", path("image"), "from-file"});
  EXPECT_EQ(file.status, 0) << file;
  EXPECT_THAT(file.out, ::testing::MatchesRegex("sha256:[0-9a-f]+\n"));
  EXPECT_TRUE(prints(myct({"run", "--rm", "from-file", "echo", "yes"}), "yes\n"));
  const Result input = host_shell("$MYCT import - from-input <image");
  EXPECT_EQ(input.status, 0) << input;
  EXPECT_TRUE(prints(myct({"run", "--rm", "from-input", "echo", "yes"}), "yes\n"));
  EXPECT_EQ(layers().size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(All, ImportFormat,
                         ::testing::Values(FormatRow{"plain", "cat"}, FormatRow{"gzip", "gzip -1"},
                                           FormatRow{"xz", "xz -0"}, FormatRow{"zstd", "zstd -q"},
                                           FormatRow{"bzip2", "bzip2 -1"}),
                         [](const auto& row) { return row.param.name; });

TEST_F(Import, reads_a_pipe) {
  EXPECT_EQ(host_shell("cat $BASE | $MYCT import - piped:1.0").status, 0);
  EXPECT_TRUE(prints(myct({"run", "--rm", "piped:1.0", "echo", "yes"}), "yes\n"));
}

TEST_F(Import, keeps_owners_modes_times_links_and_attributes) {
  const Result made = host_shell(
      "mkdir tree tree/bin; cp /bin/busybox tree/bin/busybox; for n in sh stat readlink getfattr; do ln -s busybox "
      "tree/bin/$n; done; echo x >tree/file; chown 12:34 tree/file; chmod 4750 tree/file; touch -d @1000000000 "
      "tree/file; "
      "ln tree/file tree/hard; ln -s ../etc/x tree/soft; mkfifo tree/fifo; mkdir -m 1777 tree/sticky; "
      "setfattr -n user.colour -v red tree/file; setcap cap_net_raw+ep tree/bin/busybox; "
      "tar --xattrs --xattrs-include='*' -cf tree.tar -C tree .");
  ASSERT_EQ(made.status, 0) << made;
  ASSERT_EQ(myct({"import", path("tree.tar"), "tree"}).status, 0);
  EXPECT_TRUE(
      prints(myct({"run", "--rm", "tree", "sh", "-c",
                   "stat -c '%a %u:%g %Y %h' /file; readlink /soft; [ -p /fifo ] && echo fifo; stat -c %a /sticky"}),
             "4750 12:34 1000000000 2\n../etc/x\nfifo\n1777\n"));
  ASSERT_EQ(layers().size(), 1U);
  const std::string layer = root() + "/layers/" + layers().front() + "/fs";
  char value[64] = {};
  EXPECT_EQ(::getxattr((layer + "/file").c_str(), "user.colour", value, sizeof value), 3)
      << "an extended attribute is lost";
  EXPECT_GT(::getxattr((layer + "/bin/busybox").c_str(), "security.capability", value, sizeof value), 0)
      << "a file capability is lost";
  EXPECT_TRUE(fs::equivalent(layer + "/file", layer + "/hard"));
}

TEST_F(Import, unwraps_one_directory_around_everything) {
  ASSERT_EQ(host_shell("mkdir -p root.x86_64; tar -xzf $BASE -C root.x86_64; echo pkg >pkglist.txt; "
                       "tar -czf wrapped.tar.gz root.x86_64 pkglist.txt")
                .status,
            0);
  ASSERT_EQ(myct({"import", path("wrapped.tar.gz"), "wrapped"}).status, 0);
  EXPECT_TRUE(
      prints(myct({"run", "--rm", "wrapped", "sh", "-c", "ls -d /bin /root.x86_64 2>/dev/null; true"}), "/bin\n"));
}

TEST_F(Import, moves_a_name_to_the_new_image) {
  ASSERT_EQ(host_shell("mkdir t; tar -xzf $BASE -C t; echo 2 >t/version; tar -cf second.tar -C t .").status, 0);
  ASSERT_EQ(myct({"import", busybox_tarball(), "moving"}).status, 0);
  ASSERT_EQ(myct({"import", path("second.tar"), "moving"}).status, 0);
  EXPECT_TRUE(prints(myct({"run", "--rm", "moving", "cat", "/version"}), "2\n"));
}

TEST_F(Import, unpacks_the_same_file_only_once) {
  ASSERT_EQ(myct({"import", busybox_tarball(), "first"}).status, 0);
  ASSERT_EQ(myct({"import", busybox_tarball(), "second"}).status, 0);
  EXPECT_EQ(layers().size(), 1U);
  EXPECT_TRUE(prints(myct({"run", "--rm", "second", "echo", "yes"}), "yes\n"));
}

TEST_F(Import, of_the_same_file_twice_at_once_ends_in_one_image) {
  std::vector<Process> importing;
  for (int i = 0; i < 4; ++i) importing.emplace_back(command({"import", busybox_tarball(), "same"}));
  std::set<std::string> ids;
  for (Process& process : importing) {
    const Result result = process.wait();
    EXPECT_EQ(result.status, 0) << result;
    ids.insert(result.out);
  }
  EXPECT_EQ(ids.size(), 1U);
  EXPECT_EQ(layers().size(), 1U);
  EXPECT_EQ(lines_of(myct({"images", "-q"}).out).size(), 1U);
}

TEST_F(Import, of_the_same_pipe_twice_at_once_ends_in_one_layer) {
  EXPECT_EQ(host_shell("$MYCT import - a <$BASE & $MYCT import - b <$BASE; wait $!").status, 0);
  EXPECT_EQ(layers().size(), 1U);
}

TEST_F(Import, on_first_use_by_two_at_once_gives_one_image_and_two_containers) {
  fs::copy_file(busybox_tarball(), path("both-base.tar.gz"));
  std::vector<Process> running;
  for (int i = 0; i < 4; ++i)
    running.emplace_back(command({"run", "--rm", "--image-path", path(""), "--image", "both", "echo", "yes"}));
  for (Process& process : running) EXPECT_TRUE(prints(process.wait(), "yes\n"));
  EXPECT_EQ(layers().size(), 1U);
}

struct BadRow {
  const char* name;
  const char* script;  ///< makes "bad" in the test's directory
  const char* text;
};
void PrintTo(const BadRow& row, std::ostream* stream) { *stream << row.name; }

class ImportBadFile : public Import, public ::testing::WithParamInterface<BadRow> {};

TEST_P(ImportBadFile, is_one_error_line_and_leaves_nothing) {
  const Result made = host_shell(GetParam().script);
  ASSERT_EQ(made.status, 0) << made;
  const Result result = myct({"import", path("bad"), "bad"});
  EXPECT_TRUE(fails_with(result, 1, "import '" + path("bad") + "'"));
  EXPECT_THAT(result.err, HasSubstr(GetParam().text));
  expect_no_image();
  EXPECT_THAT(layers(), ::testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Table, ImportBadFile,
    ::testing::Values(BadRow{"missing", "true", "No such file or directory"},
                      BadRow{"directory", "mkdir bad", "directory"}, BadRow{"empty", ": >bad", ""},
                      BadRow{"text", "seq 1 100000 >bad", ""}, BadRow{"noise", "head -c 100000 /dev/urandom >bad", ""},
                      BadRow{"empty_archive", "tar -cf bad --files-from /dev/null", ""},
                      BadRow{"gzip_of_text", "seq 1 100000 | gzip >bad", ""},
                      BadRow{"truncated_gzip", "head -c 300000 $BASE >bad", ""},
                      BadRow{"truncated_plain", "zcat $BASE | head -c 300000 >bad || true", ""},
                      BadRow{"truncated_xz", "zcat $BASE | xz -0 | head -c 200000 >bad || true", ""},
                      BadRow{"damaged_gzip",
                             "cp $BASE bad; printf XXXXXXXX | dd of=bad bs=1 seek=200000 conv=notrunc status=none", ""},
                      BadRow{"climbing_name", "echo x >x; tar --transform 's,^,../../,' -P -cf bad x", ".."},
                      BadRow{"through_a_link",
                             "mkdir a b; ln -s /tmp a/out; echo x >b/f; tar -cf bad -C a out; tar --transform "
                             "'s,^,out/,' -rf bad -C b f",
                             ""}),
    [](const auto& row) { return row.param.name; });

TEST_F(Import, names_the_member_of_a_bad_archive) {
  ASSERT_EQ(host_shell("zcat $BASE | head -c 300000 >bad || true").status, 0);
  EXPECT_THAT(myct({"import", path("bad"), "bad"}).err, HasSubstr("bin/busybox"));
}

TEST_F(Import, refuses_a_bad_name_before_it_unpacks) {
  EXPECT_TRUE(fails_with(myct({"import", busybox_tarball(), "Bad Name"}), 1, "image name 'Bad Name'"));
  EXPECT_TRUE(fails_with(myct({"import", busybox_tarball(), "../climb"}), 1, "image name '../climb'"));
  EXPECT_TRUE(fails_with(myct({"import", busybox_tarball(), "a:b:c"}), 1, "image name 'a:b:c'"));
  EXPECT_FALSE(fs::exists(root() + "/layers") && !fs::is_empty(root() + "/layers"));
}

TEST_F(Import, survives_a_reader_that_goes_away) {
  EXPECT_EQ(host_shell("$MYCT import $BASE quiet | true || true").err, "");
  EXPECT_TRUE(prints(myct({"run", "--rm", "quiet", "echo", "yes"}), "yes\n"));
}

TEST_F(Import, shows_no_progress_bar_without_a_terminal) {
  EXPECT_EQ(myct({"import", busybox_tarball(), "quiet"}).err, "");
}

}  // namespace
}  // namespace myct::test
