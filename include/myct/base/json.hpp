// Small helpers over nlohmann_json. Include only from .cpp files that speak JSON: the header is heavy.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "myct/base/error.hpp"

namespace myct::json {

using Value = nlohmann::json;

/// Parses a document; `name` is for the message. Throws Error{Invalid}.
inline Value parse(std::string_view text, std::string_view name) {
  try {
    return Value::parse(text);
  } catch (const Value::exception& e) {
    throw_error(ErrorKind::Invalid, "read '{}': {}", name, e.what());
  }
}

/// Reads member `key` into `target` when it is there and not null; throws Error{Invalid} on a wrong type.
template <typename T>
void read(const Value& object, const char* key, T& target) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return;
  try {
    found->get_to(target);
  } catch (const Value::exception& e) {
    throw_error(ErrorKind::Invalid, "member '{}': {}", key, e.what());
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

}  // namespace myct::json
