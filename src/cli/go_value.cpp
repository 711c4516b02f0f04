#include "go_value.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

namespace myct::cli::go {
namespace {

constexpr std::array<std::string_view, 14> kMaps = {
    "Annotations", "Attributes", "Containers",   "Data",  "DriverOpts", "ExposedPorts", "Labels",
    "Networks",    "Options",    "PortBindings", "Ports", "Sysctls",    "Tmpfs",        "Volumes"};
constexpr std::array<std::string_view, 15> kLists = {
    "Args", "Binds",   "CapAdd", "CapDrop", "Cmd",      "DeviceCgroupRules", "Devices", "Entrypoint",
    "Env",  "ExecIDs", "Layers", "Mounts",  "RepoTags", "SecurityOpt",       "Ulimits"};

template <size_t Size>
bool contains(const std::array<std::string_view, Size>& names, std::string_view name) noexcept {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string print_json(const Json& json, Shape shape, std::string_view name);

std::string print_object(const Json& json, Shape shape, std::string_view name) {
  std::vector<std::pair<std::string, std::string>> members;
  for (const auto& [key, value] : json.items()) members.emplace_back(key, print_json(value, shape_of(name, key), key));
  if (shape == Shape::Map) std::sort(members.begin(), members.end());
  std::string text(shape == Shape::Map ? "map[" : "{");
  for (size_t index = 0; index < members.size(); ++index) {
    if (index > 0) text += ' ';
    if (shape == Shape::Map) text.append(members[index].first).push_back(':');
    text += members[index].second;
  }
  return text + (shape == Shape::Map ? "]" : "}");
}

std::string print_json(const Json& json, Shape shape, std::string_view name) {
  switch (json.type()) {
    case Json::value_t::null:
      return shape == Shape::Map ? "map[]" : shape == Shape::List ? "[]" : "<nil>";
    case Json::value_t::string:
      return json.get<std::string>();
    case Json::value_t::boolean:
      return json.get<bool>() ? "true" : "false";
    case Json::value_t::number_float:
      return print_real(json.get<double>());
    case Json::value_t::object:
      return print_object(json, shape, name);
    case Json::value_t::array:
      break;
    default:
      return json.dump();
  }
  std::string text = "[";
  for (const Json& element : json) {
    if (text.size() > 1) text += ' ';
    text += print_json(element, Shape::Struct, {});
  }
  return text + "]";
}

}  // namespace

Value borrow(const Json& json) { return {.node = {std::shared_ptr<const Json>(), &json}, .name = {}}; }

Value own(Json json) { return {.node = std::make_shared<const Json>(std::move(json)), .name = {}}; }

Value child(const Value& parent, std::string_view name, const Json& json) {
  return {.node = {parent.node, &json}, .name = name, .shape = shape_of(parent.name, name)};
}

Shape shape_of(std::string_view parent, std::string_view member) noexcept {
  if (contains(kMaps, member) || (parent == "LogConfig" && member == "Config")) return Shape::Map;
  return contains(kLists, member) ? Shape::List : Shape::Struct;
}

std::string print(const Value& value) {
  return value.exists() ? print_json(*value.node, value.shape, value.name) : "<no value>";
}

std::string to_json(const Value& value) {
  return value.exists() ? value.node->dump(-1, ' ', false, Json::error_handler_t::replace) : "null";
}

bool is_true(const Value& value) noexcept {
  if (value.is_null()) return false;
  const Json& json = *value.node;
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_float()) return json.get<double>() != 0;
  if (json.is_number()) return json.get<int64_t>() != 0;
  if (json.is_string()) return !json.get_ref<const std::string&>().empty();
  return (json.is_object() && value.shape == Shape::Struct) || !json.empty();
}

std::string type_name(const Value& value) {
  if (value.is_null()) return "nil";
  const Json& json = *value.node;
  if (json.is_number_float()) return "float64";
  if (json.is_number()) return "int";
  if (json.is_boolean()) return "bool";
  if (json.is_object()) return value.shape == Shape::Map ? "map" : "struct";
  return json.is_array() ? "list" : "string";
}

std::string print_real(double value) {
  // Go's %v: the fewest digits, with an exponent below 1e-4 and from 1e6 on.
  char digits[64];
  const double magnitude = std::fabs(value);
  const bool plain = magnitude == 0 || (magnitude >= 1e-4 && magnitude < 1e6);
  const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
  return {digits, std::to_chars(digits, digits + sizeof digits, value, format).ptr};
}

}  // namespace myct::cli::go
