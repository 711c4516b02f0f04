#include "format.hpp"

#include <gtest/gtest.h>

#include "myct/base/error.hpp"

namespace myct::cli {
namespace {

const std::vector<Column> kColumns = {{"ID", "CONTAINER ID"}, {"Names", "NAMES"}};
constexpr const char* kDefault = "{{.ID}}\t{{.Names}}";

std::vector<Row> rows() {
  return {{.fields = {{"ID", "0123456789ab"}, {"Names", "web"}}, .labels = {{"com.x.app-name", "shop"}}},
          {.fields = {{"ID", "ba9876543210"}, {"Names", "a_long_name"}}, .labels = {}}};
}

std::string render(const std::string& format) { return ListFormat(format, kDefault).render(kColumns, rows()); }

TEST(ListFormat, is_a_table_by_default) {
  const std::string table =
      "CONTAINER ID   NAMES\n"
      "0123456789ab   web\n"
      "ba9876543210   a_long_name";
  EXPECT_EQ(render(""), table);
  EXPECT_EQ(render("table"), table);
  EXPECT_EQ(ListFormat("", kDefault).render(kColumns, {}), "CONTAINER ID   NAMES");
}

TEST(ListFormat, prints_a_table_of_a_template_with_docker_s_titles) {
  EXPECT_EQ(render("table {{.Names}}\\t{{.ID}}"),
            "NAMES         CONTAINER ID\n"
            "web           0123456789ab\n"
            "a_long_name   ba9876543210");
  EXPECT_EQ(render("table {{upper .Names}}\t{{.Label \"com.x.app-name\"}}"),
            "NAMES         app name\n"
            "WEB           shop\n"
            "A_LONG_NAME   ");
}

TEST(ListFormat, has_columns_of_ten_at_least) {
  EXPECT_EQ(render("table {{slice .ID 0 2}}\t{{.Names}}"),
            "CO        NAMES\n"
            "01        web\n"
            "ba        a_long_name");
}

TEST(ListFormat, prints_a_document_per_line) {
  EXPECT_EQ(render("json"),
            "{\"ID\":\"0123456789ab\",\"Names\":\"web\"}\n"
            "{\"ID\":\"ba9876543210\",\"Names\":\"a_long_name\"}");
  EXPECT_EQ(render("{{json .}}"), render("json"));
  EXPECT_EQ(ListFormat("json", kDefault).render(kColumns, {}), "");
}

TEST(ListFormat, prints_a_template_per_row) {
  EXPECT_EQ(render("{{.ID}}\\t{{.Names}}"), "0123456789ab\tweb\nba9876543210\ta_long_name");
  EXPECT_EQ(render("  {{.Names}}\\n-"), "web\n-\na_long_name\n-");
  EXPECT_EQ(ListFormat("{{.ID}}", kDefault).render(kColumns, {}), "");
}

TEST(ListFormat, fails_on_an_unknown_field) {
  EXPECT_THROW((void)render("{{.Nope}}"), Error);
  EXPECT_THROW((void)render("table {{.Nope}}"), Error);
  EXPECT_THROW((void)render("{{.Nope"), Error);
}

TEST(ReplaceEscapes, leaves_actions_alone) {
  EXPECT_EQ(replace_escapes(R"(a\tb\n{{print "\t"}}\t\x)"), "a\tb\n{{print \"\\t\"}}\t\\x");
}

}  // namespace
}  // namespace myct::cli
