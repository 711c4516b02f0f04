// Small helpers over nlohmann_json. Include only from .cpp files that speak JSON: the header is heavy.
#pragma once

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "myct/base/error.hpp"

namespace myct::json {

using Value = nlohmann::json;

/// Why `text` is no document, where the parser stopped at its byte number `position`, from 1.
inline std::string describe_damage(std::string_view text, size_t position) {
  if (text.empty()) return "it is empty";
  const std::string_view before = text.substr(0, position > 0 ? position - 1 : 0);
  const size_t newline = before.rfind('\n');
  return fmt::format("it is damaged at line {}, column {}", 1 + std::count(before.begin(), before.end(), '\n'),
                     before.size() - (newline == std::string_view::npos ? 0 : newline + 1) + 1);
}

/// Parses a document; `name` is for the message. Throws Error{Invalid}.
inline Value parse(std::string_view text, std::string_view name) {
  try {
    return Value::parse(text);
  } catch (const Value::parse_error& e) {
    throw_error(ErrorKind::Invalid, "read '{}': {}", name, describe_damage(text, e.byte));
  } catch (const Value::exception&) {
    throw_error(ErrorKind::Invalid, "read '{}': it has a number that is too large", name);
  }
}

/// Whether the value is a whole number that a T holds. The conversion itself takes fractions and numbers that are too
/// large, and what comes of these is undefined.
template <typename T>
bool is_whole_number(const Value& value) {
  if (value.is_number_unsigned()) return std::in_range<T>(value.get<uint64_t>());
  return value.is_number_integer() && std::in_range<T>(value.get<int64_t>());
}

/// Reads member `key` into `target` when it is there and not null; throws Error{Invalid} on a wrong type, or a number
/// that is none for `target`.
template <typename T>
void read(const Value& object, const char* key, T& target) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return;
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
    if (!is_whole_number<T>(*found)) throw_error(ErrorKind::Invalid, "member '{}' has a value of the wrong kind", key);
  try {
    found->get_to(target);
  } catch (const Value::exception&) {
    throw_error(ErrorKind::Invalid, "member '{}' has a value of the wrong kind", key);
  }
}

template <typename T>
void read(const Value& object, const char* key, std::optional<T>& target) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return;
  T value{};
  read(object, key, value);
  target = std::move(value);
}

/// Writes a member unless it is empty, which keeps the documents as short as hand-written ones.
template <typename T>
void write_unless_empty(Value& object, const char* key, const T& value) {
  if (!value.empty()) object[key] = value;
}

template <typename T>
void write_if_present(Value& object, const char* key, const std::optional<T>& value) {
  if (value) object[key] = *value;
}

/// Makes the array `key` of `parent` with one element per element of `items`; without any, nothing.
template <typename Item, typename Convert>
void write_array(Value& parent, const char* key, const std::vector<Item>& items, Convert convert) {
  if (items.empty()) return;
  Value& array = parent[key] = Value::array();
  for (const Item& item : items) array.push_back(convert(item));
}

/// Appends to `items` what `convert` makes of each object in the array `key` of `parent`, if it is there.
template <typename Item, typename Convert>
void read_array(const Value& parent, const char* key, std::vector<Item>& items, Convert convert) {
  const auto found = parent.find(key);
  if (found == parent.end() || found->is_null()) return;
  if (!found->is_array()) throw_error(ErrorKind::Invalid, "member '{}' is not an array", key);
  for (const Value& element : *found) {
    if (!element.is_object()) throw_error(ErrorKind::Invalid, "member '{}' holds something other than objects", key);
    items.push_back(convert(element));
  }
}

/// The object `key` of `parent`, or nullptr when it is absent. Throws Error{Invalid} on another kind of value.
inline const Value* find_object(const Value& parent, const char* key) {
  const auto found = parent.find(key);
  if (found == parent.end() || found->is_null()) return nullptr;
  if (!found->is_object()) throw_error(ErrorKind::Invalid, "member '{}' is not an object", key);
  return &*found;
}

}  // namespace myct::json
