#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "myct/base/file.hpp"
#include "myct/security/capabilities.hpp"
#include "myct/security/seccomp.hpp"
#include "myct/security/seccomp_default.hpp"

namespace myct::security {
namespace {

namespace fs = std::filesystem;
using Program = std::vector<sock_filter>;

bool same(const Program& a, const Program& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(sock_filter)) == 0;
}

class SeccompCache : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = fs::temp_directory_path() / "seccomp_cache.XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    directory_ = root_ + "/deep/cache";
  }
  void TearDown() override { fs::remove_all(root_); }

  [[nodiscard]] Program load() const { return load_or_compile_seccomp(profile_, directory_); }
  [[nodiscard]] std::vector<fs::path> files() const {
    return {fs::directory_iterator(directory_), fs::directory_iterator()};
  }
  [[nodiscard]] static ino_t inode(const fs::path& path) {
    struct stat status {};
    EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
    return status.st_ino;
  }
  /// The only file of the cache, after a first load.
  [[nodiscard]] fs::path fill() const {
    EXPECT_TRUE(same(load(), compiled_));
    const std::vector<fs::path> found = files();
    EXPECT_EQ(found.size(), 1U);
    return found.at(0);
  }
  /// Loads with a cache file that is no good: the right program comes back and the file is replaced.
  void expect_replaced(const fs::path& file) const {
    EXPECT_TRUE(same(load(), compiled_));
    ASSERT_TRUE(fs::is_regular_file(fs::symlink_status(file)));
    const ino_t replaced = inode(file);
    EXPECT_TRUE(same(load(), compiled_));
    EXPECT_EQ(inode(file), replaced) << "the second load is served from the new file";
    EXPECT_EQ(files().size(), 1U);
  }

  std::string root_;
  std::string directory_;
  oci::Seccomp profile_ = default_seccomp(kDockerDefaultCapabilities);
  Program compiled_ = compile_seccomp(profile_);
};

TEST_F(SeccompCache, serves_the_second_load_from_the_first) {
  const fs::path file = fill();
  const ino_t first = inode(file);
  EXPECT_TRUE(same(load(), compiled_));
  EXPECT_EQ(inode(file), first);
}

TEST_F(SeccompCache, is_private_to_its_owner) {
  const fs::path file = fill();
  EXPECT_EQ(fs::status(directory_).permissions(), fs::perms::owner_all);
  EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(SeccompCache, keeps_profiles_apart) {
  (void)fill();
  oci::Seccomp other = profile_;
  other.default_errno_ret = ENOSYS;
  EXPECT_TRUE(same(load_or_compile_seccomp(other, directory_), compile_seccomp(other)));
  // The same words, divided otherwise.
  oci::Seccomp divided{.default_action = "SCMP_ACT_ALLOW"};
  divided.syscalls = {{.names = {"read", "write"}, .action = "SCMP_ACT_ERRNO"}};
  (void)load_or_compile_seccomp(divided, directory_);
  divided.syscalls = {{.names = {"read"}, .action = "SCMP_ACT_ERRNO"},
                      {.names = {"write"}, .action = "SCMP_ACT_ERRNO"}};
  (void)load_or_compile_seccomp(divided, directory_);
  EXPECT_EQ(files().size(), 4U);
}

TEST_F(SeccompCache, replaces_a_truncated_file) {
  const fs::path file = fill();
  for (const uintmax_t size : {fs::file_size(file) - 8, uintmax_t{47}, uintmax_t{0}}) {
    fs::resize_file(file, size);
    expect_replaced(file);
  }
}

TEST_F(SeccompCache, replaces_a_file_with_one_changed_byte) {
  const fs::path file = fill();
  const std::string good = read_file(file);
  for (const size_t at : {size_t{0}, size_t{8}, size_t{20}, size_t{100}, good.size() - 1}) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    write_file_at(FdRef(AT_FDCWD), file, bad);
    expect_replaced(file);
  }
}

TEST_F(SeccompCache, replaces_another_profiles_file) {
  const fs::path file = fill();
  oci::Seccomp permissive{.default_action = "SCMP_ACT_ALLOW"};
  (void)load_or_compile_seccomp(permissive, directory_);
  for (const fs::path& other : files())
    if (other != file) fs::rename(other, file);
  expect_replaced(file);
}

TEST_F(SeccompCache, replaces_a_file_that_others_can_write) {
  const fs::path file = fill();
  ASSERT_EQ(::chmod(file.c_str(), 0666), 0);
  expect_replaced(file);
  EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(SeccompCache, replaces_links_and_pipes) {
  const fs::path file = fill();
  const fs::path elsewhere = root_ + "/elsewhere";
  fs::rename(file, elsewhere);
  fs::create_symlink(elsewhere, file);
  expect_replaced(file);
  fs::remove(file);
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  expect_replaced(file);
}

TEST_F(SeccompCache, works_without_a_directory_it_can_write) {
  directory_ = root_ + "/file/cache";
  write_file_at(FdRef(AT_FDCWD), root_ + "/file", "not a directory");
  EXPECT_TRUE(same(load(), compiled_));
  directory_ = "/proc/1/cache";
  EXPECT_TRUE(same(load(), compiled_));
}

TEST_F(SeccompCache, withstands_many_writers_at_once) {
  constexpr int kWriters = 8;
  std::vector<pid_t> children;
  for (int i = 0; i < kWriters; ++i) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(same(load(), compiled_) ? 0 : 1);
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(files().size(), 1U) << "no temporary file is left";
  EXPECT_TRUE(same(load(), compiled_));
}

}  // namespace
}  // namespace myct::security
