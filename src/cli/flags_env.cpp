#include <algorithm>

#include "flags.hpp"
#include "myct/base/error.hpp"

namespace myct::cli {
namespace {

constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::optional<std::string> variable_or_copy(const std::string& text, const Environment& caller) {
  if (text.find('=') != std::string::npos) return text;
  const std::optional<std::string> value = caller(text);
  if (!value) return std::nullopt;
  return text + "=" + *value;
}

}  // namespace

std::optional<std::string> parse_env(const std::string& text, const Environment& caller) {
  if (text.empty() || text.front() == '=')
    throw_error(ErrorKind::Usage, "invalid environment variable '{}': no name before '='", text);
  return variable_or_copy(text, caller);
}

std::vector<std::string> parse_env_file(std::string_view content, const std::string& name, const Environment& caller) {
  std::vector<std::string> env;
  if (content.starts_with(kByteOrderMark)) content.remove_prefix(kByteOrderMark.size());
  size_t number = 0;
  while (!content.empty()) {
    ++number;
    const size_t end = content.find('\n');
    std::string_view line = content.substr(0, end);
    content = end == std::string_view::npos ? std::string_view() : content.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
    if (line.empty() || line.front() == '#') continue;
    const std::string variable(line.substr(0, line.find('=')));
    if (variable.empty()) throw_error(ErrorKind::Usage, "env file '{}', line {}: no variable name", name, number);
    if (variable.find_first_of(kBlanks) != std::string::npos)
      throw_error(ErrorKind::Usage, "env file '{}', line {}: variable '{}' contains whitespaces", name, number,
                  variable);
    if (line.find('\0') != std::string_view::npos)
      throw_error(ErrorKind::Usage, "env file '{}', line {}: a NUL byte", name, number);
    if (const std::optional<std::string> entry = variable_or_copy(std::string(line), caller)) env.push_back(*entry);
  }
  return env;
}

std::map<std::string, std::string> parse_labels(const std::vector<std::string>& texts) {
  std::map<std::string, std::string> labels;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    const std::string key = text.substr(0, equals);
    if (key.empty() || key.find_first_of(kBlanks) != std::string::npos)
      throw_error(ErrorKind::Usage, "invalid label '{}': the key is empty or has blanks", text);
    labels[key] = equals == std::string::npos ? "" : text.substr(equals + 1);
  }
  return labels;
}

}  // namespace myct::cli
