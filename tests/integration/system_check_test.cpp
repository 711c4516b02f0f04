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

}  // namespace
}  // namespace myct::test
