#include "myct/image/change.hpp"

#include <gmock/gmock.h>

#include "myct/base/error.hpp"

namespace myct::image {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

oci::ImageConfig changed(std::initializer_list<const char*> instructions) {
  oci::ImageConfig config;
  config.env = {"PATH=/bin", "A=0"};
  config.working_dir = "/srv";
  for (const char* instruction : instructions) apply_change(config, instruction);
  return config;
}

TEST(Change, takes_commands_as_lists_and_as_lines_for_the_shell) {
  EXPECT_THAT(changed({R"(CMD ["a", "b c"])"}).cmd, ElementsAre("a", "b c"));
  EXPECT_THAT(changed({"cmd echo $A  now"}).cmd, ElementsAre("/bin/sh", "-c", "echo $A  now"));
  EXPECT_THAT(changed({"CMD [ not a list"}).cmd, ElementsAre("/bin/sh", "-c", "[ not a list"));
  EXPECT_THAT(changed({"ENTRYPOINT [\"/init\"]"}).entrypoint, ElementsAre("/init"));
}

TEST(Change, sets_variables_and_labels) {
  EXPECT_THAT(changed({R"(ENV A=1 B="two words" C=x\ y D='it\s')"}).env,
              ElementsAre("PATH=/bin", "A=1", "B=two words", "C=x y", "D=it\\s"));
  EXPECT_THAT(changed({"ENV A the rest = all"}).env, ElementsAre("PATH=/bin", "A=the rest = all"));
  EXPECT_THAT(changed({"LABEL a=b \"c d\"=e", "LABEL a=f"}).labels, ElementsAre(Pair("a", "f"), Pair("c d", "e")));
}

TEST(Change, adds_ports_and_volumes_once) {
  EXPECT_THAT(changed({"EXPOSE 80 53/udp 8000-8002", "EXPOSE 80/tcp"}).exposed_ports,
              ElementsAre("80/tcp", "53/udp", "8000/tcp", "8001/tcp", "8002/tcp"));
  EXPECT_THAT(changed({"VOLUME /a /b", R"(VOLUME ["/b", "/c d"])"}).volumes, ElementsAre("/a", "/b", "/c d"));
}

TEST(Change, sets_the_rest) {
  const oci::ImageConfig config = changed({"USER 5:6", "WORKDIR sub/dir", "STOPSIGNAL SIGINT", "ONBUILD RUN make all"});
  EXPECT_EQ(config.user, "5:6");
  EXPECT_EQ(config.working_dir, "/srv/sub/dir");
  EXPECT_EQ(config.stop_signal, "SIGINT");
  EXPECT_THAT(config.on_build, ElementsAre("RUN make all"));
  EXPECT_EQ(changed({"WORKDIR /other"}).working_dir, "/other");
}

TEST(Change, refuses_what_is_no_instruction_and_says_why) {
  const struct {
    const char* instruction;
    const char* why;
  } rows[] = {{"RUN make", "there are CMD"},      {"", "there are CMD"},
              {"CMD", "CMD needs a value"},       {"ENV A", "a value is missing"},
              {"ENV A=1 B", "'B' has no '='"},    {"ENV =1", "no name before '='"},
              {"ENV A=\"1", "is not closed"},     {"EXPOSE 0", "'0' is no port"},
              {"EXPOSE 70000", "is no port"},     {"EXPOSE 80/icmp", "is no port"},
              {"VOLUME data", "not an absolute"}, {"STOPSIGNAL LOUD", "'LOUD' is no signal"}};
  for (const auto& row : rows) {
    try {
      (void)changed({row.instruction});
      ADD_FAILURE() << row.instruction;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(row.why)) << row.instruction;
    }
  }
}

}  // namespace
}  // namespace myct::image
