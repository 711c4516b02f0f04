#include "template_functions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "myct/base/error.hpp"
#include "template_syntax.hpp"

namespace myct::cli::syntax {
namespace {

using go::Value;
using Arguments = std::vector<Value>;

template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) {
  throw_error(ErrorKind::Invalid, text, std::forward<Args>(args)...);
}

const std::string& text_of(const Value& value) {
  if (!value.exists() || !value.node->is_string()) fail("expected string, got {}", go::type_name(value));
  return value.node->get_ref<const std::string&>();
}

int64_t whole_of(const Value& value) {
  if (!value.exists() || !value.node->is_number_integer()) fail("expected integer, got {}", go::type_name(value));
  return value.node->get<int64_t>();
}

/// fmt.Sprint: a blank between two that are both no strings.
std::string print_all(const Arguments& arguments) {
  std::string text;
  for (size_t index = 0; index < arguments.size(); ++index) {
    const auto is_text = [&](size_t at) { return arguments[at].exists() && arguments[at].node->is_string(); };
    if (index > 0 && !is_text(index) && !is_text(index - 1)) text += ' ';
    text += arguments[index].exists() ? go::print(arguments[index]) : "<nil>";
  }
  return text;
}

Value print(const Arguments& arguments) { return go::own(print_all(arguments)); }

Value println(const Arguments& arguments) {
  std::string text;
  for (const Value& argument : arguments) {
    if (&argument != &arguments.front()) text += ' ';
    text += argument.exists() ? go::print(argument) : "<nil>";
  }
  return go::own(text + "\n");
}

Value printf(const Arguments& arguments) {
  return go::own(go::format(text_of(arguments.front()), Arguments(arguments.begin() + 1, arguments.end())));
}

Value to_json(const Arguments& arguments) { return go::own(go::to_json(arguments[0])); }

Value split(const Arguments& arguments) {
  const std::string& text = text_of(arguments[0]);
  const std::string& separator = text_of(arguments[1]);
  Json parts = Json::array();
  if (separator.empty()) {
    for (size_t at = 0; at < text.size();) {
      size_t end = at + 1;
      while (end < text.size() && (text[end] & 0xc0) == 0x80) ++end;
      parts.push_back(text.substr(at, end - at));
      at = end;
    }
    return go::own(std::move(parts));
  }
  size_t start = 0;
  for (size_t found = text.find(separator); found != std::string::npos; found = text.find(separator, start)) {
    parts.push_back(text.substr(start, found - start));
    start = found + separator.size();
  }
  parts.push_back(text.substr(start));
  return go::own(std::move(parts));
}

Value join(const Arguments& arguments) {
  const Value& list = arguments[0];
  const std::string& separator = text_of(arguments[1]);
  if (list.exists() && list.is_null() && list.shape == go::Shape::List) return go::own("");
  if (!list.exists() || !list.node->is_array()) fail("expected list of strings, got {}", go::type_name(list));
  std::string text;
  for (const Json& element : *list.node) {
    if (&element != &list.node->front()) text += separator;
    text += text_of(go::borrow(element));
  }
  return go::own(text);
}

char lower_char(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : c; }
char upper_char(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

Value lower(const Arguments& arguments) {
  std::string text = text_of(arguments[0]);
  std::transform(text.begin(), text.end(), text.begin(), lower_char);
  return go::own(std::move(text));
}

Value upper(const Arguments& arguments) {
  std::string text = text_of(arguments[0]);
  std::transform(text.begin(), text.end(), text.begin(), upper_char);
  return go::own(std::move(text));
}

Value title(const Arguments& arguments) {
  std::string text = text_of(arguments[0]);
  bool begins = true;
  for (char& c : text) {
    const char folded = lower_char(c);
    if (begins) c = upper_char(c);
    begins = !((folded >= 'a' && folded <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '\'' || (c & 0x80) != 0);
  }
  return go::own(std::move(text));
}

std::string blanks(const Value& count) {
  constexpr int64_t kMost = 10'000;
  const int64_t number = whole_of(count);
  if (number < 0 || number > kMost) fail("padding of {} is out of range", number);
  return std::string(static_cast<size_t>(number), ' ');
}

Value pad(const Arguments& arguments) {
  const std::string& text = text_of(arguments[0]);
  return go::own(text.empty() ? text : blanks(arguments[1]) + text + blanks(arguments[2]));
}

Value truncate(const Arguments& arguments) {
  const std::string& text = text_of(arguments[0]);
  const int64_t length = whole_of(arguments[1]);
  if (length < 0) fail("length {} is out of range", length);
  return go::own(text.substr(0, static_cast<size_t>(length)));
}

Value length(const Arguments& arguments) {
  const Value& value = arguments[0];
  if (value.exists() && value.is_null() && value.shape != go::Shape::Struct) return go::own(0);
  if (value.is_null()) fail("len of nil");
  if (value.node->is_string()) return go::own(value.node->get_ref<const std::string&>().size());
  if (value.node->is_array() || (value.node->is_object() && value.shape == go::Shape::Map))
    return go::own(value.node->size());
  fail("len of type {}", go::type_name(value));
}

/// A missing key is what Go's zero value is: "" in a map of strings.
Value index_map(const Value& map, const Value& key) {
  const std::string& name = text_of(key);
  if (map.is_null()) return go::own("");
  const auto found = map.node->find(name);
  if (found != map.node->end()) return go::child(map, found.key(), *found);
  if (map.node->empty() || map.node->begin()->is_string()) return go::own("");
  return {};
}

Value index_one(const Value& value, const Value& at) {
  const bool is_null = value.exists() && value.is_null();
  if ((is_null || (value.exists() && value.node->is_object())) && value.shape == go::Shape::Map)
    return index_map(value, at);
  if (value.is_null() && value.shape != go::Shape::List) fail("index of untyped nil");
  const bool is_text = value.node->is_string();
  if (!is_text && !value.node->is_array() && !is_null) fail("can't index item of type {}", go::type_name(value));
  const int64_t index = whole_of(at);
  const size_t size = is_text ? value.node->get_ref<const std::string&>().size() : value.node->size();
  if (index < 0 || static_cast<size_t>(index) >= size) fail("index out of range: {}", index);
  if (is_text) return go::own(static_cast<unsigned char>(value.node->get_ref<const std::string&>()[index]));
  return go::child(value, {}, (*value.node)[static_cast<size_t>(index)]);
}

Value index(const Arguments& arguments) {
  Value value = arguments[0];
  for (size_t at = 1; at < arguments.size(); ++at) value = index_one(value, arguments[at]);
  return value;
}

Value slice(const Arguments& arguments) {
  const Value& value = arguments[0];
  if (value.is_null()) fail("slice of untyped nil");
  const bool is_text = value.node->is_string();
  if (!is_text && !value.node->is_array()) fail("can't slice item of type {}", go::type_name(value));
  const size_t size = is_text ? value.node->get_ref<const std::string&>().size() : value.node->size();
  const int64_t from = arguments.size() > 1 ? whole_of(arguments[1]) : 0;
  const int64_t to = arguments.size() > 2 ? whole_of(arguments[2]) : static_cast<int64_t>(size);
  if (from < 0 || to < from || static_cast<size_t>(to) > size) fail("index out of range: {}:{}", from, to);
  if (is_text) return go::own(value.node->get_ref<const std::string&>().substr(from, to - from));
  return go::own(Json(Json::array_t(value.node->begin() + from, value.node->begin() + to)));
}

enum class Order : uint8_t { Less, Equal, Greater, Unequal };

/// Of values of one basic kind; integers and reals are two kinds, as in Go.
Order compare(const Value& left, const Value& right) {
  if (left.is_null() || right.is_null()) return left.is_null() && right.is_null() ? Order::Equal : Order::Unequal;
  const Json& a = *left.node;
  const Json& b = *right.node;
  if (a.is_string() && b.is_string()) return a < b ? Order::Less : a == b ? Order::Equal : Order::Greater;
  if (a.is_boolean() && b.is_boolean()) return a == b ? Order::Equal : Order::Unequal;
  if (a.is_number() && b.is_number() && a.is_number_float() == b.is_number_float())
    return a < b ? Order::Less : a == b ? Order::Equal : Order::Greater;
  fail("incompatible types for comparison: {} and {}", go::type_name(left), go::type_name(right));
}

Order order_of(const Arguments& arguments) {
  for (const Value& argument : arguments)
    if (argument.is_null() || argument.node->is_boolean())
      fail("invalid type for comparison: {}", go::type_name(argument));
  return compare(arguments[0], arguments[1]);
}

Value equal(const Arguments& arguments) {
  return go::own(std::any_of(arguments.begin() + 1, arguments.end(),
                             [&](const Value& argument) { return compare(arguments[0], argument) == Order::Equal; }));
}
Value not_equal(const Arguments& arguments) { return go::own(compare(arguments[0], arguments[1]) != Order::Equal); }
Value less(const Arguments& arguments) { return go::own(order_of(arguments) == Order::Less); }
Value at_most(const Arguments& arguments) { return go::own(order_of(arguments) != Order::Greater); }
Value greater(const Arguments& arguments) { return go::own(order_of(arguments) == Order::Greater); }
Value at_least(const Arguments& arguments) { return go::own(order_of(arguments) != Order::Less); }
Value negate(const Arguments& arguments) { return go::own(!go::is_true(arguments[0])); }

Value html(const Arguments& arguments) {
  std::string text;
  for (const char c : print_all(arguments)) {
    constexpr std::string_view kSpecial = "<>&'\"";
    constexpr std::array<std::string_view, 5> kNames = {"&lt;", "&gt;", "&amp;", "&#39;", "&#34;"};
    const size_t found = kSpecial.find(c);
    text += found == std::string_view::npos ? std::string_view(&c, 1) : kNames[found];
  }
  return go::own(std::move(text));
}

Value urlquery(const Arguments& arguments) {
  std::string text;
  for (const char c : print_all(arguments)) {
    const char folded = lower_char(c);
    if ((folded >= 'a' && folded <= 'z') || (c >= '0' && c <= '9') ||
        std::string_view("-_.~").find(c) != std::string::npos)
      text += c;
    else
      text += c == ' ' ? "+" : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return go::own(std::move(text));
}

Value last_argument(const Arguments& arguments) { return arguments.back(); }

constexpr size_t kAny = 1000;

struct Function {
  std::string_view name;
  Value (*call)(const Arguments&);
  size_t fewest;
  size_t most;
  bool keeps_titles = false;
};

constexpr std::array kFunctions = {
    Function{"json", to_json, 1, 1, true},
    Function{"split", split, 2, 2, true},
    Function{"join", join, 2, 2, true},
    Function{"title", title, 1, 1, true},
    Function{"lower", lower, 1, 1, true},
    Function{"upper", upper, 1, 1, true},
    Function{"pad", pad, 3, 3, true},
    Function{"truncate", truncate, 2, 2, true},
    Function{"print", print, 0, kAny},
    Function{"println", println, 0, kAny},
    Function{"printf", printf, 1, kAny},
    Function{"len", length, 1, 1},
    Function{"index", index, 1, kAny},
    Function{"slice", slice, 1, 3},
    Function{"eq", equal, 2, kAny},
    Function{"ne", not_equal, 2, 2},
    Function{"lt", less, 2, 2},
    Function{"le", at_most, 2, 2},
    Function{"gt", greater, 2, 2},
    Function{"ge", at_least, 2, 2},
    Function{"not", negate, 1, 1},
    Function{"html", html, 1, kAny},
    Function{"urlquery", urlquery, 1, kAny},
    // The execution has decided by now which argument is the last that counts.
    Function{"and", last_argument, 1, kAny},
    Function{"or", last_argument, 1, kAny},
};

const Function* find_function(std::string_view name) noexcept {
  for (const Function& function : kFunctions)
    if (function.name == name) return &function;
  return nullptr;
}

}  // namespace

bool is_function(std::string_view name) noexcept { return find_function(name) != nullptr; }

bool keeps_titles(std::string_view name) noexcept {
  const Function* function = find_function(name);
  return function != nullptr && function->keeps_titles;
}

Value call_function(std::string_view name, const Arguments& arguments) {
  const Function* function = find_function(name);
  if (function == nullptr) fail("function not defined");
  if (arguments.size() < function->fewest || arguments.size() > function->most)
    fail("wrong number of arguments: want {}{}, got {}", function->most == kAny ? "at least " : "", function->fewest,
         arguments.size());
  return function->call(arguments);
}

}  // namespace myct::cli::syntax
