#include "myct/state/names.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <set>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"

namespace myct::state {
namespace {

class Names : public ::testing::Test {
 protected:
  Names() {
    make_directories(paths_.names());
    make_directories(paths_.containers());
  }
  ~Names() override { remove_tree(directory_); }

  void make_container(const std::string& id) { make_directories(paths_.container(id)); }

  static std::string make_temporary() {
    std::string name = "/tmp/myct-names-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw_errno("make a temporary directory");
    return name;
  }

  std::string directory_ = make_temporary();
  Paths paths_{directory_ + "/root", directory_ + "/run"};
};

TEST_F(Names, belong_to_one_container_at_a_time) {
  make_container("1");
  make_container("2");
  EXPECT_TRUE(claim_name(paths_, "web", "1"));
  EXPECT_FALSE(claim_name(paths_, "web", "2"));
  EXPECT_EQ(find_name(paths_, "web"), "1");
  release_name(paths_, "web", "2");  // not its own
  EXPECT_EQ(find_name(paths_, "web"), "1");
  release_name(paths_, "web", "1");
  EXPECT_EQ(find_name(paths_, "web"), std::nullopt);
  release_name(paths_, "web", "1");
}

TEST_F(Names, are_free_as_soon_as_their_container_is_gone) {
  make_container("1");
  ASSERT_TRUE(claim_name(paths_, "web", "1"));
  remove_tree(paths_.container("1"));
  EXPECT_EQ(find_name(paths_, "web"), std::nullopt);
  make_container("2");
  EXPECT_TRUE(claim_name(paths_, "web", "2"));
  EXPECT_EQ(find_name(paths_, "web"), "2");
}

TEST_F(Names, are_won_by_exactly_one_of_many_processes) {
  constexpr int kProcesses = 16;
  make_container("dead");
  ASSERT_TRUE(claim_name(paths_, "web", "dead"));
  for (int i = 0; i < kProcesses; ++i) make_container(std::to_string(i));
  remove_tree(paths_.container("dead"));
  for (int i = 0; i < kProcesses; ++i)
    if (::fork() == 0) ::_exit(claim_name(paths_, "web", std::to_string(i)) ? 1 : 0);
  int winners = 0;
  for (int i = 0; i < kProcesses; ++i) {
    int status = 0;
    ASSERT_GT(::wait(&status), 0);
    winners += WEXITSTATUS(status);
  }
  EXPECT_EQ(winners, 1);
}

TEST(MakeId, is_64_hex_digits_and_not_a_number_at_its_beginning) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = make_id();
    EXPECT_EQ(id.size(), 64U);
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
    EXPECT_LT(id.find_first_not_of("0123456789"), 12U);
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 1000U);
}

TEST(MakeName, is_a_valid_name) {
  for (int i = 0; i < 1000; ++i) EXPECT_NO_THROW(check_name(make_name()));
}

TEST(CheckName, follows_dockers_rule) {
  for (const char* name : {"ab", "a.b_c-D9", "0x"}) EXPECT_NO_THROW(check_name(name)) << name;
  for (const char* name : {"", "a", "-ab", ".ab", "_ab", "a b", "a/b", "ä1", "..", "a\n"})
    EXPECT_THROW(check_name(name), Error) << name;
  EXPECT_THROW(check_name(std::string(256, 'a')), Error);
}

}  // namespace
}  // namespace myct::state
