// `myct system check`: what a kill has left that no other command comes upon.
#include <filesystem>
#include <fstream>

#include "sandbox.hpp"

namespace myct::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class SystemCheck : public ContainerTest {};

TEST_F(SystemCheck, finds_and_removes_what_a_kill_in_the_middle_of_a_write_has_left) {
  ASSERT_EQ(myct({"create", "--name", "web", "-v", "named:/data", "busybox", "true"}).status, 0);
  fs::create_directories(root() + "/cache");
  const std::string id = myct({"ps", "-aq", "--no-trunc"}).out.substr(0, 64);
  for (const std::string& file :
       {root() + "/cache/.init.0123456789abcdef", root() + "/containers/" + id + "/.container.json.0123456789abcdef",
        root() + "/volumes/named/.volume.json.0123456789abcdef"}) {
    std::ofstream(file) << "{";
    EXPECT_TRUE(prints(myct({"system", "check"}), "")) << "somebody may be writing it";
    fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::minutes(2));
    const Result found = myct({"system", "check"});
    EXPECT_EQ(found.status, 1);
    EXPECT_THAT(found.out, HasSubstr("file '" + file + "': the myct that wrote it was killed"));
    EXPECT_EQ(myct({"system", "check", "--repair"}).status, 0);
    EXPECT_TRUE(prints(myct({"system", "check"}), ""));
    EXPECT_FALSE(fs::exists(file));
  }
  EXPECT_TRUE(prints(myct({"rm", "web"}), "web\n"));
  fs::remove_all(root() + "/volumes/named");
}

TEST_F(SystemCheck, names_files_that_are_not_myct_s_and_goes_on) {
  const std::string stray = root() + "/containers/stray";
  const std::string dangling = root() + "/names/gone";
  fs::create_directories(root() + "/containers");
  fs::create_directories(root() + "/names");
  std::ofstream(stray) << "a user's";
  fs::create_symlink("../containers/" + std::string(64, 'a'), dangling);
  const Result found = myct({"system", "check"});
  EXPECT_EQ(found.status, 1) << found;
  EXPECT_THAT(found.out, HasSubstr("file '" + stray + "': it is not myct's"));
  EXPECT_THAT(found.out, HasSubstr("name 'gone'"));
  const Result repaired = myct({"system", "check", "--repair"});
  EXPECT_EQ(repaired.status, 1) << repaired;
  EXPECT_THAT(repaired.err, HasSubstr("file '" + stray + "' is not myct's: move or remove it"));
  EXPECT_FALSE(fs::is_symlink(dangling));
  EXPECT_TRUE(fs::exists(stray));
  fs::remove(stray);
  EXPECT_TRUE(prints(myct({"system", "check"}), ""));
}

struct DamageRow {
  const char* name;
  const char* file;
  const char* content;
  const char* text;
};

class DamagedDocument : public ContainerTest, public ::testing::WithParamInterface<DamageRow> {};

TEST_P(DamagedDocument, is_told_in_one_line_and_removed_when_asked_to) {
  ASSERT_EQ(myct({"create", "--name", "web", "busybox", "true"}).status, 0);
  const std::string id = myct({"ps", "-aq", "--no-trunc"}).out.substr(0, 64);
  const std::string file = root() + "/containers/" + id + "/" + GetParam().file;
  std::ofstream(file) << GetParam().content;
  const std::string complaint = "read '" + file + "': " + GetParam().text;
  EXPECT_TRUE(fails_with(myct({"start", id}), 1,
                         complaint + ": remove the container with 'myct rm -f " + id.substr(0, 12) + "'\n"));
  const Result found = myct({"system", "check"});
  EXPECT_EQ(found.status, 1);
  EXPECT_EQ(found.out, "container " + id.substr(0, 12) + ": " + complaint + " (--repair removes it)\n");
  EXPECT_EQ(myct({"system", "check", "--repair"}).status, 0);
  EXPECT_TRUE(prints(myct({"system", "check"}), ""));
  EXPECT_EQ(container_count(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Table, DamagedDocument,
                         ::testing::Values(DamageRow{"rubbish_in_the_record", "container.json", "rubbish",
                                                     "it is damaged at line 1, column 1"},
                                           DamageRow{"empty_record", "container.json", "", "it is empty"},
                                           DamageRow{"torn_configuration", "config.json", "{\n\"ociVersion\"",
                                                     "it is damaged at line 2, column 13"},
                                           DamageRow{"empty_configuration", "config.json", "", "it is empty"},
                                           DamageRow{"configuration_of_another_kind", "config.json", "{\"root\": 5}",
                                                     "member 'root' is not an object"}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace myct::test
