#include "recipe.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/json.hpp"
#include "myct/base/units.hpp"
#include "staging.hpp"

namespace myct::image {
namespace {

constexpr std::array<std::string_view, 3> kSuffixes{"-base.tar.gz", "-base.tar.xz", "-base.tar.zst"};

std::string_view trim(std::string_view text) noexcept {
  constexpr std::string_view kBlank = " \t\r";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

bool is_key(std::string_view key) noexcept {
  const auto allowed = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; };
  return !key.empty() && !(key.front() >= '0' && key.front() <= '9') && std::ranges::all_of(key, allowed);
}

/// The value as a shell would read it; nullopt for anything that only a shell can read.
std::optional<std::string> unquote(std::string_view text) {
  if (text.starts_with('\'')) {
    const size_t end = text.find('\'', 1);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view rest = trim(text.substr(end + 1));
    if (!rest.empty() && rest.front() != '#') return std::nullopt;
    return std::string(text.substr(1, end - 1));
  }
  const size_t comment = text.find(" #");
  const std::string_view value = trim(text.substr(0, comment));
  if (value.find_first_of(" \t\"'`$\\;&|<>(){}*?[]~") != std::string_view::npos) return std::nullopt;
  return std::string(value);
}

std::map<std::string, std::string, std::less<>> parse_assignments(std::string_view text, std::string_view name) {
  std::map<std::string, std::string, std::less<>> values;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos || !is_key(line.substr(0, equals)))
      throw_error(ErrorKind::Invalid, "recipe '{}' line {}: not KEY=VALUE", name, number);
    std::optional<std::string> value = unquote(line.substr(equals + 1));
    if (!value) throw_error(ErrorKind::Invalid, "recipe '{}' line {}: put the value into single quotes", name, number);
    values.insert_or_assign(std::string(line.substr(0, equals)), std::move(*value));
  }
  return values;
}

std::vector<std::string> parse_command(const std::string& text, std::string_view name) {
  const json::Value command = json::parse(text, fmt::format("{}: CMD", name));
  const bool strings =
      command.is_array() && std::ranges::all_of(command, [](const json::Value& word) { return word.is_string(); });
  if (!strings) throw_error(ErrorKind::Invalid, "recipe '{}': CMD is not a JSON array of strings", name);
  return command.get<std::vector<std::string>>();
}

std::string path_of_recipe(const std::string& directory, std::string_view name) {
  std::string path = directory + "/" + std::string(name) + ".recipe";
  return path_exists(path) ? path : std::string();
}

}  // namespace

Recipe parse_recipe(std::string_view text, std::string_view name) {
  const auto values = parse_assignments(text, name);
  const auto value_of = [&values](std::string_view key) {
    const auto found = values.find(key);
    return found == values.end() ? std::string() : found->second;
  };
  Recipe recipe{.name = value_of("NAME"), .wrapping_directory = value_of("WRAPPING_DIRECTORY"), .config = {}};
  if (const std::string command = value_of("CMD"); !command.empty()) recipe.config.cmd = parse_command(command, name);
  // ENV holds one "K=V"; ENV_1, ENV_2 and so on hold more, in the order of their numbers.
  if (const std::string variable = value_of("ENV"); !variable.empty()) recipe.config.env.push_back(variable);
  std::map<uint64_t, std::string> numbered;
  for (const auto& [key, value] : values)
    if (const auto number = key.starts_with("ENV_") ? parse_unsigned(key.substr(4)) : std::nullopt)
      numbered.emplace(*number, value);
  for (const auto& [number, variable] : numbered) recipe.config.env.push_back(variable);
  for (const std::string& variable : recipe.config.env)
    if (variable.find('=') == std::string::npos || variable.front() == '=')
      throw_error(ErrorKind::Invalid, "recipe '{}': ENV '{}' is not NAME=VALUE", name, variable);
  return recipe;
}

Recipe load_recipe(const std::string& path) { return parse_recipe(read_file(path), path); }

std::optional<LocalTarball> find_tarball(const std::vector<std::string>& search_path, const std::string& name) {
  // "library/alpine" is no file name, and would lead into another directory.
  if (name.find('/') != std::string::npos) return std::nullopt;
  for (const std::string& directory : search_path)
    for (const std::string_view suffix : kSuffixes) {
      std::string path = fmt::format("{}/{}{}", directory, name, suffix);
      if (path_exists(path)) return LocalTarball{std::move(path), path_of_recipe(directory, name)};
    }
  return std::nullopt;
}

std::vector<std::string> tarball_names(const std::vector<std::string>& search_path) {
  std::vector<std::string> names;
  for (const std::string& directory : search_path)
    for (const std::string& file : list_directory(directory, Hidden::Include))
      for (const std::string_view suffix : kSuffixes)
        if (file.ends_with(suffix) && file.size() > suffix.size())
          names.push_back(file.substr(0, file.size() - suffix.size()));
  return names;
}

}  // namespace myct::image
