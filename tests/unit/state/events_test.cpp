#include "myct/state/events.hpp"

#include <gtest/gtest.h>

#include "myct/base/units.hpp"

namespace myct::state {
namespace {

Record sample() {
  return {.id = std::string(64, 'a'), .name = "web", .image = "alpine", .labels = {{"k", "v"}, {"name", "label"}}};
}

// What scripts read from `myct events --format json`: members may be added, none may change.
TEST(EventLine, is_what_readers_of_docker_events_expect) {
  EXPECT_EQ(event_line(sample(), "die", {{"exitCode", "3"}}, *parse_time("2024-05-01T10:00:00.123456789Z")),
            R"({"Action":"die","Actor":{"Attributes":{"exitCode":"3","image":"alpine","k":"v","name":"web"},)"
            R"("ID":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},"Type":"container",)"
            R"("from":"alpine","id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",)"
            R"("scope":"local","status":"die","time":1714557600,"timeNano":1714557600123456789})"
            "\n");
}

TEST(EventLine, of_an_image_has_docker_s_members) {
  EXPECT_EQ(image_event_line("alpine:3.20", "pull", {{"name", "alpine"}, {"k", "v"}},
                             *parse_time("2024-05-01T10:00:00.123456789Z")),
            R"({"Action":"pull","Actor":{"Attributes":{"k":"v","name":"alpine"},"ID":"alpine:3.20"},"Type":"image",)"
            R"("id":"alpine:3.20","scope":"local","status":"pull","time":1714557600,"timeNano":1714557600123456789})"
            "\n");
}

TEST(EventLine, is_one_line_whatever_the_labels_are) {
  Record record = sample();
  record.labels = {{"text", "two\nlines \" \xff"}};
  const std::string line = event_line(record, "start", {}, {});
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

}  // namespace
}  // namespace myct::state
