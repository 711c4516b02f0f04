#include "command_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "myct/base/error.hpp"

namespace myct::cli {
namespace {

using Words = std::vector<std::string>;

/// The options before the command that take the next word as their value (globals.cpp).
constexpr std::array<std::string_view, 3> kGlobalsWithValue = {"--root", "--runtime-dir", "--cgroup-manager"};

/// The index of the first word that is not an option or an option's value, or the words' number.
size_t find_command_word(const Words& words) {
  for (size_t index = 1; index < words.size(); ++index)
    if (std::ranges::find(kGlobalsWithValue, words[index]) != kGlobalsWithValue.end())
      ++index;
    else if (!words[index].starts_with('-'))
      return index;
  return words.size();
}

/// "help ps" as "ps --help".
void put_help_last(Words& words) {
  const size_t index = find_command_word(words);
  if (index == words.size() || words[index] != "help") return;
  words.erase(words.begin() + static_cast<std::ptrdiff_t>(index));
  words.emplace_back("--help");
}

bool asks_for_help(const std::string& word) { return word == "--help" || word == "-h"; }

[[noreturn]] void throw_unknown_command(const std::vector<std::string>& known, const std::string& first,
                                        const std::string& second) {
  const bool incomplete = !known.empty() && (second.empty() || second.starts_with('-'));
  const std::string words = known.empty() || incomplete ? first : first + " " + second;
  const std::string hint =
      known.empty() ? "see 'myct --help'" : fmt::format("there are: {} {}", first, fmt::join(known, ", "));
  const std::string what =
      incomplete ? fmt::format("'{}' needs another word", words) : fmt::format("unknown command '{}'", words);
  throw Error(ErrorKind::Usage, what, 0, hint).set_exit_status(kExitFailure);
}

/// Finds the command, or the noun that help is wanted of, and makes the words that name it one.
void name_command(CommandLine& line) {
  const size_t index = find_command_word(line.storage);
  if (index == line.storage.size()) return;
  const std::string first = line.storage[index];
  line.command = find_command(first);
  if (line.command == nullptr) {
    const std::string second = index + 1 < line.storage.size() ? line.storage[index + 1] : "";
    const std::vector<std::string> known = words_after(first);
    if (!known.empty() && asks_for_help(second)) {
      line.noun = first;
      return;
    }
    line.command = find_command(first, second);
    if (line.command == nullptr) throw_unknown_command(known, first, second);
    line.storage.erase(line.storage.begin() + static_cast<std::ptrdiff_t>(index) + 1);
  }
  line.storage[index] = subcommand_name(*line.command);
}

}  // namespace

CommandLine parse_command_line(int argc, char** argv) {
  CommandLine line{.storage = {argv, argv + argc}};
  put_help_last(line.storage);
  name_command(line);
  for (std::string& word : line.storage) line.words.push_back(word.data());
  line.words.push_back(nullptr);
  return line;
}

void adapt_options(const CLI::App& command, CommandLine& line) {
  const bool words_end_options = command.get_prefix_command();
  for (size_t index = find_command_word(line.storage) + 1; index < line.storage.size(); ++index) {
    std::string& word = line.storage[index];
    if (word == "--") {
      if (words_end_options) word = kEndOfOptions;
      break;
    }
    if (word.size() < 2 || word.front() != '-') {
      if (words_end_options) break;
      continue;
    }
    word = without_short_equals(command, word);
    if (option_awaiting_value(command, word) != nullptr) ++index;
  }
  for (size_t index = 0; index < line.storage.size(); ++index) line.words[index] = line.storage[index].data();
}

std::string help_of_noun(const std::string& noun) {
  std::string text = fmt::format("Usage: myct {} COMMAND [ARG...]\n\nCommands:\n", noun);
  for (const std::string& word : words_after(noun))
    text += fmt::format("  {:<34}{}\n", word, find_command(noun, word)->summary);
  return text + fmt::format("\nSee 'myct {} COMMAND --help'.\n", noun);
}

}  // namespace myct::cli
