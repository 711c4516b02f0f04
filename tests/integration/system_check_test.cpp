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

}  // namespace
}  // namespace myct::test
