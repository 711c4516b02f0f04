#include "name_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "myct/base/error.hpp"

namespace myct::network {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using Names = std::vector<std::string>;

class NameTableTest : public ::testing::Test {
 protected:
  NameTableTest() {
    char pattern[] = "/tmp/myct-names-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    fs::create_directory(directory_ + "/addresses");
  }
  ~NameTableTest() override { fs::remove_all(directory_); }
  void claim(const std::string& address, const std::string& id) const {
    fs::create_symlink(id, directory_ + "/addresses/" + address);
  }
  void give_up(const std::string& address) const { fs::remove(directory_ + "/addresses/" + address); }
  [[nodiscard]] NameTable table() const { return NameTable(directory_); }
  [[nodiscard]] bool has(const std::string& name) const { return fs::exists(directory_ + "/names/" + name); }

 private:
  std::string directory_;
};

TEST_F(NameTableTest, finds_all_addresses_of_a_name_in_any_case) {
  claim("10.0.0.2", "one");
  claim("10.0.0.3", "two");
  table().add("10.0.0.2", "one", Names{"Web", "all"});
  table().add("10.0.0.3", "two", Names{"db", "ALL"});
  EXPECT_THAT(table().find("WEB"), ElementsAre("10.0.0.2"));
  EXPECT_THAT(table().find("all"), UnorderedElementsAre("10.0.0.2", "10.0.0.3"));
  EXPECT_THAT(table().find("nobody"), IsEmpty());
  EXPECT_EQ(table().name_of("10.0.0.2"), "web");
}

TEST_F(NameTableTest, passes_over_what_a_kill_has_left) {
  claim("10.0.0.2", "one");
  table().add("10.0.0.2", "one", Names{"web"});
  give_up("10.0.0.2");
  EXPECT_THAT(table().find("web"), IsEmpty());
  EXPECT_EQ(table().name_of("10.0.0.2"), std::nullopt);
  claim("10.0.0.2", "two");
  EXPECT_THAT(table().find("web"), IsEmpty()) << "the next owner of the address answers for the last one's name";
  table().add("10.0.0.2", "two", Names{"db"});
  EXPECT_THAT(table().find("db"), ElementsAre("10.0.0.2"));
  EXPECT_EQ(table().name_of("10.0.0.2"), "db");
}

TEST_F(NameTableTest, adds_and_removes_as_often_as_one_likes) {
  claim("10.0.0.2", "one");
  for (int time = 0; time < 2; ++time) table().add("10.0.0.2", "one", Names{"web", "www"});
  table().remove("10.0.0.2", "two", Names{"web"});
  EXPECT_THAT(table().find("web"), ElementsAre("10.0.0.2")) << "another's removal takes nothing";
  for (int time = 0; time < 2; ++time) table().remove("10.0.0.2", "one", Names{"web", "www"});
  EXPECT_FALSE(has("web"));
  EXPECT_FALSE(has("www"));
}

TEST_F(NameTableTest, lets_many_add_and_remove_one_name_at_once) {
  constexpr int kMany = 8;
  constexpr int kRounds = 300;
  std::vector<std::thread> threads;
  for (int number = 0; number < kMany; ++number) {
    const std::string address = "10.0.0." + std::to_string(number + 2);
    claim(address, "id" + std::to_string(number));
    threads.emplace_back([this, address, id = "id" + std::to_string(number)] {
      for (int round = 0; round < kRounds; ++round) {
        table().add(address, id, Names{"all"});
        const Names found = table().find("all");
        EXPECT_NE(std::ranges::find(found, address), found.end());
        table().remove(address, id, Names{"all"});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(has("all"));
}

TEST(NormalizeName, takes_names_of_hosts_only) {
  EXPECT_EQ(normalize_name("My_Web-1.Example"), "my_web-1.example");
  for (const std::string bad : {"", ".", "..", "a..b", ".a", "a.", "a/b", "../a", "a b", "ä"})
    EXPECT_EQ(normalize_name(bad), std::nullopt) << bad;
  EXPECT_EQ(normalize_name(std::string(64, 'a')), std::nullopt);
  EXPECT_EQ(normalize_name(std::string(63, 'a')), std::string(63, 'a'));
}

TEST_F(NameTableTest, refuses_to_keep_what_is_no_name) {
  EXPECT_THROW(table().add("10.0.0.2", "one", Names{"../up"}), Error);
}

}  // namespace
}  // namespace myct::network
