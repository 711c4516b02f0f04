// JSON as Go's text/template would see docker's data: what is a struct, a map, a nil, and how each is printed.
//
// Docker's objects are structs, whose unknown fields are errors, but for some that are maps from whatever the user
// wrote, whose missing keys are "<no value>". JSON does not tell them apart; their names do, since they are docker's.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "template.hpp"

namespace myct::cli::go {

enum class Shape : uint8_t { Struct, Map, List };

/// A part of the data, a literal, or a function's result. Without a node: nothing ("<no value>").
struct Value {
  std::shared_ptr<const Json> node;
  std::string_view name;  ///< the member it was found as; lives as long as the node
  Shape shape = Shape::Struct;

  [[nodiscard]] bool exists() const noexcept { return node != nullptr; }
  [[nodiscard]] bool is_null() const noexcept { return node == nullptr || node->is_null(); }
};

/// A value that lives elsewhere for longer than any use of this one.
[[nodiscard]] Value borrow(const Json& json);
[[nodiscard]] Value own(Json json);
/// A member or element of `parent`.
[[nodiscard]] Value child(const Value& parent, std::string_view name, const Json& json);

/// What a member of this name is if it is an object, or null.
[[nodiscard]] Shape shape_of(std::string_view parent, std::string_view member) noexcept;

/// "%v": map[a:b], [a b], {a b}, <nil>, <no value>.
[[nodiscard]] std::string print(const Value& value);
/// Like Go's encoding/json, without a newline.
[[nodiscard]] std::string to_json(const Value& value);
/// What {{if}} thinks of it.
[[nodiscard]] bool is_true(const Value& value) noexcept;
/// "string", "int", ...: for messages.
[[nodiscard]] std::string type_name(const Value& value);
/// 3.5, 1e+06: the shortest text that reads back as the same number.
[[nodiscard]] std::string print_real(double value);

/// fmt.Sprintf, with %v %s %q %d %x %X %o %b %c %t %f %e %g %% and the flags - + # 0, a blank, width and precision.
/// What does not fit is said in the text, as there: "%!d(string=x)".
[[nodiscard]] std::string format(std::string_view format, const std::vector<Value>& arguments);
/// strconv.Quote
[[nodiscard]] std::string quote(std::string_view text);

}  // namespace myct::cli::go
