// `myct save`, `myct load`, `myct tag`, `myct history`, `myct image prune` and `myct system df`.
#include <filesystem>

#include "sandbox.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

class SaveLoad : public ContainerTest {
 protected:
  /// A line of the host's shell in the test's directory, with $MYCT and a store of its own behind $AGAIN.
  [[nodiscard]] Result host_shell(const std::string& script) const {
    Command command = this->command({});
    command.argv = {"/bin/bash", "-c", "set -eo pipefail; " + script};
    command.env["MYCT"] = myct_path();
    command.env["AGAIN"] = myct_path() + " --root " + path("again") + " --runtime-dir " + path("again-run");
    command.directory = path("");
    return run(command);
  }
  [[nodiscard]] std::string id() const { return myct({"images", "-q", "--no-trunc", "busybox"}).out; }
};

TEST_F(SaveLoad, brings_an_image_to_another_store_where_it_runs) {
  ASSERT_EQ(myct({"tag", "busybox", "example.org:5000/team/box:1"}).status, 0);
  ASSERT_EQ(host_shell("$MYCT save busybox example.org:5000/team/box:1 >both.tar").status, 0);
  EXPECT_TRUE(prints(host_shell("$AGAIN load -i both.tar"),
                     "Loaded image: busybox:latest\nLoaded image: example.org:5000/team/box:1\n"));
  EXPECT_EQ(host_shell("$AGAIN images -q --no-trunc busybox").out, id());
  EXPECT_TRUE(prints(host_shell("$AGAIN run --rm docker.io/library/busybox echo yes"), "yes\n"));
}

TEST_F(SaveLoad, goes_through_a_pipe_compressed_or_not) {
  for (const char* compressor : {"cat", "gzip -1", "zstd -q", "xz -0", "bzip2 -1"}) {
    const Result result =
        host_shell(std::string("rm -rf again; $MYCT save busybox | ") + compressor + " | $AGAIN load");
    EXPECT_TRUE(prints(result, "Loaded image: busybox:latest\n")) << compressor;
  }
}

TEST_F(SaveLoad, by_id_has_no_name) {
  EXPECT_TRUE(prints(host_shell("$MYCT save -o by-id.tar $($MYCT images -q); $AGAIN load <by-id.tar"),
                     "Loaded image ID: " + id()));
}

TEST_F(SaveLoad, leaves_no_file_when_it_fails) {
  EXPECT_TRUE(fails_with(myct({"save", "-o", path("absent.tar"), "absent"}), 1, "no image 'absent'"));
  EXPECT_TRUE(fs::is_empty(path("")));
  EXPECT_EQ(host_shell("echo before >kept.tar; $MYCT save -o kept.tar absent || cat kept.tar").out, "before\n");
}

TEST_F(SaveLoad, says_what_to_do_when_a_layer_was_not_kept) {
  ASSERT_EQ(host_shell("find " + root() + "/images/blobs -size +100k -delete").status, 0);
  EXPECT_TRUE(prints(myct({"run", "--rm", "busybox", "echo", "yes"}), "yes\n"));
  const Result result = host_shell("$MYCT save busybox >x.tar || { wc -c <x.tar; exit 1; }");
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("was not kept: import it again"));
  EXPECT_EQ(result.out, "0\n") << "nothing is written";
  ASSERT_EQ(myct({"import", busybox_tarball(), "busybox"}).status, 0);
  EXPECT_EQ(host_shell("$MYCT save busybox | $AGAIN load").status, 0);
}

struct BadRow {
  const char* name;
  const char* script;  ///< makes "bad" in the test's directory of "good.tar" and its files in "good/"
  const char* text;
};
void PrintTo(const BadRow& row, std::ostream* stream) { *stream << row.name; }

class LoadBadArchive : public SaveLoad, public ::testing::WithParamInterface<BadRow> {};

TEST_P(LoadBadArchive, is_one_error_line_and_leaves_nothing) {
  const Result made = host_shell(std::string("$MYCT save -o good.tar busybox; mkdir good; tar -xf good.tar -C good; "
                                             "pack() { tar -cf bad -C good .; }; ") +
                                 GetParam().script);
  ASSERT_EQ(made.status, 0) << made;
  const Result result = host_shell("$AGAIN load -i bad");
  EXPECT_TRUE(fails_with(result, 1, "load 'bad'"));
  EXPECT_THAT(result.err, HasSubstr(GetParam().text));
  EXPECT_EQ(host_shell("$AGAIN images -q").out, "");
  EXPECT_EQ(host_shell("find again/layers again/images/blobs/sha256 -mindepth 1 | wc -l").out, "0\n");
}

INSTANTIATE_TEST_SUITE_P(
    Table, LoadBadArchive,
    ::testing::Values(
        BadRow{"missing", "true", "No such file or directory"}, BadRow{"empty", ": >bad", "empty file"},
        BadRow{"text", "seq 1 100000 >bad", "not a tar archive"},
        BadRow{"root_file_system", "mkdir t; echo x >t/x; tar -cf bad -C t .", "it is no archive of images"},
        BadRow{"truncated", "head -c 400000 good.tar >bad", "truncated"},
        BadRow{"without_layer", "find good/blobs -size +100k -delete; pack", "which it has not"},
        BadRow{"damaged_layer",
               "f=$(find good/blobs -size +100k); printf X | dd of=$f bs=1 seek=200000 conv=notrunc "
               "status=none; pack",
               ""},
        BadRow{"other_layer", "f=$(find good/blobs -size +100k); echo x >x; tar -cf $f x; pack", "digest"},
        BadRow{"damaged_config", "f=$(grep -l rootfs good/blobs/sha256/*); sed -i s/linux/LINUX/ $f; pack", "digest"},
        BadRow{"damaged_index", "echo '{' >good/index.json; pack", "damaged at line"},
        BadRow{"climbing_name", "sed -i 's,blobs/sha256,../../etc,' good/manifest.json; rm good/index.json; pack",
               ".."},
        BadRow{"huge_index", "head -c 5000000 /dev/zero >good/index.json; pack", "more than"},
        BadRow{"fifo", "rm -r good/*; mkfifo good/index.json; pack", "it is no archive of images"}),
    [](const auto& row) { return row.param.name; });

TEST_F(SaveLoad, killed_in_the_middle_leaves_nothing_to_the_next) {
  ASSERT_EQ(host_shell("$MYCT save -o good.tar busybox").status, 0);
  for (int i = 0; i < 8; ++i) {
    const std::string delay = std::to_string(0.002 * i);
    (void)host_shell("$AGAIN load -i good.tar & sleep " + delay + "; kill -9 $! || true; wait");
    const std::string images = host_shell("$AGAIN images -q --no-trunc").out;
    EXPECT_TRUE(images.empty() || images == id()) << images;
  }
  EXPECT_EQ(host_shell("$AGAIN load -i good.tar").status, 0);
  EXPECT_EQ(host_shell("ls -A again/images again/layers | grep -c staging || true").out, "0\n");
  EXPECT_TRUE(prints(host_shell("$AGAIN run --rm busybox echo yes"), "yes\n"));
}

TEST_F(SaveLoad, of_the_same_archive_at_once_ends_in_one_layer) {
  EXPECT_EQ(host_shell("$MYCT save -o good.tar busybox; for i in 1 2 3 4; do $AGAIN load -qi good.tar & done; wait; "
                       "ls again/layers | wc -l; ls -A again/images | grep -c staging || true")
                .out,
            "Loaded image: busybox:latest\nLoaded image: busybox:latest\nLoaded image: busybox:latest\n"
            "Loaded image: busybox:latest\n1\n0\n");
}

TEST_F(SaveLoad, refuses_a_terminal) {
  EXPECT_THAT(host_shell("script -qec \"$MYCT save busybox\" /dev/null </dev/null || true").out,
              HasSubstr("an archive is not for a terminal"));
}

using Tag = ContainerTest;

TEST_F(Tag, gives_another_name_and_moves_one_that_is_taken) {
  ASSERT_EQ(myct({"tag", "busybox", "docker.io/library/other:1"}).status, 0);
  EXPECT_TRUE(prints(myct({"images", "--format", "{{.Repository}}:{{.Tag}}", "other"}), "other:1\n"));
  EXPECT_TRUE(fails_with(myct({"tag", "absent", "x"}), 1, "no image 'absent'"));
  EXPECT_TRUE(fails_with(myct({"tag", "busybox", "Bad"}), 1, "image name 'Bad'"));
  EXPECT_TRUE(fails_with(myct({"tag", "busybox", "x@sha256:" + std::string(64, 'a')}), 1, "a digest cannot be given"));
  EXPECT_THAT(myct({"rmi", "busybox"}).out, Not(HasSubstr("Deleted")));
  EXPECT_TRUE(prints(myct({"run", "--rm", "other:1", "echo", "yes"}), "yes\n"));
}

class ImageLists : public ContainerTest {
 protected:
  void SetUp() override {
    ContainerTest::SetUp();
    ASSERT_EQ(myct({"tag", "busybox", "example.org/team/box:1"}).status, 0);
  }
  [[nodiscard]] std::string names(Words options) const {
    options.insert(options.begin(), {"images", "--format", "{{.Repository}}:{{.Tag}}"});
    return myct(options).out;
  }
};

TEST_F(ImageLists, show_what_meets_the_conditions) {
  EXPECT_EQ(names({"--filter", "reference=busy*"}), "busybox:latest\n");
  EXPECT_EQ(names({"--filter", "reference=example.org/*/box"}), "example.org/team/box:1\n");
  EXPECT_EQ(names({"--filter", "reference=example.org/*"}), "");
  EXPECT_EQ(names({"busybox"}), "busybox:latest\n");
  EXPECT_EQ(names({"--filter", "dangling=true"}), "");
  EXPECT_EQ(names({"--filter", "before=busybox"}), "");
  EXPECT_EQ(names({"--filter", "label=a"}), "");
  EXPECT_TRUE(fails_with(myct({"images", "--filter", "colour=red"}), 1, "invalid filter 'colour'"));
  EXPECT_TRUE(fails_with(myct({"images", "--filter", "before=absent"}), 1, "no image 'absent'"));
}

TEST_F(ImageLists, tell_digests_that_find_the_image) {
  const std::string digest = lines_of(myct({"images", "--format", "{{.Digest}}", "busybox"}).out).front();
  EXPECT_THAT(myct({"images", "--digests"}).out, HasSubstr(digest));
  EXPECT_TRUE(prints(myct({"run", "--rm", "busybox@" + digest, "echo", "yes"}), "yes\n"));
  EXPECT_TRUE(fails_with(myct({"run", "--rm", "--pull", "never", "other@" + digest, "true"}), 125, "no image 'other@"));
  EXPECT_THAT(myct({"inspect", "--format", "{{json .RepoDigests}}", "busybox"}).out, HasSubstr("busybox@" + digest));
}

TEST_F(ImageLists, show_the_layers_as_a_tree) {
  const std::vector<std::string> lines = lines_of(myct({"images", "--tree"}).out);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_THAT(lines[1], HasSubstr("busybox:latest"));
  EXPECT_THAT(lines[2], HasSubstr("example.org/team/box:1"));
  EXPECT_THAT(lines[3], HasSubstr("layer"));
}

TEST_F(ImageLists, show_the_history) {
  EXPECT_EQ(lines_of(myct({"history", "busybox"}).out).size(), 2U);
  EXPECT_EQ(myct({"history", "-q", "--no-trunc", "busybox"}).out, myct({"images", "-q", "--no-trunc", "busybox"}).out);
  EXPECT_THAT(myct({"history", "--human=false", "--format", "{{.Size}}", "busybox"}).out,
              ::testing::MatchesRegex("[0-9]+\n"));
  EXPECT_TRUE(fails_with(myct({"history", "absent"}), 1, "no image 'absent'"));
}

TEST_F(ImageLists, are_pruned_of_what_nobody_uses) {
  ASSERT_EQ(myct({"run", "--name", "user", "busybox", "true"}).status, 0);
  EXPECT_THAT(myct({"image", "prune", "-af"}).out, HasSubstr("Total reclaimed space: 0B"));
  EXPECT_EQ(myct({"rm", "-v", "user"}).status, 0);
  EXPECT_THAT(myct({"image", "prune", "-f"}).out, HasSubstr("Total reclaimed space: 0B"));
  EXPECT_THAT(myct({"image", "prune", "-a"}, "n\n").out, HasSubstr("[y/N]"));
  EXPECT_EQ(lines_of(names({})).size(), 2U);
  const std::string out = myct({"image", "prune", "--all", "--force"}).out;
  EXPECT_THAT(out, HasSubstr("untagged: example.org/team/box:1"));
  EXPECT_THAT(out, HasSubstr("deleted: sha256:"));
  EXPECT_THAT(out, Not(HasSubstr("space: 0B")));
  EXPECT_EQ(names({}), "");
  EXPECT_TRUE(fs::is_empty(root() + "/layers"));
  EXPECT_TRUE(fs::is_empty(root() + "/images/blobs/sha256"));
}

TEST_F(ImageLists, are_summed_up_with_containers_and_volumes) {
  ASSERT_EQ(myct({"run", "--name", "user", "-v", "/data", "busybox", "sh", "-c",
                  "head -c 100000 /dev/zero >/file; head -c 5000 /dev/zero >/data/file"})
                .status,
            0);
  const std::string out = myct({"system", "df", "--format", "{{.Type}} {{.TotalCount}} {{.Active}} {{.Size}}"}).out;
  EXPECT_THAT(out, HasSubstr("Images 1 1 "));
  EXPECT_THAT(out, HasSubstr("Containers 1 0 100kB"));
  EXPECT_THAT(out, HasSubstr("Local Volumes 1 1 5kB"));
  EXPECT_THAT(myct({"system", "df", "-v"}).out, HasSubstr("Local Volumes space usage:"));
  EXPECT_EQ(myct({"rm", "-v", "user"}).status, 0);
}

}  // namespace
}  // namespace myct::test
