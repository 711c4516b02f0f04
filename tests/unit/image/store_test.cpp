#include "myct/image/store.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "tar_builder.hpp"
#include "temp_store.hpp"

namespace myct::image::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string archive(const std::string& content) {
  return TarBuilder().base_system().file("etc/version", content).finish();
}

template <typename Body>
Error error_of(Body body) {
  try {
    body();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return {ErrorKind::Internal, "no error"};
}

TEST(Import, of_the_same_file_unpacks_nothing_twice) {
  const TempStore store;
  const std::string path = store.put("a.tar.gz", gzip(archive("1")));
  const ImportResult first = import_tarball(store.paths(), {.source = path, .reference = "one"});
  EXPECT_FALSE(first.already_there);
  EXPECT_EQ(first.reference, "one:latest");
  const ImportResult second = import_tarball(store.paths(), {.source = path, .reference = "two:3"});
  EXPECT_TRUE(second.already_there);
  EXPECT_EQ(second.id, first.id);
  EXPECT_THAT(store.layers(), SizeIs(1));
  EXPECT_THAT(list(store.paths()), SizeIs(2));
}

TEST(Import, moves_a_name_and_keeps_the_old_image_without_one) {
  const TempStore store;
  const Rootfs first = store.import(archive("1"));
  const Rootfs second = store.import(archive("2"));
  EXPECT_NE(first.id, second.id);
  EXPECT_EQ(resolve(store.paths(), {.image = "test"}).id, second.id);
  EXPECT_EQ(resolve(store.paths(), {.image = first.id}).lowerdirs, first.lowerdirs);
  EXPECT_THAT(list(store.paths()), SizeIs(2));
  // Its name comes back with the same content.
  EXPECT_EQ(store.import(archive("1")).id, first.id);
  EXPECT_THAT(store.layers(), SizeIs(2));
}

TEST(Import, dates_the_image_by_its_newest_file) {
  const TempStore store;
  (void)store.import(TarBuilder()
                         .base_system()
                         .add({.name = "new", .mtime = 1'500'000'000})
                         .add({.name = "old", .mtime = 5})
                         .finish());
  EXPECT_EQ(format_time(list(store.paths()).front().created), "2017-07-14T02:40:00.000000000Z");
}

TEST(Import, tells_progress_and_takes_the_configuration) {
  const TempStore store;
  const std::string bytes = archive(std::string(3'000'000, 'x'));
  uint64_t last = 0;
  ImportRequest request{.source = store.put("a.tar", bytes), .reference = "a"};
  request.config.env = {"A=1"};
  request.config.cmd = {"/bin/true"};
  request.progress = [&](uint64_t done, uint64_t total) {
    EXPECT_EQ(total, bytes.size());
    EXPECT_GE(done, last);
    last = done;
  };
  (void)import_tarball(store.paths(), request);
  EXPECT_EQ(last, bytes.size());
  EXPECT_THAT(resolve(store.paths(), {.image = "a"}).config.env, ElementsAre("A=1"));
  EXPECT_THAT(resolve(store.paths(), {.image = "a"}).config.cmd, ElementsAre("/bin/true"));
}

TEST(Import, refuses_what_is_no_file_in_one_line) {
  const TempStore store;
  EXPECT_THAT(
      error_of([&] { (void)import_tarball(store.paths(), {.source = "/absent.tar", .reference = "a"}); }).what(),
      HasSubstr("import '/absent.tar': open '/absent.tar': No such file or directory"));
  EXPECT_THAT(
      error_of([&] { (void)import_tarball(store.paths(), {.source = store.outside(), .reference = "a"}); }).what(),
      HasSubstr("is a directory, not a tarball"));
  EXPECT_EQ(error_of([&] { (void)import_tarball(store.paths(), {.source = "-", .reference = "A"}); }).kind(),
            ErrorKind::Invalid);
}

TEST(Import, takes_the_named_wrapping_directory) {
  const TempStore store;
  ImportRequest request{.source = store.put("a.tar", TarBuilder().base_system("x/").base_system("y/").finish()),
                        .reference = "a"};
  request.wrapping_directory = "z";
  EXPECT_THAT(error_of([&] { (void)import_tarball(store.paths(), request); }).what(), HasSubstr("no directory 'z'"));
  request.wrapping_directory = "x";
  (void)import_tarball(store.paths(), request);
  EXPECT_TRUE(path_exists(resolve(store.paths(), {.image = "a"}).lowerdirs.front() + "/bin/sh"));
}

TEST(Resolve, finds_by_name_id_and_prefix) {
  const TempStore store;
  const Rootfs rootfs = store.import(archive("1"));
  EXPECT_EQ(rootfs.reference, "test:latest");
  const std::string hex = rootfs.id.substr(7);
  for (const std::string& text : {std::string("test"), std::string("test:latest"), rootfs.id, hex, hex.substr(0, 12),
                                  hex.substr(0, 4), rootfs.id.substr(0, 20)})
    EXPECT_EQ(resolve(store.paths(), {.image = text}).id, rootfs.id) << text;
  EXPECT_THROW((void)resolve(store.paths(), {.image = hex.substr(0, 3)}), Error);
  EXPECT_EQ(read_file(rootfs.lowerdirs.front() + "/etc/version"), "1");
}

TEST(Resolve, lets_a_name_win_over_an_id) {
  const TempStore store;
  const std::string prefix = store.import(archive("1")).id.substr(7, 6);
  const Rootfs named = store.import(archive("2"), prefix);
  EXPECT_EQ(resolve(store.paths(), {.image = prefix}).id, named.id);
}

TEST(Resolve, names_near_images_and_the_way_to_get_one) {
  const TempStore store;
  (void)store.put("arch-base.tar.gz", "");
  (void)store.import(archive("1"), "alpine");
  const Error error =
      error_of([&] { (void)resolve(store.paths(), {.image = "alpin", .search_path = {store.directory()}}); });
  EXPECT_EQ(error.kind(), ErrorKind::NotFound);
  EXPECT_STREQ(error.what(), "no image 'alpin': did you mean 'alpine'? get one with 'myct import FILE alpin'");
  EXPECT_THAT(
      error_of([&] { (void)resolve(store.paths(), {.image = "arc", .search_path = {store.directory()}}); }).hint(),
      HasSubstr("'arch'"));
}

TEST(Resolve, imports_a_local_tarball_with_its_recipe_on_first_use) {
  const TempStore store;
  (void)store.put("arch-base.tar.gz", gzip(TarBuilder().base_system("root.x86_64/").finish()));
  (void)store.put("arch.recipe", "NAME='arch'\nWRAPPING_DIRECTORY='root.x86_64'\nCMD='[\"/bin/bash\"]'\nENV_1='A=1'\n");
  const ResolveRequest request{.image = "arch", .search_path = {store.directory()}};
  const Rootfs rootfs = resolve(store.paths(), request);
  EXPECT_THAT(rootfs.config.cmd, ElementsAre("/bin/bash"));
  EXPECT_THAT(rootfs.config.env, ElementsAre("A=1"));
  EXPECT_TRUE(path_exists(rootfs.lowerdirs.front() + "/bin/sh"));
  EXPECT_EQ(resolve(store.paths(), request).id, rootfs.id);
  EXPECT_THROW((void)resolve(store.paths(), {.image = "arch:2020", .search_path = {store.directory()}}), Error);
}

TEST(Resolve, imports_again_what_has_lost_its_layer) {
  const TempStore store;
  (void)store.put("a-base.tar.gz", gzip(archive("1")));
  const ResolveRequest request{.image = "a", .search_path = {store.directory()}};
  const Rootfs rootfs = resolve(store.paths(), request);
  remove_tree(store.paths().layers() + "/" + store.layers().front());
  EXPECT_STREQ(error_of([&] { (void)resolve(store.paths(), {.image = "a"}); }).what(),
               "image 'a' has lost its layer: import it again");
  EXPECT_EQ(resolve(store.paths(), request).lowerdirs, rootfs.lowerdirs);
  EXPECT_TRUE(path_exists(rootfs.lowerdirs.front()));
}

TEST(Remove, takes_the_image_with_its_last_name) {
  const TempStore store;
  const Rootfs rootfs = store.import(archive("1"), "one");
  (void)store.import(archive("1"), "two:2");
  const RemoveResult first = remove(store.paths(), "one", Force::No, {});
  EXPECT_THAT(first.untagged, ElementsAre("one:latest"));
  EXPECT_EQ(first.deleted, "");
  const RemoveResult second = remove(store.paths(), "two:2", Force::No, {});
  EXPECT_EQ(second.deleted, rootfs.id);
  EXPECT_THAT(store.layers(), IsEmpty());
  EXPECT_THAT(store.blobs(), IsEmpty());
  EXPECT_EQ(error_of([&] { (void)remove(store.paths(), "one", Force::No, {}); }).kind(), ErrorKind::NotFound);
}

TEST(Remove, keeps_a_layer_that_another_image_shares) {
  const TempStore store;
  const std::string path = store.put("a.tar", archive("1"));
  (void)import_tarball(store.paths(), {.source = path, .reference = "one"});
  ImportRequest other{.source = path, .reference = "two"};
  other.config.cmd = {"/bin/true"};
  (void)import_tarball(store.paths(), other);
  EXPECT_NE(remove(store.paths(), "one", Force::No, {}).deleted, "");
  EXPECT_TRUE(path_exists(resolve(store.paths(), {.image = "two"}).lowerdirs.front()));
}

TEST(Remove, by_id_takes_several_names_only_by_force) {
  const TempStore store;
  const std::string id = store.import(archive("1"), "one").id;
  (void)store.import(archive("1"), "two");
  EXPECT_EQ(error_of([&] { (void)remove(store.paths(), id, Force::No, {}); }).kind(), ErrorKind::Conflict);
  const RemoveResult result = remove(store.paths(), id.substr(7, 12), Force::Yes, {});
  EXPECT_THAT(result.untagged, ElementsAre("one:latest", "two:latest"));
  EXPECT_EQ(result.deleted, id);
  EXPECT_THAT(store.layers(), IsEmpty());
}

TEST(Remove, never_takes_the_layer_of_an_image_in_use) {
  const TempStore store;
  const Rootfs rootfs = store.import(archive("1"));
  const std::set<std::string> in_use{rootfs.id};
  EXPECT_EQ(error_of([&] { (void)remove(store.paths(), "test", Force::No, in_use); }).kind(), ErrorKind::Conflict);
  const RemoveResult forced = remove(store.paths(), "test", Force::Yes, in_use);
  EXPECT_THAT(forced.untagged, ElementsAre("test:latest"));
  EXPECT_EQ(forced.deleted, "");
  EXPECT_TRUE(path_exists(rootfs.lowerdirs.front()));
  EXPECT_EQ(list(store.paths()).front().repository, "");
  EXPECT_EQ(error_of([&] { (void)remove(store.paths(), rootfs.id, Force::Yes, in_use); }).kind(), ErrorKind::Conflict);
  EXPECT_EQ(remove(store.paths(), rootfs.id, Force::No, {}).deleted, rootfs.id);
  EXPECT_THAT(store.layers(), IsEmpty());
}

}  // namespace
}  // namespace myct::image::test
