// What an archive says of its files is what the layer has. Runs as root: owners and devices need it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <locale.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "acl.hpp"
#include "myct/base/file.hpp"
#include "tar_builder.hpp"
#include "temp_store.hpp"

namespace myct::image::test {
namespace {

using testing::ElementsAre;

class Fidelity : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  }
  /// Imports the archive and returns where it lies.
  std::string unpack(const TarBuilder& archive) { return store_.import(archive.finish()).lowerdirs.front(); }
  static std::string xattr(const std::string& path, const char* name) {
    char value[256];
    const ssize_t size = ::lgetxattr(path.c_str(), name, value, sizeof value);
    return size < 0 ? "none" : std::string(value, static_cast<size_t>(size));
  }

  TempStore store_;
};

TEST_F(Fidelity, keeps_owner_mode_and_time) {
  const std::string root = unpack(TarBuilder()
                                      .add({.name = "su", .mode = 04755, .uid = 12, .gid = 34, .mtime = 1'111'111'111})
                                      .add({.name = "sg", .mode = 02711, .uid = 0, .gid = 5})
                                      .pax({{"mtime", "1222222222.123456789"}, {"uid", "3000000"}})
                                      .file("pax")
                                      .add({.name = "unreadable", .mode = 0}, "x"));
  EXPECT_EQ(inspect(root + "/su").st_mode, S_IFREG | 04755U);
  EXPECT_EQ(inspect(root + "/su").st_uid, 12U);
  EXPECT_EQ(inspect(root + "/su").st_gid, 34U);
  EXPECT_EQ(inspect(root + "/su").st_mtim.tv_sec, 1'111'111'111);
  EXPECT_EQ(inspect(root + "/sg").st_mode, S_IFREG | 02711U);
  EXPECT_EQ(inspect(root + "/pax").st_mtim.tv_sec, 1'222'222'222);
  EXPECT_EQ(inspect(root + "/pax").st_mtim.tv_nsec, 123456789);
  EXPECT_EQ(inspect(root + "/pax").st_uid, 3'000'000U);
  EXPECT_EQ(inspect(root + "/unreadable").st_mode, S_IFREG | 0U);
}

TEST_F(Fidelity, keeps_modes_and_times_of_directories_that_are_filled_later) {
  const std::string root =
      unpack(TarBuilder()
                 .add({.name = "./", .type = '5', .mode = 0711, .mtime = 1'100'000'000})
                 .add({.name = "a/", .type = '5', .mode = 0555, .uid = 7, .mtime = 1'100'000'001})
                 .add({.name = "a/b/", .type = '5', .mode = 03777, .mtime = 1'100'000'002})
                 .file("a/b/c")
                 .file("implied/d")
                 .add({.name = "a/", .type = '5', .mode = 0500, .uid = 8, .mtime = 1'100'000'003}));
  EXPECT_EQ(inspect(root).st_mode, S_IFDIR | 0711U);
  EXPECT_EQ(inspect(root).st_mtim.tv_sec, 1'100'000'000);
  EXPECT_EQ(inspect(root + "/a").st_mode, S_IFDIR | 0500U);
  EXPECT_EQ(inspect(root + "/a").st_uid, 8U);
  EXPECT_EQ(inspect(root + "/a").st_mtim.tv_sec, 1'100'000'003);
  EXPECT_EQ(inspect(root + "/a/b").st_mode, S_IFDIR | 03777U);
  EXPECT_EQ(inspect(root + "/a/b").st_mtim.tv_sec, 1'100'000'002);
  EXPECT_EQ(inspect(root + "/implied").st_mode, S_IFDIR | 0755U);
}

TEST_F(Fidelity, keeps_links) {
  const std::string root = unpack(TarBuilder()
                                      .file("a/x", "one")
                                      .hard_link("y", "./a/x")
                                      .add({.name = "s", .type = '2', .uid = 3, .mtime = 1'333'333'333, .link = "/out"})
                                      .hard_link("s2", "s")
                                      .symlink("lib", "usr/lib")
                                      .directory("usr/lib")
                                      .file("lib/through", "two"));
  EXPECT_EQ(inspect(root + "/y").st_ino, inspect(root + "/a/x").st_ino);
  EXPECT_EQ(inspect(root + "/y").st_nlink, 2U);
  EXPECT_TRUE(S_ISLNK(inspect(root + "/s").st_mode));
  EXPECT_EQ(inspect(root + "/s").st_uid, 3U);
  EXPECT_EQ(inspect(root + "/s").st_mtim.tv_sec, 1'333'333'333);
  EXPECT_EQ(inspect(root + "/s2").st_ino, inspect(root + "/s").st_ino);
  EXPECT_EQ(read_file(root + "/usr/lib/through"), "two");
  EXPECT_TRUE(S_ISLNK(inspect(root + "/lib").st_mode));
}

TEST_F(Fidelity, keeps_devices_and_fifos) {
  const std::string root =
      unpack(TarBuilder()
                 .add({.name = "dev/null", .type = '3', .mode = 0666, .gid = 9, .device_major = 1, .device_minor = 3})
                 .add({.name = "dev/sda", .type = '4', .mode = 0660, .device_major = 8, .device_minor = 0})
                 .add({.name = "fifo", .type = '6', .mode = 0620}));
  if (!path_exists(root + "/dev/null")) GTEST_SKIP() << "this machine's root may not make devices";
  EXPECT_EQ(inspect(root + "/dev/null").st_mode, S_IFCHR | 0666U);
  EXPECT_EQ(inspect(root + "/dev/null").st_rdev, makedev(1, 3));
  EXPECT_EQ(inspect(root + "/dev/null").st_gid, 9U);
  EXPECT_EQ(inspect(root + "/dev/sda").st_mode, S_IFBLK | 0660U);
  EXPECT_EQ(inspect(root + "/fifo").st_mode, S_IFIFO | 0620U);
}

TEST_F(Fidelity, keeps_extended_attributes_and_file_capabilities) {
  using namespace std::string_literals;
  // VFS_CAP_REVISION_2 with the effective bit and CAP_NET_RAW (linux/capability.h).
  const std::string capability = "\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0"s;
  const std::string root =
      unpack(TarBuilder()
                 .pax({{"SCHILY.xattr.security.capability", capability}, {"SCHILY.xattr.user.binary", "a\0b"s}})
                 .add({.name = "ping", .mode = 0755, .uid = 5}));
  EXPECT_EQ(xattr(root + "/ping", "security.capability"), capability);
  EXPECT_EQ(xattr(root + "/ping", "user.binary"), "a\0b"s);
}

TEST_F(Fidelity, keeps_access_control_lists) {
  const std::string root =
      unpack(TarBuilder()
                 .pax({{"SCHILY.acl.access", "user::rw-,user:1001:rwx,group::r--,mask::rwx,other::r--"}})
                 .add({.name = "numbered", .mode = 0674})
                 .pax({{"SCHILY.acl.access", "user::rw-,user:lisa:r-x,group::r--,mask::r-x,other::---"},
                       {"SCHILY.acl.default", "user::rwx,group::r-x,other::r-x"}})
                 .add({.name = "named/", .type = '5', .mode = 0750})
                 .file("named/child")
                 .base_system());
  const auto entry = [](AclTag tag, uint16_t permissions, uint32_t id = 0) {
    return AclEntry{.tag = tag, .permissions = permissions, .id = id, .name = {}};
  };
  EXPECT_EQ(xattr(root + "/numbered", kAccessAclXattr),
            encode_acl({entry(AclTag::UserObj, 6), entry(AclTag::User, 7, 1001), entry(AclTag::GroupObj, 4),
                        entry(AclTag::Mask, 7), entry(AclTag::Other, 4)}));
  EXPECT_EQ(xattr(root + "/named", kAccessAclXattr),
            encode_acl({entry(AclTag::UserObj, 6), entry(AclTag::User, 5, 1234), entry(AclTag::GroupObj, 4),
                        entry(AclTag::Mask, 5), entry(AclTag::Other, 0)}));
  EXPECT_EQ(xattr(root + "/named", kDefaultAclXattr),
            encode_acl({entry(AclTag::UserObj, 7), entry(AclTag::GroupObj, 5), entry(AclTag::Other, 5)}));
  // The default list came last, so that nothing unpacked before inherited it.
  EXPECT_EQ(xattr(root + "/named/child", kAccessAclXattr), "none");
}

TEST_F(Fidelity, keeps_holes) {
  const std::string content =
      std::string("2\n0\n512\n1048064\n512\n").append(512 - 20, '\0') + std::string(512, 'a') + std::string(512, 'z');
  const std::string root = unpack(TarBuilder()
                                      .pax({{"GNU.sparse.major", "1"},
                                            {"GNU.sparse.minor", "0"},
                                            {"GNU.sparse.name", "sparse"},
                                            {"GNU.sparse.realsize", "1048576"}})
                                      .file("GNUSparseFile.0/sparse", content));
  EXPECT_EQ(read_file(root + "/sparse"),
            std::string(512, 'a') + std::string(1048576 - 1024, '\0') + std::string(512, 'z'));
  EXPECT_LT(inspect(root + "/sparse").st_blocks, 64);
}

TEST_F(Fidelity, keeps_long_and_foreign_names) {
  // A UTF-8 locale is what tempts libarchive to normalise names.
  ASSERT_NE(::setlocale(LC_ALL, "C.UTF-8"), nullptr);
  const std::string pax_name = "p/" + std::string(250, 'x') + "/" + std::string(250, 'y');
  const std::string gnu_name = "g/" + std::string(150, 'z');
  const std::string decomposed = "e\xcc\x81t\xc3\xa9";  // the first é is two characters, the second is one
  const std::string latin1 = "caf\xe9";
  const std::string root = unpack(TarBuilder()
                                      .pax({{"path", pax_name}})
                                      .file("short")
                                      .gnu_long_name(gnu_name)
                                      .file("short")
                                      .pax({{"path", decomposed}})
                                      .file("short")
                                      .pax({{"linkpath", decomposed}})
                                      .hard_link("again", "short")
                                      .file(latin1));
  for (const std::string& name : {pax_name, gnu_name, decomposed, latin1})
    EXPECT_TRUE(path_exists(root + "/" + name)) << name;
  EXPECT_EQ(inspect(root + "/again").st_nlink, 2U);
  ::setlocale(LC_ALL, "C");
}

TEST_F(Fidelity, lets_the_later_of_two_members_win) {
  const std::string root = unpack(TarBuilder()
                                      .file("x", "one")
                                      .file("x", "two")
                                      .file("was-file")
                                      .directory("was-file")
                                      .file("was-file/in")
                                      .directory("was-directory/deep")
                                      .file("was-directory/deep/in")
                                      .file("was-directory", "file"));
  EXPECT_EQ(read_file(root + "/x"), "two");
  EXPECT_TRUE(path_exists(root + "/was-file/in"));
  EXPECT_EQ(read_file(root + "/was-directory"), "file");
}

bool is_whiteout(const std::string& path) {
  const struct stat status = inspect(path);
  return S_ISCHR(status.st_mode) && status.st_rdev == 0;
}

TEST_F(Fidelity, turns_whiteouts_into_those_of_overlayfs) {
  const std::string root = unpack(TarBuilder()
                                      .base_system()
                                      .file("etc/.wh.gone", "")
                                      .file("opt/.wh..wh..opq", "")
                                      .file("opt/new")
                                      .file(".wh..wh.plnk/1.2", "")
                                      .file("opt/.wh..wh.aufs", ""));
  EXPECT_TRUE(is_whiteout(root + "/etc/gone"));
  EXPECT_EQ(xattr(root + "/etc", "trusted.overlay.opaque"), "none");
  EXPECT_EQ(xattr(root + "/opt", "trusted.overlay.opaque"), "y");
  EXPECT_EQ(read_file(root + "/opt/new"), "content");
  EXPECT_FALSE(path_exists(root + "/opt/.wh..wh.aufs"));
  EXPECT_FALSE(path_exists(root + "/opt/.wh..wh..opq"));
}

TEST_F(Fidelity, keeps_what_the_archive_of_a_whiteout_itself_puts_in_its_place) {
  const std::string root = unpack(TarBuilder()
                                      .file("a/before")
                                      .file("a/.wh.before", "")
                                      .file("a/.wh.after", "")
                                      .file("a/after")
                                      .directory("b/before")
                                      .file("b/.wh.before", "")
                                      .file("b/.wh.after", "")
                                      .directory("b/after")
                                      .file("b/.wh.implied", "")
                                      .file("b/implied/file"));
  EXPECT_EQ(read_file(root + "/a/before"), "content");
  EXPECT_EQ(read_file(root + "/a/after"), "content");
  for (const char* name : {"before", "after", "implied"})
    EXPECT_EQ(xattr(root + "/b/" + name, "trusted.overlay.opaque"), "y") << name;
  EXPECT_EQ(read_file(root + "/b/implied/file"), "content");
}

TEST_F(Fidelity, takes_off_a_directory_that_wraps_everything) {
  EXPECT_TRUE(path_exists(unpack(TarBuilder().directory("root.x86_64").base_system("root.x86_64/")) + "/bin/sh"));
  const std::string root = unpack(TarBuilder()
                                      .file("pkglist.x86_64.txt")
                                      .file("version", "1")
                                      .add({.name = "root.x86_64/", .type = '5', .mode = 0701})
                                      .base_system("root.x86_64/"));
  EXPECT_TRUE(path_exists(root + "/bin/sh"));
  EXPECT_FALSE(path_exists(root + "/version"));
  EXPECT_EQ(inspect(root).st_mode, S_IFDIR | 0701U);
}

TEST_F(Fidelity, leaves_alone_what_does_not_wrap_a_root) {
  EXPECT_TRUE(path_exists(unpack(TarBuilder().file("app/bin/tool")) + "/app/bin/tool"));
  EXPECT_TRUE(path_exists(unpack(TarBuilder().base_system("a/").base_system("b/")) + "/a/bin/sh"));
  EXPECT_TRUE(path_exists(unpack(TarBuilder().base_system().base_system("nested/")) + "/nested/bin/sh"));
}

TEST_F(Fidelity, reads_every_compression_to_the_same_layer) {
  const std::string plain = TarBuilder().base_system().file("f", std::string(700'000, 'x')).finish();
  const Rootfs expected = store_.import(plain);
  for (const std::string& packed :
       {gzip(plain), xz(plain), zstd(plain), bzip2(plain), gzip(plain) + gzip(""),
        zstd(plain.substr(0, 1000)) + zstd(plain.substr(1000)), gzip(plain) + std::string(512, '\0')}) {
    const Rootfs rootfs = store_.import(packed);
    EXPECT_EQ(rootfs.lowerdirs, expected.lowerdirs);
    EXPECT_EQ(rootfs.id, expected.id);
  }
  EXPECT_EQ(store_.layers().size(), 1U);
  EXPECT_THAT(expected.config.cmd, ElementsAre("/bin/sh"));
}

}  // namespace
}  // namespace myct::image::test
