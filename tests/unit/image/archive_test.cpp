// Unpacking into a tree that is in use: what an archive may not do, and where it is led by links that were there.
#include "myct/image/archive.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "tar_builder.hpp"
#include "temp_store.hpp"

namespace myct::image::test {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;

class Unpack : public ::testing::Test {
 protected:
  Unpack() {
    fs::create_directories(tree());
    before_ = store_.neighbourhood();
  }

  [[nodiscard]] std::string tree() const { return store_.directory() + "/store/tree"; }
  /// The error of unpacking into the tree; empty when there is none.
  std::string unpack(const std::string& archive, bool through_links, const std::string& below = {}) {
    const std::string file = store_.directory() + "/store/archive.tar";
    std::ofstream(file, std::ios::binary) << archive;
    const Fd root = open_path(tree(), O_PATH | O_DIRECTORY);
    const Fd directory = open_path(tree() + below, O_PATH | O_DIRECTORY);
    UnpackTarget target{.directory = directory.ref(), .root = std::nullopt, .path = below, .owner = owner_};
    if (through_links) target.root = root.ref();
    try {
      extract_tar(open_path(file, O_RDONLY).ref(), target);
      return {};
    } catch (const Error& error) {
      return error.what();
    }
  }
  static std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void TearDown() override { EXPECT_EQ(store_.neighbourhood(), before_); }

  TempStore store_;
  std::string before_;
  std::optional<FileOwner> owner_;
};

TEST_F(Unpack, refuses_names_that_lead_out) {
  EXPECT_THAT(unpack(TarBuilder().file("../outside/file").finish(), true), HasSubstr("'..'"));
  EXPECT_THAT(unpack(TarBuilder().file("/etc/file").finish(), true), HasSubstr("absolute"));
  EXPECT_THAT(unpack(TarBuilder().hard_link("a", "../outside/file").finish(), true), HasSubstr("'..'"));
}

TEST_F(Unpack, goes_through_no_link_of_the_archive_and_none_that_was_there_without_a_root) {
  EXPECT_THAT(unpack(TarBuilder().symlink("a", store_.outside()).file("a/file").finish(), false),
              HasSubstr("'a' is not a directory"));
  fs::create_directory(tree() + "/dir");
  fs::create_symlink("dir", tree() + "/link");
  EXPECT_THAT(unpack(TarBuilder().file("link/file").finish(), false), HasSubstr("'link' is not a directory"));
  EXPECT_THAT(unpack(TarBuilder().hard_link("b", "link/file").finish(), false), HasSubstr("'link' is not a directory"));
}

TEST_F(Unpack, goes_through_links_inside_the_root_only) {
  fs::create_directories(tree() + "/below/real");
  fs::create_symlink("/below/real", tree() + "/below/absolute");
  fs::create_symlink("../../../../../below/real", tree() + "/below/relative");
  fs::create_symlink(store_.outside(), tree() + "/below/out");
  EXPECT_EQ(unpack(TarBuilder().file("absolute/a", "1").file("relative/b", "2").finish(), true, "/below"), "");
  EXPECT_EQ(content(tree() + "/below/real/a"), "1");
  EXPECT_EQ(content(tree() + "/below/real/b"), "2");
  EXPECT_NE(unpack(TarBuilder().file("out/a", "3").finish(), true, "/below"), "");
}

TEST_F(Unpack, replaces_a_link_instead_of_writing_through_it) {
  fs::create_symlink(store_.outside() + "/file", tree() + "/file");
  EXPECT_EQ(unpack(TarBuilder().file("file", "new").finish(), true), "");
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(tree() + "/file")));
  EXPECT_EQ(content(tree() + "/file"), "new");
}

TEST_F(Unpack, replaces_a_file_by_a_new_one) {
  std::ofstream(tree() + "/file") << "old";
  fs::create_hard_link(tree() + "/file", tree() + "/second");
  EXPECT_EQ(unpack(TarBuilder().file("file", "new").finish(), true), "");
  EXPECT_EQ(content(tree() + "/second"), "old");
}

TEST_F(Unpack, makes_directories_that_the_archive_leaves_out) {
  EXPECT_EQ(unpack(TarBuilder().file("a/b/file", "x").finish(), false), "");
  EXPECT_EQ(content(tree() + "/a/b/file"), "x");
}

TEST_F(Unpack, merges_directories_and_leaves_the_top_as_it_is) {
  fs::create_directory(tree() + "/d");
  std::ofstream(tree() + "/d/old") << "old";
  ASSERT_EQ(::chmod(tree().c_str(), 0711), 0);
  EXPECT_EQ(unpack(TarBuilder()
                       .add({.name = "./", .type = '5', .mode = 0777})
                       .add({.name = "d/", .type = '5', .mode = 0750})
                       .file("d/new")
                       .finish(),
                   false),
            "");
  EXPECT_EQ(inspect(tree()).st_mode & 07777, 0711U);
  EXPECT_EQ(inspect(tree() + "/d").st_mode & 07777, 0750U);
  EXPECT_EQ(content(tree() + "/d/old"), "old");
}

TEST_F(Unpack, takes_setuid_away_with_the_owner) {
  const std::string archive = TarBuilder()
                                  .add({.name = "a", .mode = 06755, .uid = 1000, .gid = 1000}, "x")
                                  .add({.name = "b", .mode = 04755, .uid = 0, .gid = 7}, "x")
                                  .finish();
  owner_ = FileOwner{0, 0};
  EXPECT_EQ(unpack(archive, false), "");
  EXPECT_EQ(inspect(tree() + "/a").st_mode & 07777, 0755U);
  EXPECT_EQ(inspect(tree() + "/b").st_mode & 07777, 04755U);
  owner_ = std::nullopt;
  EXPECT_EQ(unpack(archive, false), "");
  EXPECT_EQ(inspect(tree() + "/a").st_mode & 07777, 06755U);
  EXPECT_EQ(inspect(tree() + "/a").st_uid, 1000U);
}

TEST_F(Unpack, gives_a_device_to_its_new_owner_alone) {
  const std::string archive =
      TarBuilder().add({.name = "zero", .type = '3', .mode = 0666, .device_major = 1, .device_minor = 5}).finish();
  owner_ = FileOwner{0, 0};
  EXPECT_EQ(unpack(archive, false), "");
  EXPECT_EQ(inspect(tree() + "/zero").st_mode, S_IFCHR | 0600U);
  owner_ = std::nullopt;
  EXPECT_EQ(unpack(archive, false), "");
  EXPECT_EQ(inspect(tree() + "/zero").st_mode, S_IFCHR | 0666U);
}

TEST_F(Unpack, tells_an_archive_that_breaks_off) {
  const std::string archive = TarBuilder().file("a", std::string(5000, 'x')).file("b").finish();
  EXPECT_THAT(unpack(archive.substr(0, 3000), false), HasSubstr("truncated"));
}

TEST(Pack, takes_a_tree_as_deep_as_descriptors_allow) {
  constexpr int kDepth = 450;  // two descriptors each, of 1024
  const TempStore store;
  const std::string deep = store.directory() + "/deep";
  std::string below;
  for (int level = 0; level < kDepth; ++level) below += "/d";
  fs::create_directories(deep + below);
  std::ofstream(deep + below + "/file") << "bottom";
  fs::create_directories(store.directory() + "/out");
  const Fd source = open_path(deep, O_PATH | O_DIRECTORY);
  const Fd target = open_path(store.directory() + "/out", O_PATH | O_DIRECTORY);
  EXPECT_GT(copy_tree({source.ref(), "copy"}, {target.ref(), std::nullopt, {}, std::nullopt}), 512U * kDepth);
  EXPECT_TRUE(fs::exists(store.directory() + "/out/copy" + below + "/file"));
}

TEST(Pack, tells_the_packers_error_and_not_that_the_archive_breaks_off) {
  const TempStore store;
  const std::string deep = store.directory() + "/deep";
  fs::create_directories(deep);
  fs::create_directories(store.directory() + "/out");
  // A sparse file larger than any that is taken.
  const Fd file = open_path(deep + "/large", O_WRONLY | O_CREAT, 0644);
  ASSERT_EQ(::ftruncate(file.get(), 2L << 40), 0);
  const Fd source = open_path(deep, O_PATH | O_DIRECTORY);
  const Fd target = open_path(store.directory() + "/out", O_PATH | O_DIRECTORY);
  try {
    copy_tree({source.ref(), "deep"}, {target.ref(), std::nullopt, {}, std::nullopt});
    FAIL() << "copied";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("'deep/large': 2199023255552 bytes are more than"));
  }
}

}  // namespace
}  // namespace myct::image::test
