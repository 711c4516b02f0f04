#include "myct/image/change.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "myct/base/error.hpp"
#include "myct/base/json.hpp"
#include "myct/base/signals.hpp"
#include "myct/base/units.hpp"

namespace myct::image {
namespace {

using Words = std::vector<std::string>;

constexpr std::string_view kBlanks = " \t";

[[noreturn]] void refuse(std::string_view instruction, std::string_view why) {
  throw_error(ErrorKind::Usage, "invalid change '{}': {}", instruction, why);
}

std::string_view trim(std::string_view text) {
  const size_t start = text.find_first_not_of(kBlanks);
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(kBlanks) - start + 1);
}

/// What stands in quotes is one word, or a part of one; a backslash takes the next character as it is, but for single
/// quotes.
Words split_words(std::string_view text, std::string_view instruction) {
  Words words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (size_t index = 0; index < text.size(); ++index) {
    const char c = text[index];
    if (quote == 0 && kBlanks.find(c) != std::string_view::npos) {
      if (in_word) words.push_back(std::exchange(word, {}));
      in_word = false;
      continue;
    }
    in_word = true;
    if (c == '\\' && quote != '\'' && index + 1 < text.size())
      word += text[++index];
    else if (c == quote)
      quote = 0;
    else if (quote == 0 && (c == '"' || c == '\''))
      quote = c;
    else
      word += c;
  }
  if (quote != 0) refuse(instruction, "a quotation mark is not closed");
  if (in_word) words.push_back(std::move(word));
  return words;
}

/// A JSON list of strings; nullopt for any other text.
std::optional<Words> try_list(std::string_view text) {
  if (!text.starts_with('[')) return std::nullopt;
  const json::Value value = json::Value::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!value.is_array()) return std::nullopt;
  Words words;
  for (const json::Value& element : value) {
    if (!element.is_string()) return std::nullopt;
    words.push_back(element.get<std::string>());
  }
  return words;
}

Words command_from(const oci::ImageConfig& config, std::string_view text) {
  if (std::optional<Words> list = try_list(text)) return std::move(*list);
  Words command = config.shell.empty() ? Words{"/bin/sh", "-c"} : config.shell;
  command.emplace_back(text);
  return command;
}

/// "A=1 B=2", or "A the rest".
std::vector<std::pair<std::string, std::string>> pairs_from(std::string_view text, std::string_view instruction) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const size_t blank = text.find_first_of(kBlanks);
  if (text.substr(0, blank).find('=') == std::string_view::npos) {
    if (blank == std::string_view::npos) refuse(instruction, "a value is missing");
    return {{std::string(text.substr(0, blank)), std::string(trim(text.substr(blank)))}};
  }
  for (const std::string& word : split_words(text, instruction)) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos) refuse(instruction, fmt::format("'{}' has no '='", word));
    if (equals == 0) refuse(instruction, fmt::format("'{}' has no name before '='", word));
    pairs.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  return pairs;
}

void add_once(Words& words, std::string word) {
  if (std::ranges::find(words, word) == words.end()) words.push_back(std::move(word));
}

void set_cmd(oci::ImageConfig& config, std::string_view text, std::string_view /*instruction*/) {
  config.cmd = command_from(config, text);
}

/// The command of the image before was for another entry point.
void set_entrypoint(oci::ImageConfig& config, std::string_view text, std::string_view /*instruction*/) {
  config.entrypoint = command_from(config, text);
}

void set_env(oci::ImageConfig& config, std::string_view text, std::string_view instruction) {
  for (const auto& [name, value] : pairs_from(text, instruction)) {
    const std::string prefix = name + "=";
    const auto old = std::ranges::find_if(config.env, [&](const std::string& it) { return it.starts_with(prefix); });
    if (old != config.env.end())
      *old = prefix + value;
    else
      config.env.push_back(prefix + value);
  }
}

void add_exposed(oci::ImageConfig& config, std::string_view text, std::string_view instruction) {
  constexpr uint64_t kLastPort = 65535;
  for (const std::string& word : split_words(text, instruction)) {
    const size_t slash = word.find('/');
    const std::string protocol = slash == std::string::npos ? "tcp" : word.substr(slash + 1);
    const std::string ports = word.substr(0, slash);
    const size_t dash = ports.find('-');
    const std::optional<uint64_t> first = parse_unsigned(ports.substr(0, dash));
    const std::optional<uint64_t> last = dash == std::string::npos ? first : parse_unsigned(ports.substr(dash + 1));
    if (!first || !last || *first == 0 || *last > kLastPort || *first > *last ||
        (protocol != "tcp" && protocol != "udp" && protocol != "sctp"))
      refuse(instruction, fmt::format("'{}' is no port such as 80, 80/udp or 8000-8010", word));
    for (uint64_t port = *first; port <= *last; ++port)
      add_once(config.exposed_ports, fmt::format("{}/{}", port, protocol));
  }
}

void add_labels(oci::ImageConfig& config, std::string_view text, std::string_view instruction) {
  for (auto& [name, value] : pairs_from(text, instruction)) config.labels[name] = value;
}

void add_on_build(oci::ImageConfig& config, std::string_view text, std::string_view /*instruction*/) {
  config.on_build.emplace_back(text);
}

void set_stop_signal(oci::ImageConfig& config, std::string_view text, std::string_view instruction) {
  if (!parse_signal(std::string(text))) refuse(instruction, fmt::format("'{}' is no signal", text));
  config.stop_signal = text;
}

void set_user(oci::ImageConfig& config, std::string_view text, std::string_view /*instruction*/) { config.user = text; }

void add_volumes(oci::ImageConfig& config, std::string_view text, std::string_view instruction) {
  const std::optional<Words> list = try_list(text);
  for (const std::string& path : list ? *list : split_words(text, instruction)) {
    if (!path.starts_with('/')) refuse(instruction, fmt::format("'{}' is not an absolute path", path));
    add_once(config.volumes, path);
  }
}

/// A relative one goes on from the one before.
void set_workdir(oci::ImageConfig& config, std::string_view text, std::string_view /*instruction*/) {
  if (text.starts_with('/'))
    config.working_dir = text;
  else
    config.working_dir = fmt::format("{}/{}", config.working_dir == "/" ? "" : config.working_dir, text);
}

struct Instruction {
  std::string_view word;
  void (*apply)(oci::ImageConfig& config, std::string_view text, std::string_view instruction);
};
constexpr std::array kInstructions = {Instruction{"CMD", set_cmd},
                                      Instruction{"ENTRYPOINT", set_entrypoint},
                                      Instruction{"ENV", set_env},
                                      Instruction{"EXPOSE", add_exposed},
                                      Instruction{"LABEL", add_labels},
                                      Instruction{"ONBUILD", add_on_build},
                                      Instruction{"STOPSIGNAL", set_stop_signal},
                                      Instruction{"USER", set_user},
                                      Instruction{"VOLUME", add_volumes},
                                      Instruction{"WORKDIR", set_workdir}};

}  // namespace

void apply_change(oci::ImageConfig& config, std::string_view instruction) {
  const std::string_view text = trim(instruction);
  const size_t end = text.find_first_of(kBlanks);
  std::string word(text.substr(0, end));
  std::ranges::transform(word, word.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const auto* const found = std::ranges::find(kInstructions, word, &Instruction::word);
  if (found == kInstructions.end())
    refuse(instruction, "there are CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME and WORKDIR");
  const std::string_view rest = end == std::string_view::npos ? std::string_view() : trim(text.substr(end));
  if (rest.empty()) refuse(instruction, fmt::format("{} needs a value", word));
  found->apply(config, rest, instruction);
}

}  // namespace myct::image
