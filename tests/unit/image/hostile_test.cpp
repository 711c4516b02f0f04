// Archives made to do harm. None may touch anything outside its own directory, and one that is refused leaves nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/xattr.h>

#include "myct/base/file.hpp"
#include "tar_builder.hpp"
#include "temp_store.hpp"

namespace myct::image::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

std::string gigantic_sparse_file(const std::string& size) {
  return TarBuilder()
      .pax({{"GNU.sparse.major", "1"},
            {"GNU.sparse.minor", "0"},
            {"GNU.sparse.name", "huge"},
            {"GNU.sparse.realsize", size}})
      .file("GNUSparseFile.0/huge", "1\n0\n0\n" + std::string(506, '\0'))
      .finish();
}

std::string cut(const std::string& bytes, size_t by) { return bytes.substr(0, bytes.size() - by); }

std::string flipped(std::string bytes, size_t from_end) {
  bytes[bytes.size() - from_end] = static_cast<char>(bytes[bytes.size() - from_end] ^ 0x55);
  return bytes;
}

struct Refused {
  const char* name;
  std::string archive;
  const char* reason;
};

std::vector<Refused> names(const std::string& outside) {
  return {
      {"absolute name", TarBuilder().file(outside + "/evil").finish(), "absolute names are refused"},
      {"dot-dot name", TarBuilder().file("../../outside/evil").finish(), "names with '..' are refused"},
      {"dot-dot inside", TarBuilder().file("a/../../../outside/evil").finish(), "names with '..' are refused"},
      {"dot-dot alone", TarBuilder().directory("..").finish(), "names with '..' are refused"},
      {"dot-dot by pax", TarBuilder().pax({{"path", "x/../../evil"}}).file("x").finish(), "'..' are refused"},
      {"dot-dot by GNU long name", TarBuilder().gnu_long_name("../evil").file("x").finish(), "'..' are refused"},
      {"absolute symlink on the way", TarBuilder().symlink("link", outside).file("link/evil").finish(),
       "link that leads outside"},
      {"relative symlink on the way", TarBuilder().symlink("link", "../../../../outside").file("link/evil").finish(),
       "link that leads outside"},
      {"two symlinks on the way",
       TarBuilder().directory("a").symlink("a/up", "..").symlink("out", "a/up/../..").file("out/evil").finish(),
       "link that leads outside"},
      {"directory through a symlink", TarBuilder().symlink("link", outside).directory("link/evil").finish(),
       "link that leads outside"},
      {"symlink through a symlink", TarBuilder().symlink("link", outside).symlink("link/evil", "x").finish(),
       "link that leads outside"},
      {"device through a symlink",
       TarBuilder().symlink("link", outside).add({.name = "link/evil", .type = '6'}).finish(), "leads outside"},
      {"magic link", TarBuilder().symlink("link", "/proc/self/cwd").file("link/evil").finish(), "leads outside"},
      {"hard link with dot-dot", TarBuilder().hard_link("x", "../../outside/secret").finish(), "'..' are refused"},
      {"absolute hard link", TarBuilder().hard_link("x", outside + "/secret").finish(), "absolute names are refused"},
      {"hard link through a symlink", TarBuilder().symlink("link", outside).hard_link("x", "link/secret").finish(),
       "leads outside"},
      {"hard link to nothing", TarBuilder().hard_link("x", "y").finish(), "there is no 'y' before it"},
      {"hard link to the root", TarBuilder().hard_link("x", ".").finish(), "leads to the root"},
      {"loop of symlinks", TarBuilder().symlink("a", "b").symlink("b", "a").file("a/x").finish(), "loop of symbolic"},
      {"file as a directory", TarBuilder().file("a").file("a/b").finish(), "not a directory"},
      {"root as a file", TarBuilder().file(".").finish(), "the root itself"},
      {"endless name", TarBuilder().pax({{"path", std::string(5000, 'a')}}).file("x").finish(), "the name has 5000"},
      {"long component", TarBuilder().pax({{"path", std::string(300, 'a')}}).file("x").finish(), "too long"},
  };
}

std::vector<Refused> contents() {
  const std::string whole = TarBuilder().base_system().file("file", std::string(100'000, 'x')).finish();
  const std::string text(100'000, 'x');
  return {
      {"cut in a member", cut(whole, 2000), "truncated tar archive"},
      {"cut between members", cut(whole, 1024), "truncated tar archive"},
      {"cut in a header", whole.substr(0, 700), "truncated tar archive"},
      {"cut gzip", cut(gzip(whole), 20), "truncated gzip input"},
      {"cut gzip trailer", cut(gzip(whole), 1), "truncated gzip input"},
      {"cut xz", cut(xz(whole), 20), "truncated xz input"},
      {"cut zstd", cut(zstd(whole), 20), "truncated zstd input"},
      {"cut bzip2", cut(bzip2(whole), 20), "truncated bzip2 input"},
      {"gzip with a wrong checksum", flipped(gzip(whole), 7), "damaged gzip input"},
      {"damaged xz", flipped(xz(whole), 60), "damaged xz input"},
      {"not a tarball", text, "not a tar archive"},
      {"compressed text", gzip(text), "not a tar archive"},
      {"a tarball compressed twice", gzip(gzip(whole)), "not a tar archive"},
      {"empty file", "", "empty file"},
      {"empty gzip", gzip(""), "not a tar archive"},
      {"no members", std::string(10240, '\0'), "without members"},
      {"damaged header", flipped(TarBuilder().file("a").file("b").finish(), 1024 + 1024 - 10), "amaged tar archive"},
      {"sparse file of 8 EiB", gigantic_sparse_file("9223372036854775807"), "that one file may have"},
      {"sparse file of 2 TiB", gigantic_sparse_file("2199023255552"), "that one file may have"},
      {"owner beyond numbers", TarBuilder().pax({{"uid", "4294967295"}}).file("x").finish(), "not a user or group"},
  };
}

TEST(HostileTarball, is_refused_with_a_reason_and_leaves_nothing) {
  const TempStore store;
  std::vector<Refused> rows = names(store.outside());
  for (Refused& row : contents()) rows.push_back(std::move(row));
  for (const Refused& row : rows) {
    (void)store.put("archive.tar", row.archive);
    const std::string before = store.neighbourhood();
    const std::string error = [&] {
      try {
        (void)import_tarball(store.paths(), {.source = store.directory() + "/archive.tar", .reference = "test"});
        return std::string("no error");
      } catch (const std::exception& e) {
        return std::string(e.what());
      }
    }();
    EXPECT_THAT(error, StartsWith("import '" + store.directory() + "/archive.tar': ")) << row.name;
    EXPECT_THAT(error, HasSubstr(row.reason)) << row.name;
    EXPECT_EQ(store.neighbourhood(), before) << row.name;
    EXPECT_THAT(store.layers(), IsEmpty()) << row.name;
    EXPECT_THAT(store.blobs(), IsEmpty()) << row.name;
    EXPECT_THAT(list(store.paths()), IsEmpty()) << row.name;
  }
}

TEST(HostileTarball, that_writes_over_a_link_replaces_the_link) {
  const struct {
    const char* name;
    std::string archive;
  } rows[] = {
      {"symlink", TarBuilder().symlink("x", "../../../../outside/secret").file("x", "mine").finish()},
      {"hard link to a symlink",
       TarBuilder().symlink("l", "../../../../outside/secret").hard_link("x", "l").file("x", "mine").finish()},
      {"directory that was a link",
       TarBuilder().symlink("d", "../../../../outside").directory("d").file("d/secret").file("x", "mine").finish()},
  };
  for (const auto& row : rows) {
    const TempStore store;
    (void)store.put("archive.tar", row.archive);
    const std::string before = store.neighbourhood();
    const Rootfs rootfs = store.import(row.archive);
    EXPECT_EQ(read_file(rootfs.lowerdirs.front() + "/x"), "mine") << row.name;
    EXPECT_TRUE(S_ISREG(inspect(rootfs.lowerdirs.front() + "/x").st_mode)) << row.name;
    EXPECT_EQ(read_file(store.outside() + "/secret"), "secret") << row.name;
    EXPECT_EQ(inspect(store.outside() + "/secret").st_nlink, 1U) << row.name;
  }
}

TEST(HostileTarball, cannot_bring_in_what_overlayfs_obeys) {
  const TempStore store;
  const Rootfs rootfs = store.import(TarBuilder()
                                         .pax({{"SCHILY.xattr.trusted.overlay.redirect", "/etc"},
                                               {"SCHILY.xattr.user.overlay.opaque", "y"},
                                               {"SCHILY.xattr.user.kept", "yes"}})
                                         .directory("d")
                                         .add({.name = "gone", .type = '3'})
                                         .finish());
  const std::string directory = rootfs.lowerdirs.front() + "/d";
  char value[16];
  EXPECT_EQ(::lgetxattr(directory.c_str(), "trusted.overlay.redirect", value, sizeof value), -1);
  EXPECT_EQ(::lgetxattr(directory.c_str(), "user.overlay.opaque", value, sizeof value), -1);
  EXPECT_EQ(::lgetxattr(directory.c_str(), "user.kept", value, sizeof value), 3);
  EXPECT_FALSE(path_exists(rootfs.lowerdirs.front() + "/gone"));
}

TEST(HostileTarball, of_one_sparse_file_takes_no_room) {
  const TempStore store;
  const Rootfs rootfs = store.import(gigantic_sparse_file("1099511627776"));
  EXPECT_EQ(inspect(rootfs.lowerdirs.front() + "/huge").st_size, 1L << 40);
  EXPECT_LT(inspect(rootfs.lowerdirs.front() + "/huge").st_blocks, 64);
}

}  // namespace
}  // namespace myct::image::test
