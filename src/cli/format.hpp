// --format of the commands that print lists: a table, JSON, or a template for each row.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "template.hpp"

namespace myct::cli {

/// A thing in a list: an object with docker's names for its fields, in alphabetical order, all of them strings.
struct Row {
  Json fields;
  std::map<std::string, std::string> labels;  ///< for {{.Label "key"}}
};

/// A field and what stands above its column ("ID", "CONTAINER ID").
struct Column {
  const char* field;
  const char* title;
};

class ListFormat {
 public:
  /// `format` is the option's value: "" or "table" (then `default_table` is the template), "table TEMPLATE", "json" or
  /// "TEMPLATE". Outside its actions, \t and \n mean a tab and a new line. Throws Error{Usage}.
  ListFormat(std::string_view format, std::string_view default_table);

  /// Whether the template names the field: what is costly to find out is found out only then. JSON names none.
  [[nodiscard]] bool mentions(std::string_view field) const;

  /// The lines without the last newline; empty when there is nothing to print. Throws Error.
  [[nodiscard]] std::string render(const std::vector<Column>& columns, const std::vector<Row>& rows) const;

 private:
  enum class Kind : uint8_t { Table, Documents, Lines };

  Kind kind_;
  Template template_;
};

/// The text with \t and \n outside of {{ }} replaced by what they mean; inside, they are the template's own.
[[nodiscard]] std::string replace_escapes(std::string_view text);

}  // namespace myct::cli
