#include "format.hpp"

#include "flags.hpp"
#include "go_value.hpp"
#include "output.hpp"

namespace myct::cli {
namespace {

constexpr std::string_view kTable = "table";

std::string_view trim(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

std::string template_text(std::string_view format, std::string_view default_table) {
  format = trim(format);
  if (format == "json") return {};
  if (!format.starts_with(kTable)) return format.empty() ? std::string(default_table) : replace_escapes(format);
  const std::string_view columns = trim(format.substr(kTable.size()));
  return columns.empty() ? std::string(default_table) : replace_escapes(columns);
}

void add_lines(std::vector<std::vector<std::string>>& table, std::string_view text) {
  for (const std::string& line : split(text, '\n')) table.push_back(split(line, '\t'));
}

}  // namespace

std::string replace_escapes(std::string_view text) {
  std::string replaced;
  bool inside = false;
  for (size_t at = 0; at < text.size(); ++at) {
    const std::string_view pair = text.substr(at, 2);
    if (pair == "{{" || pair == "}}") inside = pair == "{{";
    if (!inside && (pair == "\\t" || pair == "\\n")) {
      replaced += pair == "\\t" ? '\t' : '\n';
      ++at;
    } else {
      replaced += text[at];
    }
  }
  return replaced;
}

ListFormat::ListFormat(std::string_view format, std::string_view default_table)
    : kind_(trim(format) == "json"                                     ? Kind::Documents
            : trim(format).empty() || trim(format).starts_with(kTable) ? Kind::Table
                                                                       : Kind::Lines),
      template_(template_text(format, default_table)) {}

bool ListFormat::mentions(std::string_view field) const { return template_.mentions(field); }

std::string ListFormat::render(const std::vector<Column>& columns, const std::vector<Row>& rows) const {
  std::string text;
  std::vector<std::vector<std::string>> table;
  if (kind_ == Kind::Table) {
    Json titles = Json::object();
    for (const Column& column : columns) titles[column.field] = column.title;
    const std::map<std::string, std::string> no_labels;
    add_lines(table, template_.render({.root = titles, .labels = &no_labels, .titles = true}));
  }
  for (const Row& row : rows) {
    if (kind_ == Kind::Documents) {
      text += go::to_json(go::borrow(row.fields)) + '\n';
      continue;
    }
    const std::string line = template_.render({.root = row.fields, .labels = &row.labels});
    if (kind_ == Kind::Table)
      add_lines(table, line);
    else
      text += line + '\n';
  }
  if (kind_ == Kind::Table) return format_table(table);
  if (!text.empty()) text.pop_back();
  return text;
}

}  // namespace myct::cli
