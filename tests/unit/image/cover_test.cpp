// Directories that a layer does not name are as lower layers have them.
#include "cover.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/xattr.h>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/image/inspect.hpp"
#include "myct/image/merged_root.hpp"
#include "temp_store.hpp"
#include "test_layer.hpp"

namespace myct::image::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// The image as a container sees it.
class Seen {
 public:
  Seen(const TempStore& store, const std::string& name)
      : lowerdirs_(resolve(store.paths(), {.image = name}).lowerdirs), root_(open_merged_root(lowerdirs_)) {}

  [[nodiscard]] const std::vector<std::string>& lowerdirs() const { return lowerdirs_; }
  [[nodiscard]] std::string path(const std::string& name) const {
    return "/proc/self/fd/" + std::to_string(root_.get()) + "/" + name;
  }
  /// "1755 5:6 1000000000", and the attribute user.colour if there is one.
  [[nodiscard]] std::string operator()(const std::string& name) const {
    const struct stat status = inspect(path(name));
    std::string text =
        fmt::format("{:o} {}:{} {}", status.st_mode & 07777U, status.st_uid, status.st_gid, status.st_mtim.tv_sec);
    std::string colour(100, '\0');
    const ssize_t length = ::getxattr(path(name).c_str(), "user.colour", colour.data(), colour.size());
    return length > 0 ? text + " " + colour.substr(0, static_cast<size_t>(length)) : text;
  }

 private:
  std::vector<std::string> lowerdirs_;
  Fd root_;
};

TarHeader directory(const std::string& name, mode_t mode, uint64_t owner, int64_t mtime) {
  return {.name = name, .type = '5', .mode = mode, .uid = owner, .gid = owner + 1, .mtime = mtime, .link = {}};
}

TestLayer base(uint64_t owner) {
  return TestLayer(TarBuilder()
                       .base_system()
                       .add(directory("./", 0711, owner, 500))
                       .add(directory("a", 01777, owner, 1000))
                       .pax({{"SCHILY.xattr.user.colour", "red"}})
                       .add(directory("a/b", 0700, owner + 10, 2000))
                       .file("a/b/old")
                       .add(directory("kept", 0750, owner, 3000)));
}
const TestLayer& upper() {
  static const TestLayer layer(TarBuilder().file("a/b/new").file("a/.wh.nothing", ""));
  return layer;
}

TEST(Cover, gives_directories_that_a_layer_does_not_name_what_the_lower_one_says) {
  const TempStore store;
  Ingest ingest(store.paths());
  (void)put_image(ingest, {base(5), upper()}, "image");
  const Seen seen(store, "image");
  EXPECT_THAT(seen.lowerdirs(), SizeIs(3));
  EXPECT_EQ(seen("a"), "1777 5:6 1000");
  EXPECT_EQ(seen("a/b"), "700 15:16 2000 red");
  EXPECT_EQ(seen("kept"), "750 5:6 3000");
  EXPECT_EQ(seen("."), "711 5:6 500");
  EXPECT_TRUE(path_exists(seen.path("a/b/new")));
  EXPECT_TRUE(path_exists(seen.path("a/b/old")));
  EXPECT_EQ(try_inspect(store.paths(), "image")->cover, seen.lowerdirs().front());
}

TEST(Cover, is_each_image_s_own_where_they_share_the_layer) {
  const TempStore store;
  Ingest ingest(store.paths());
  (void)put_image(ingest, {base(5), upper()}, "one");
  (void)put_image(ingest, {base(50), upper()}, "other");
  (void)put_image(ingest, {base(5), upper()}, "again");
  EXPECT_EQ(Seen(store, "one")("a/b"), "700 15:16 2000 red");
  EXPECT_EQ(Seen(store, "other")("a/b"), "700 60:61 2000 red");
  EXPECT_EQ(Seen(store, "one").lowerdirs(), Seen(store, "again").lowerdirs());
  EXPECT_THAT(store.layers(), SizeIs(5)) << "two bases, what they share, two covers";
}

TEST(Cover, goes_with_its_image) {
  const TempStore store;
  {
    Ingest ingest(store.paths());
    (void)put_image(ingest, {base(5), upper()}, "image");
  }
  (void)remove(store.paths(), "image", Force::No, {});
  EXPECT_THAT(store.layers(), IsEmpty());
}

TEST(Cover, is_not_made_where_layers_say_all_or_nothing) {
  const TempStore store;
  Ingest ingest(store.paths());
  const TestLayer naming(TarBuilder().add(directory("./", 0755, 0, 1)).add(directory("a", 0755, 0, 1)).file("a/x"));
  (void)put_image(ingest, {base(5), naming}, "all");
  EXPECT_EQ(Seen(store, "all")("a"), "755 0:1 1");
  const TestLayer elsewhere(TarBuilder().add(directory("./", 0755, 0, 1)).file("new/x"));
  (void)put_image(ingest, {base(5), elsewhere}, "nothing");
  for (const char* image : {"all", "nothing"}) EXPECT_THAT(Seen(store, image).lowerdirs(), SizeIs(2)) << image;
}

TEST(Cover, says_what_the_topmost_layer_says_that_names_the_directory) {
  const TempStore store;
  Ingest ingest(store.paths());
  const TestLayer naming(TarBuilder().add(directory("a", 0711, 7, 4000)).file("a/x"));
  (void)put_image(ingest, {base(5), naming, upper()}, "between");
  EXPECT_EQ(Seen(store, "between")("a"), "711 7:8 4000");
  EXPECT_EQ(Seen(store, "between")("a/b"), "700 15:16 2000 red");
  (void)put_image(ingest, {base(5), upper(), naming}, "above");
  EXPECT_EQ(Seen(store, "above")("a"), "711 7:8 4000");
  EXPECT_EQ(Seen(store, "above")("a/b"), "700 15:16 2000 red");
}

TEST(Cover, brings_nothing_back) {
  const TempStore store;
  Ingest ingest(store.paths());
  const TestLayer without(TarBuilder().file(".wh.a", ""));
  (void)put_image(ingest, {base(5), upper(), without}, "gone");
  EXPECT_FALSE(path_exists(Seen(store, "gone").path("a")));
  (void)put_image(ingest, {base(5), without, upper()}, "new");
  const struct stat fresh = inspect(Seen(store, "new").path("a/b"));
  EXPECT_EQ(fresh.st_uid, 0U) << "it is another directory than the one that was taken away";
  EXPECT_FALSE(path_exists(Seen(store, "new").path("a/b/old")));
  (void)put_image(ingest, {base(5), upper(), TestLayer(TarBuilder().file("a"))}, "file");
  EXPECT_TRUE(S_ISREG(inspect(Seen(store, "file").path("a")).st_mode));
  const TestLayer opaque(TarBuilder().add(directory("a", 0755, 0, 1)).file("a/.wh..wh..opq", "").file("a/b/new"));
  (void)put_image(ingest, {base(5), opaque}, "opaque");
  EXPECT_EQ(inspect(Seen(store, "opaque").path("a/b")).st_uid, 0U);
  EXPECT_FALSE(path_exists(Seen(store, "opaque").path("a/b/old")));
}

TEST(Cover, leaves_a_directory_empty_that_a_layer_has_emptied_and_as_it_was) {
  const TempStore store;
  Ingest ingest(store.paths());
  (void)put_image(ingest, {base(5), TestLayer(TarBuilder().file("a/b/.wh..wh..opq", ""))}, "image");
  const Seen seen(store, "image");
  EXPECT_EQ(seen("a/b"), "700 15:16 2000 red");
  EXPECT_THAT(list_directory(seen.path("a/b"), Hidden::Include), IsEmpty());
}

}  // namespace
}  // namespace myct::image::test
