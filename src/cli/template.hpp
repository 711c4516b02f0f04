// Templates as --format takes them: the part of Go's text/template that scripts written for docker use.
//
// Text, {{.A.B}}, {{- trimming -}}, {{/* comments */}}, pipelines, parentheses, variables, if, range, with, break,
// continue, Go's built-in functions and docker's own (json split join title lower upper pad truncate). Not there:
// define, block, template and methods. Data is JSON; go_value.hpp tells which of its objects are maps.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>

namespace myct::cli {

using Json = nlohmann::ordered_json;

namespace syntax {
struct Block;
}

/// Exit status when a template cannot be parsed (docker-inspect(1)); one that fails on its data ends with 1.
constexpr int kExitBadTemplate = 64;

/// {{.field}} means the root's member `member`.
struct FieldName {
  std::string_view field;
  std::string_view member;
};

/// What a template is filled from.
struct TemplateData {
  const Json& root;                                            ///< "." and "$"
  const std::map<std::string, std::string>* labels = nullptr;  ///< what {{.Label "key"}} looks up; null: no such method
  /// The data are column titles: functions leave them alone, and {{.Label "a.b"}} is a title itself.
  bool titles = false;
  /// Names that members of the root have besides their own: in docker's programs the fields of some objects are not
  /// called what they are called in JSON.
  std::span<const FieldName> field_names = {};
};

class Template {
 public:
  /// Throws Error{Usage} with kExitBadTemplate, naming the column.
  explicit Template(std::string_view text);

  /// Throws Error{Invalid} with exit status 1, naming the operand.
  [[nodiscard]] std::string render(const TemplateData& data) const;

  /// Whether the field occurs anywhere: what is costly to find out is found out only then.
  [[nodiscard]] bool mentions(std::string_view field) const;

 private:
  std::shared_ptr<const syntax::Block> tree_;
};

}  // namespace myct::cli
